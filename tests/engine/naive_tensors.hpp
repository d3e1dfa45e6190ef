#pragma once
// What tests of operators share: tensors with values, elements as double, and an engine's answer.

#include <tenon/engine.hpp>

#include "catch.hpp"
#include "naive.hpp"

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

namespace tenon::test {

using Extents = std::vector<index_t>;

[[nodiscard]] inline TensorType type_of(DType dtype, const Extents& extents) {
  return TensorType(dtype, std::span<const index_t>(extents));
}

// A tensor of the heap with the values of naive::values.
template <class T>
[[nodiscard]] AnyTensor some(const Extents& extents, unsigned seed) {
  AnyTensor tensor(type_of(dtype_of<T>, extents), std::pmr::new_delete_resource());
  const auto values = naive::values<T>(static_cast<std::size_t>(tensor.type().size()), seed);
  std::ranges::copy(values, tensor.elements<T>().begin());
  return tensor;
}

// A tensor with these values.
template <class T>
[[nodiscard]] AnyTensor tensor_of(const Extents& extents, const std::vector<T>& values) {
  AnyTensor tensor(type_of(dtype_of<T>, extents), std::pmr::new_delete_resource());
  std::ranges::copy(values, tensor.elements<T>().begin());
  return tensor;
}

template <class T>
[[nodiscard]] std::vector<double> as_doubles(const AnyTensor& tensor) {
  const auto elements = tensor.elements<T>();
  std::vector<double> all;
  for (const T x : elements) all.push_back(static_cast<double>(x));
  return all;
}

// What the operator makes of the inputs: a new tensor of the type that it infers.
[[nodiscard]] inline AnyTensor computed(InferenceEngine& engine, std::string_view name,
                                        const std::vector<const AnyTensor*>& inputs,
                                        const Attributes& attributes = {}) {
  std::vector<TensorType> types;
  std::vector<ConstAnyView> views;
  for (const AnyTensor* input : inputs) {
    types.push_back(input->type());
    views.push_back(*input);
  }
  TensorType type;
  engine.operators().at(name).infer(types, attributes, {&type, 1});
  AnyTensor output = engine.get_tensor(type);
  if (output.data() != nullptr) std::memset(output.data(), 0x5A, output.bytes());
  const AnyView to[] = {output};
  engine.execute_operator(name, views, to, attributes);
  return output;
}

// The tolerance of a sum of n products of T.
template <class T>
[[nodiscard]] double tolerance(index_t n) {
  if constexpr (std::is_floating_point_v<T>)
    return 4.0 * static_cast<double>(n + 4) *
           static_cast<double>(std::numeric_limits<T>::epsilon());
  else
    return 0;
}

// Every element is close to the expected one; `scale` is the size of what was added up.
inline void check_close(const std::vector<double>& actual, const std::vector<double>& expected,
                        double relative, double scale) {
  REQUIRE(actual.size() == expected.size());
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (!naive::close(actual[i], expected[i], relative, relative * scale) && wrong++ == 0)
      first = i;
  INFO("element " << first << ": " << (wrong > 0 ? actual[first] : 0) << " instead of "
                  << (wrong > 0 ? expected[first] : 0));
  CHECK(wrong == 0);
}

// The message of what f raises; empty where it raises nothing.
template <class E, class F>
[[nodiscard]] std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return {};
}

}  // namespace tenon::test
