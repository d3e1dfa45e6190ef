// Transpose, Slice, Reshape, Flatten, Concat and Cast against loops over indices.

#include "naive_tensors.hpp"

#include <tenon/core/half.hpp>

namespace tn = tenon;
using namespace tenon::test;
using tenon::index_t;

namespace {

[[nodiscard]] std::size_t place_of(const Extents& extents, const std::vector<index_t>& at) {
  index_t place = 0;
  for (std::size_t i = 0; i < extents.size(); ++i) place = place * extents[i] + at[i];
  return static_cast<std::size_t>(place);
}

template <class T>
void check_transpose(const Extents& extents, std::initializer_list<index_t> perm) {
  tn::InferenceEngine engine;
  const auto x = some<T>(extents, 1);
  const auto y = computed(engine, "Transpose", {&x},
                          perm.size() == 0 ? tn::Attributes{} : tn::Attributes{{"perm", perm}});
  std::vector<index_t> order(perm);
  if (order.empty())
    for (std::size_t i = extents.size(); i-- > 0;) order.push_back(static_cast<index_t>(i));
  Extents out;
  for (const index_t axis : order) out.push_back(extents[static_cast<std::size_t>(axis)]);
  CAPTURE(tn::TensorTypeText(x.type()).text, tn::TensorTypeText(y.type()).text);
  REQUIRE(y.type() == type_of(tn::dtype_of<T>, out));
  const auto all = as_doubles<T>(x);
  std::vector<double> expected;
  naive::for_each_index(out, [&](const std::vector<index_t>& at) {
    std::vector<index_t> from(extents.size());
    for (std::size_t i = 0; i < order.size(); ++i) from[static_cast<std::size_t>(order[i])] = at[i];
    expected.push_back(all[place_of(extents, from)]);
  });
  CHECK(as_doubles<T>(y) == expected);
}

template <class T>
void check_transposes() {
  check_transpose<T>({7, 19}, {1, 0});
  check_transpose<T>({7, 19}, {0, 1});
  check_transpose<T>({3, 5, 17}, {});
  check_transpose<T>({3, 5, 17}, {0, 2, 1});
  check_transpose<T>({3, 5, 17}, {1, 0, 2});
  check_transpose<T>({3, 5, 17}, {2, 0, 1});
  check_transpose<T>({2, 5, 3, 9}, {0, 2, 1, 3});
  check_transpose<T>({2, 3, 2, 3, 2, 3, 2, 3}, {7, 2, 5, 0, 3, 6, 1, 4});
  check_transpose<T>({1, 5, 1}, {2, 1, 0});
  check_transpose<T>({9}, {});
  check_transpose<T>({}, {});
  check_transpose<T>({3, 0, 2}, {2, 1, 0});
}

}  // namespace

TEST_CASE("Transpose moves every axis, of elements of every size", "[engine]") {
  check_transposes<float>();
  check_transposes<double>();
  check_transposes<std::int8_t>();
  check_transposes<std::uint16_t>();
  tn::InferenceEngine engine;
  const auto x = some<float>({2, 3}, 1);
  CHECK(message_of<tn::ShapeError>([&] {
          static_cast<void>(computed(engine, "Transpose", {&x}, {{"perm", {0, 0}}}));
        }) == "Transpose: perm (0, 0) does not have each axis of float32[2, 3] once");
}

namespace {

// One axis at a time is NumPy's x[start:end:step].
template <class T>
void check_slice(const Extents& extents, std::size_t axis, index_t start, index_t end,
                 index_t step) {
  tn::InferenceEngine engine;
  const auto x = some<T>(extents, 1);
  const auto y = computed(
      engine, "Slice", {&x},
      {{"starts", start}, {"ends", end}, {"axes", static_cast<index_t>(axis)}, {"steps", step}});
  const index_t n = extents[axis];
  const auto place = [&](index_t i) {
    if (i < 0) i += n;
    return step > 0 ? std::clamp<index_t>(i, 0, n) : std::clamp<index_t>(i, -1, n - 1);
  };
  std::vector<index_t> picked;
  for (index_t i = place(start); step > 0 ? i < place(end) : i > place(end); i += step)
    picked.push_back(i);
  Extents out = extents;
  out[axis] = static_cast<index_t>(picked.size());
  CAPTURE(axis, start, end, step);
  REQUIRE(y.type() == type_of(tn::dtype_of<T>, out));
  const auto all = as_doubles<T>(x);
  std::vector<double> expected;
  naive::for_each_index(out, [&](const std::vector<index_t>& at) {
    auto from = at;
    from[axis] = picked[static_cast<std::size_t>(at[axis])];
    expected.push_back(all[place_of(extents, from)]);
  });
  CHECK(as_doubles<T>(y) == expected);
}

}  // namespace

