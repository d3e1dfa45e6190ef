#pragma once
// Values of NumPy from tests/data/reference.csv, and their comparison with what Tenon computes.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace tenon::test {

// One line of the file.
struct ReferenceTensor {
  std::string dtype;
  std::vector<index_t> extents;
  std::vector<std::string> values;
};

inline const ReferenceTensor& reference(const std::string& name) {
  static const auto all = [] {
    std::map<std::string, ReferenceTensor> tensors;
    std::ifstream file(TENON_TEST_DATA "/reference.csv");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with('#')) continue;
      std::istringstream fields(line);
      std::string key, extents, values;
      ReferenceTensor tensor;
      std::getline(fields, key, ';');
      std::getline(fields, tensor.dtype, ';');
      std::getline(fields, extents, ';');
      std::getline(fields, values, ';');
      std::istringstream extent_words(extents), value_words(values);
      for (index_t e; extent_words >> e;) tensor.extents.push_back(e);
      for (std::string v; value_words >> v;) tensor.values.push_back(v);
      tensors.emplace(key, tensor);
    }
    return tensors;
  }();
  INFO("reference tensor " << name);
  REQUIRE(all.contains(name));
  return all.at(name);
}

template <class T>
T parse(const std::string& text) {
  if constexpr (std::is_same_v<T, float>)
    return std::strtof(text.c_str(), nullptr);
  else if constexpr (std::is_same_v<T, double>)
    return std::strtod(text.c_str(), nullptr);
  else if constexpr (std::is_signed_v<T>)
    return static_cast<T>(std::strtoll(text.c_str(), nullptr, 10));
  else
    return static_cast<T>(std::strtoull(text.c_str(), nullptr, 10));
}

template <int Rank>
consteval auto all_dynamic() {
  std::array<index_t, static_cast<std::size_t>(Rank)> pattern{};
  for (auto& e : pattern) e = dyn;
  return pattern;
}

// The named tensor as a Tensor of dynamic shape.
template <class T, int Rank, class R>
auto load(const std::string& name, R& resource) {
  const auto& stored = reference(name);
  REQUIRE(stored.dtype == tenon::name(dtype_of<T>));
  REQUIRE(stored.extents.size() == static_cast<std::size_t>(Rank));
  std::array<index_t, static_cast<std::size_t>(Rank)> extents{};
  for (std::size_t i = 0; i < extents.size(); ++i) extents[i] = stored.extents[i];
  using S = shape_from_t<all_dynamic<Rank>()>;
  Tensor<T, S> result(S::from_extents(extents), resource);
  for (std::size_t i = 0; i < stored.values.size(); ++i)
    result.data()[i] = parse<T>(stored.values[i]);
  return result;
}

// The distance of two floats in units in the last place; 0 where both are NaN.
template <class T>
std::uint64_t ulp_distance(T a, T b) {
  if (a != a || b != b) return (a != a) == (b != b) ? 0 : ~std::uint64_t{0};
  using I = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  const auto place = [](T x) {
    const auto bits = static_cast<std::int64_t>(std::bit_cast<I>(x));
    return bits < 0 ? static_cast<std::int64_t>(std::numeric_limits<I>::min()) - bits : bits;
  };
  const auto x = static_cast<std::uint64_t>(place(a)), y = static_cast<std::uint64_t>(place(b));
  return place(a) < place(b) ? y - x : x - y;
}

// How equal is equal.
struct Within {
  std::uint64_t ulp = 0;
  double absolute = 0;      // or as near as this
  bool signed_zero = true;  // -0 is not 0
};

// Checks element type, shape and every value of a result against the named tensor.
template <class Result>
void check_same(const std::string& name, const Result& result, Within within = {}) {
  using T = typename Result::value_type;
  const auto& stored = reference(name);
  INFO("reference tensor " << name);
  CHECK(stored.dtype == tenon::name(dtype_of<T>));
  const auto extents = result.shape().extents();
  REQUIRE(std::vector<index_t>(extents.begin(), extents.end()) == stored.extents);
  REQUIRE(static_cast<std::size_t>(result.shape().size()) == stored.values.size());
  for (std::size_t i = 0; i < stored.values.size(); ++i) {
    const T got = result.data()[i], wanted = parse<T>(stored.values[i]);
    bool same = got == wanted;
    if constexpr (std::is_floating_point_v<T>) {
      same = ulp_distance(got, wanted) <= within.ulp || std::abs(got - wanted) <= within.absolute;
      if (within.signed_zero && wanted == 0 && within.ulp == 0 && within.absolute == 0)
        same = same && std::signbit(got) == std::signbit(wanted);
    }
    if (!same) {
      CAPTURE(i, got, stored.values[i]);
      CHECK(same);
      return;  // the first one says enough
    }
  }
  SUCCEED();
}

}  // namespace tenon::test
