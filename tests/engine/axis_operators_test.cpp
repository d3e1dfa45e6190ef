// Softmax, LayerNorm, reductions and ArgMax against loops in double.

#include "naive_tensors.hpp"

#include <functional>

namespace tn = tenon;
using namespace tenon::test;
using tenon::index_t;

namespace {

// f(elements along `axis` at one place of the other axes) for each place, in row-major order of the others.
template <class F>
void for_each_line(const std::vector<double>& x, const Extents& extents, std::size_t axis,
                   const F& f) {
  index_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= extents[i];
  for (std::size_t i = axis + 1; i < extents.size(); ++i) inner *= extents[i];
  for (index_t o = 0; o < outer; ++o)
    for (index_t i = 0; i < inner; ++i) {
      std::vector<double> line;
      std::vector<std::size_t> places;
      for (index_t a = 0; a < extents[axis]; ++a) {
        places.push_back(static_cast<std::size_t>((o * extents[axis] + a) * inner + i));
        line.push_back(x[places.back()]);
      }
      f(line, places);
    }
}

template <class T>
void check_softmax(const Extents& extents, index_t axis, int threads = 1) {
  tn::InferenceEngine engine({.thread_count = threads});
  const auto x = some<T>(extents, 1);
  const auto y = computed(engine, "Softmax", {&x}, {{"axis", axis}});
  CAPTURE(tn::TensorTypeText(x.type()).text, axis);
  const auto rank = static_cast<index_t>(extents.size());
  std::vector<double> expected(static_cast<std::size_t>(x.type().size()));
  for_each_line(as_doubles<T>(x), extents, static_cast<std::size_t>(axis < 0 ? axis + rank : axis),
                [&](const std::vector<double>& line, const std::vector<std::size_t>& places) {
                  double most = -1e300, sum = 0;
                  for (const double e : line) most = std::max(most, e);
                  for (const double e : line) sum += std::exp(e - most);
                  for (std::size_t i = 0; i < line.size(); ++i)
                    expected[places[i]] = std::exp(line[i] - most) / sum;
                });
  check_close(as_doubles<T>(y), expected, tolerance<T>(8), 1);
}

template <class T>
void check_layer_norm(const Extents& extents, std::size_t first, bool bias, int threads = 1) {
  tn::InferenceEngine engine({.thread_count = threads});
  const Extents own(extents.begin() + static_cast<index_t>(first), extents.end());
  const auto x = some<T>(extents, 1), scale = some<T>(own, 2), shift = some<T>(own, 3);
  std::vector<const tn::AnyTensor*> inputs{&x, &scale};
  if (bias) inputs.push_back(&shift);
  const auto axis = static_cast<index_t>(first) - static_cast<index_t>(extents.size());
  const auto y = computed(engine, "LayerNorm", inputs, {{"axis", axis}, {"epsilon", 1e-3}});
  CAPTURE(tn::TensorTypeText(x.type()).text, axis, bias);
  const auto p = as_doubles<T>(x), s = as_doubles<T>(scale), b = as_doubles<T>(shift);
  const auto n = static_cast<std::size_t>(scale.type().size());
  std::vector<double> expected(p.size());
  for (std::size_t row = 0; n > 0 && row < p.size() / n; ++row) {
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < n; ++i) mean += p[row * n + i] / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i)
      variance += (p[row * n + i] - mean) * (p[row * n + i] - mean) / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i)
      expected[row * n + i] =
          (p[row * n + i] - mean) / std::sqrt(variance + 1e-3) * s[i] + (bias ? b[i] : 0);
  }
  check_close(as_doubles<T>(y), expected, tolerance<T>(32), 8);
}

}  // namespace

TEST_CASE("Softmax along any axis", "[engine]") {
  for (const index_t axis : {0, 1, 2, -1, -2, -3}) check_softmax<float>({5, 7, 19}, axis);
  check_softmax<double>({5, 7, 19}, 1);
  check_softmax<double>({33, 70}, -1);
  check_softmax<float>({130}, 0);
  check_softmax<float>({0, 4}, 1);
  check_softmax<float>({400, 300}, -1, 3);
}