TEST_CASE("Slice is NumPy's, steps and negative positions included", "[engine]") {
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (const index_t start : {0, 1, 5, -2, -100, 100})
      for (const index_t end : {0, 4, 7, -1, -100, 100})
        for (const index_t step : {1, 2, -1, -3})
          check_slice<float>({7, 6, 8}, axis, start, end, step);
  check_slice<std::int16_t>({7, 6, 8}, 1, 1, 5, 2);
  tn::InferenceEngine engine;
  const auto x = some<double>({4, 6}, 1);
  const auto y = computed(engine, "Slice", {&x}, {{"starts", {1, -2}}, {"ends", {3, 100}}});
  CHECK(y.type() == tn::TensorType(tn::DType::float64, {2, 2}));
  CHECK(y.at<double>({1, 0}) == x.at<double>({2, 4}));
  const auto message = [&](const tn::Attributes& attributes) {
    return message_of<tn::ShapeError>(
        [&] { static_cast<void>(computed(engine, "Slice", {&x}, attributes)); });
  };
  CHECK(message({{"starts", 1}, {"ends", {1, 2}}}) ==
        "Slice: 1 starts, 2 ends, 0 axes and 0 steps");
  CHECK(message({{"starts", 1}, {"ends", 2}, {"steps", 0}}) == "Slice: the step on axis 0 is 0");
  CHECK(message({{"starts", {1, 1}}, {"ends", {2, 2}}, {"axes", {1, -1}}}) ==
        "Slice: axis 1 of float64[4, 6] is named twice");
}

TEST_CASE("Reshape and Flatten keep the elements, in place where wished", "[engine]") {
  tn::InferenceEngine engine;
  auto x = some<float>({4, 6}, 1);
  const auto reshaped = computed(engine, "Reshape", {&x}, {{"shape", {2, -1, 3}}});
  CHECK(reshaped.type() == tn::TensorType(tn::DType::float32, {2, 4, 3}));
  CHECK(as_doubles<float>(reshaped) == as_doubles<float>(x));
  CHECK(computed(engine, "Reshape", {&x}, {{"shape", {0, 2, 3}}}).type() ==
        tn::TensorType(tn::DType::float32, {4, 2, 3}));
  const auto cube = some<float>({2, 3, 4}, 1);
  CHECK(computed(engine, "Flatten", {&cube}).type() == tn::TensorType(tn::DType::float32, {2, 12}));
  CHECK(computed(engine, "Flatten", {&cube}, {{"axis", -1}}).type() ==
        tn::TensorType(tn::DType::float32, {6, 4}));
  CHECK(computed(engine, "Flatten", {&cube}, {{"axis", 0}}).type() ==
        tn::TensorType(tn::DType::float32, {1, 24}));
  const auto before = as_doubles<float>(x);
  const tn::AnyView same({tn::DType::float32, {24}}, x.data());
  engine.execute_operator("Reshape", {x}, {same}, {{"shape", 24}});
  CHECK(as_doubles<float>(x) == before);
  const auto message = [&](std::initializer_list<index_t> shape) {
    return message_of<tn::ShapeError>(
        [&] { static_cast<void>(computed(engine, "Reshape", {&x}, {{"shape", shape}})); });
  };
  CHECK(message({5, -1}) == "Reshape: float32[4, 6] does not become (5, -1)");
  CHECK(message({-1, -1}) == "Reshape: float32[4, 6] does not become (-1, -1)");
  CHECK(message({4, 7}) == "Reshape: float32[4, 6] does not become (4, 7)");
  CHECK(message({1, 1, 0, 24}) == "Reshape: float32[4, 6] does not become (1, 1, 0, 24)");
}

TEST_CASE("Concat joins any number of tensors along any axis", "[engine]") {
  tn::InferenceEngine engine;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::vector<tn::AnyTensor> parts;
    Extents out{3, 4, 5};
    out[axis] = 0;
    for (const index_t extent : {2, 0, 5, 1}) {
      Extents extents{3, 4, 5};
      extents[axis] = extent;
      out[axis] += extent;
      parts.push_back(some<double>(extents, static_cast<unsigned>(extent)));
    }
    const auto y = computed(engine, "Concat", {&parts[0], &parts[1], &parts[2], &parts[3]},
                            {{"axis", static_cast<index_t>(axis) - 3}});
    REQUIRE(y.type() == type_of(tn::DType::float64, out));
    std::vector<double> expected;
    naive::for_each_index(out, [&](const std::vector<index_t>& at) {
      auto from = at;
      for (const auto& part : parts) {
        const index_t extent = part.type().extent(static_cast<int>(axis));
        if (from[axis] < extent) {
          Extents own(part.type().shape().begin(), part.type().shape().end());
          expected.push_back(part.elements<double>()[place_of(own, from)]);
          return;
        }
        from[axis] -= extent;
      }
    });
    CHECK(as_doubles<double>(y) == expected);
  }
  const auto a = some<float>({2, 3}, 1), b = some<float>({2, 4}, 2), c = some<double>({2, 3}, 3);
  const auto message = [&](const tn::AnyTensor& x, const tn::AnyTensor& y,
                           const tn::Attributes& attributes) {
    return message_of<std::exception>(
        [&] { static_cast<void>(computed(engine, "Concat", {&x, &y}, attributes)); });
  };
  CHECK(message(a, b, {{"axis", 0}}) ==
        "Concat: float32[2, 3] and float32[2, 4] do not join along axis 0");
  CHECK(message(a, c, {{"axis", 0}}) ==
        "Concat: float32[2, 3] and float64[2, 3] have different elements");
  CHECK(message(a, b, {}) == "Concat: it needs an attribute axis");
}

namespace {

template <class From, class To>
void check_cast(tn::InferenceEngine& engine) {
  const auto x = some<From>({3, 11}, 1);
  const auto y = computed(engine, "Cast", {&x}, {{"to", static_cast<int>(tn::dtype_of<To>)}});
  CAPTURE(tn::TensorTypeText(x.type()).text, tn::TensorTypeText(y.type()).text);
  REQUIRE(y.type() == tn::TensorType(tn::dtype_of<To>, {3, 11}));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < 33; ++i)
    if (!(y.template elements<To>()[i] == static_cast<To>(x.template elements<From>()[i]))) ++wrong;
  CHECK(wrong == 0);
}

// Values that every type has: integers from 0 to 99.
template <class From, class... To>
void check_casts_from(tn::InferenceEngine& engine) {
  (check_cast<From, To>(engine), ...);
}

}  // namespace

TEST_CASE("Cast has every pair of element types", "[engine]") {
  tn::InferenceEngine engine;
  const auto from = [&]<class From>(std::type_identity<From>) {
    check_casts_from<From, float, double, bool, std::int16_t, std::int32_t, std::int64_t,
                     std::uint16_t, std::uint64_t>(engine);
  };
  from(std::type_identity<std::int8_t>{});
  from(std::type_identity<std::uint8_t>{});
  from(std::type_identity<std::int32_t>{});
  from(std::type_identity<std::int64_t>{});
  from(std::type_identity<std::uint64_t>{});
  from(std::type_identity<bool>{});
  check_casts_from<float, float, double, bool, std::int8_t, std::int32_t, std::int64_t>(engine);
  check_casts_from<double, float, double, bool, std::int8_t, std::int32_t, std::int64_t>(engine);
  const auto x = tensor_of<float>({3}, {1.0F, 0.1F, -65504.0F});
  const auto h = computed(engine, "Cast", {&x}, {{"to", static_cast<int>(tn::DType::float16)}});
  const auto back = computed(engine, "Cast", {&h}, {{"to", static_cast<int>(tn::DType::float32)}});
  CHECK(as_doubles<float>(back) == std::vector<double>{1, 0.0999755859375, -65504});
  CHECK(message_of<tn::DTypeError>([&] {
          static_cast<void>(computed(engine, "Cast", {&x}, {{"to", 13}}));
        }) == "Cast: attribute to is 13; it has to be a DType, 0 to 12");
}