TEST_CASE("LayerNorm of the last axes, with and without bias", "[engine]") {
  for (const bool bias : {false, true}) {
    check_layer_norm<float>({7, 33}, 1, bias);
    check_layer_norm<double>({2, 3, 20}, 2, bias);
    check_layer_norm<float>({3, 4, 5}, 1, bias);
    check_layer_norm<float>({40}, 0, bias);
  }
  check_layer_norm<float>({0, 5}, 1, true);
  check_layer_norm<float>({300, 256}, 1, true, 3);
  tn::InferenceEngine engine;
  const auto x = some<float>({2, 3}, 1), scale = some<float>({4}, 2);
  CHECK(message_of<tn::ShapeError>([&] {
          static_cast<void>(computed(engine, "LayerNormalization", {&x, &scale}));
        }) == "LayerNorm: input 1 is float32[4]; it has to be float32[3] for float32[2, 3]");
}

namespace {

using Fold = std::function<double(const std::vector<double>&)>;

double sum_of(const std::vector<double>& all) {
  double sum = 0;
  for (const double x : all) sum += x;
  return sum;
}
double product_of(const std::vector<double>& all) {
  double product = 1;
  for (const double x : all) product *= x;
  return product;
}

// Folds of the elements whose indices agree off the axes, keepdims or not.
template <class T>
void check_reduce(std::string_view name, const Fold& fold, const Extents& extents,
                  std::initializer_list<index_t> axes, bool keepdims) {
  tn::InferenceEngine engine;
  auto x = some<T>(extents, 1);
  if (name == "ReduceProd") {  // products that every type has room for
    const auto elements = x.template elements<T>();
    for (std::size_t i = 0; i < elements.size(); ++i)
      elements[i] = static_cast<T>(i % 37 == 5 ? 2 : i % 41 == 7 ? 3 : 1);
  }
  const auto y = computed(engine, name, {&x}, {{"axes", axes}, {"keepdims", keepdims ? 1 : 0}});
  CAPTURE(name, tn::TensorTypeText(x.type()).text, keepdims, axes.size());

  std::vector<bool> goes(extents.size(), axes.size() == 0);
  for (const index_t axis : axes)
    goes[static_cast<std::size_t>(axis < 0 ? axis + static_cast<index_t>(extents.size()) : axis)] =
        true;
  Extents kept, reduced, out;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    kept.push_back(goes[i] ? 1 : extents[i]);
    reduced.push_back(goes[i] ? extents[i] : 1);
    if (!goes[i] || keepdims) out.push_back(goes[i] ? 1 : extents[i]);
  }
  REQUIRE(y.type() == type_of(tn::dtype_of<T>, out));
  const auto all = as_doubles<T>(x);
  std::vector<double> expected;
  naive::for_each_index(kept, [&](const std::vector<index_t>& at) {
    std::vector<double> folded;
    naive::for_each_index(reduced, [&](const std::vector<index_t>& within) {
      index_t place = 0;
      for (std::size_t i = 0; i < extents.size(); ++i)
        place = place * extents[i] + at[i] + within[i];
      folded.push_back(all[static_cast<std::size_t>(place)]);
    });
    expected.push_back(fold(folded));
  });
  check_close(as_doubles<T>(y), expected, tolerance<T>(4), 64);
}

template <class T>
void check_reductions(std::string_view name, const Fold& fold) {
  for (const bool keepdims : {false, true}) {
    check_reduce<T>(name, fold, {3, 4, 5, 6}, {}, keepdims);
    check_reduce<T>(name, fold, {3, 4, 5, 6}, {-1}, keepdims);
    check_reduce<T>(name, fold, {3, 4, 5, 6}, {0}, keepdims);
    check_reduce<T>(name, fold, {3, 4, 5, 6}, {1, 2}, keepdims);
    check_reduce<T>(name, fold, {3, 4, 5, 6}, {0, 2}, keepdims);
    check_reduce<T>(name, fold, {3, 4, 5, 6}, {1, -1}, keepdims);
    check_reduce<T>(name, fold, {2, 1, 2, 3, 2, 1, 3, 2}, {6, 0, 2, 4}, keepdims);
  }
  check_reduce<T>(name, fold, {300}, {0}, false);
  check_reduce<T>(name, fold, {}, {}, false);
  check_reduce<T>(name, fold, {0, 3}, {1}, false);
}

}  // namespace

TEST_CASE("reductions over any axes", "[engine]") {
  const Fold most = [](const std::vector<double>& all) { return *std::ranges::max_element(all); };
  const Fold least = [](const std::vector<double>& all) { return *std::ranges::min_element(all); };
  const Fold mean = [](const std::vector<double>& all) {
    return sum_of(all) / static_cast<double>(all.size());
  };
  const auto check_all = [&]<class T>(std::type_identity<T>) {
    check_reductions<T>("ReduceSum", sum_of);
    check_reductions<T>("ReduceProd", product_of);
    check_reductions<T>("ReduceMax", most);
    check_reductions<T>("ReduceMin", least);
  };
  check_all(std::type_identity<float>{});
  check_all(std::type_identity<double>{});
  check_all(std::type_identity<std::int32_t>{});
  check_all(std::type_identity<std::int64_t>{});
  check_reductions<float>("ReduceMean", mean);
  check_reductions<double>("ReduceMean", mean);
}

TEST_CASE("reductions of nothing are their neutral element, or an error", "[engine]") {
  check_reduce<float>("ReduceSum", sum_of, {3, 0}, {1}, false);
  check_reduce<float>("ReduceProd", product_of, {3, 0}, {1}, false);
  tn::InferenceEngine engine;
  const auto x = some<float>({3, 0}, 1), i = some<std::int32_t>({3, 2}, 1);
  const auto message = [&](std::string_view name, const tn::AnyTensor& of,
                           const tn::Attributes& attributes) {
    return message_of<std::exception>(
        [&] { static_cast<void>(computed(engine, name, {&of}, attributes)); });
  };
  CHECK(message("ReduceMax", x, {{"axes", 1}}) ==
        "ReduceMax: the axes to reduce of float32[3, 0] hold no element");
  CHECK(message("ArgMax", x, {{"axis", 1}}) == "ArgMax: axis 1 of float32[3, 0] holds no element");
  CHECK(message("ReduceSum", x, {{"axes", {1, -1}}}) ==
        "ReduceSum: axis -1 of float32[3, 0] is named twice");
  CHECK(message("ReduceSum", x, {{"axes", 2}}) == "ReduceSum: float32[3, 0] has no axis 2");
  CHECK(message("ReduceMean", i, {}) ==
        "ReduceMean: no kernel for int32[3, 2]; there are some for float32, float64");
  CHECK(message("Softmax", x, {{"axis", -3}}) == "Softmax: float32[3, 0] has no axis -3");
}

namespace {

template <class T>
void check_arg_max(const Extents& extents, index_t axis, bool keepdims) {
  tn::InferenceEngine engine;
  const auto x = some<T>(extents, 1);
  const auto y = computed(engine, "ArgMax", {&x}, {{"axis", axis}, {"keepdims", keepdims ? 1 : 0}});
  const auto rank = static_cast<index_t>(extents.size());
  const auto along = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  Extents out = extents;
  if (keepdims)
    out[along] = 1;
  else
    out.erase(out.begin() + static_cast<index_t>(along));
  REQUIRE(y.type() == type_of(tn::DType::int64, out));
  std::vector<double> expected;
  for_each_line(
      as_doubles<T>(x), extents, along,
      [&](const std::vector<double>& line, const std::vector<std::size_t>&) {
        expected.push_back(static_cast<double>(std::ranges::max_element(line) - line.begin()));
      });
  CHECK(as_doubles<std::int64_t>(y) == expected);
}

}  // namespace

TEST_CASE("ArgMax along any axis is the first of the greatest", "[engine]") {
  for (const index_t axis : {0, 1, 2, -1})
    for (const bool keepdims : {false, true}) {
      check_arg_max<float>({5, 6, 37}, axis, keepdims);
      check_arg_max<double>({5, 6, 37}, axis, keepdims);
      check_arg_max<std::int32_t>({5, 6, 137}, axis, keepdims);
      check_arg_max<std::int64_t>({5, 6, 7}, axis, keepdims);
    }
  check_arg_max<float>({0, 3}, 1, false);
}
