#include <tenon/tensor/static_tensor.hpp>

#include <tenon/tensor/tensor.hpp>

#include "catch.hpp"
#include "models.hpp"
#include "probe.hpp"

#include <memory_resource>
#include <type_traits>
#include <utility>

using namespace tenon;
using namespace tenon::literals;

namespace {

// Everything that reads is a constant expression.
constexpr StaticTensor<float, 2, 3> flat{0, 1, 2, 10, 11, 12};
constexpr StaticTensor<float, 2, 3> nested{{0, 1, 2}, {10, 11, 12}};
constexpr StaticTensor<int, 2, 1, 2> cube{{{1, 2}}, {{3, 4}}};
constexpr StaticTensor<int, 2, 1> column{{5}, {6}};
constexpr StaticTensor<double> scalar{7.5};
constexpr StaticTensor<bool, 2> flags{true, false};
constexpr StaticTensor<float, 0, 4> none{};
constexpr StaticTensor<int, 3> zeroed{};

static_assert(flat(1, 2) == 12 && nested(1_c, 0) == 10 && cube(1, 0, 1) == 4 && column(1, 0) == 6);
static_assert(scalar() == 7.5 && scalar.item() == 7.5 && flags(0) && !flags(1));
static_assert(none.size() == 0 && none.span().empty() && zeroed(2) == 0);
static_assert(flat.view()(1, 1) == 11 && flat.at(0, 1) == 1 && flat.extent(-1) == 3);

constexpr int sum_of_squares() {
  StaticTensor<int, 3> x{1, 2, 3};
  for (auto& e : x.span()) e *= e;
  auto y = x;
  y(0) = 10;
  return x(0) + x(1) + x(2) + 100 * y(0);
}
static_assert(sum_of_squares() == 1014, "a copy is a copy");

static_assert(alignof(StaticTensor<float, 4, 4>) == 64 && sizeof(StaticTensor<float, 4, 4>) == 64);
static_assert(alignof(StaticTensor<float, 15>) == alignof(float));
static_assert(sizeof(StaticTensor<float, 3>) == 12 && sizeof(StaticTensor<double, 9>) == 128);
static_assert(std::is_trivially_copyable_v<StaticTensor<float, 4, 4>>);

// The number of values is part of the constructor.
template <class... U>
constexpr bool made_of = std::is_constructible_v<StaticTensor<int, 3>, U...>;
static_assert(made_of<int, int, int> && made_of<long, char, bool> && made_of<>);
static_assert(!made_of<int, int> && !made_of<int, int, int, int> && !made_of<int, int, double>);
static_assert(!std::is_convertible_v<int, StaticTensor<int>>, "one value converts explicitly");

}  // namespace

TEST_CASE("a static tensor keeps the promises of a tensor") {
  auto x = flat;
  check_two_by_three(x);
  check_two_by_three(std::as_const(x));
  check_two_by_three(nested);
  auto v = x.view();
  check_two_by_three(v);
  STATIC_REQUIRE(std::is_same_v<decltype(v), TensorView<float, Shape<2, 3>>>);
  STATIC_REQUIRE(std::is_same_v<decltype(flat.view()), TensorView<const float, Shape<2, 3>>>);
  v(0, 0) = 99;
  CHECK(x(0, 0) == 99);
  CHECK(flat(0, 0) == 0);
  x = nested;
  CHECK(x(0, 0) == 0);
}

TEST_CASE("nested lists of the wrong length are refused") {
  using Square = StaticTensor<int, 2, 2>;
  CHECK_THROWS_WITH((Square{{1, 2}, {3}}), "StaticTensor: 1 values on axis 1 of shape (2, 2)");
  CHECK_THROWS_WITH((Square{{1, 2}, {3, 4}, {5, 6}}),
                    "StaticTensor: 3 values on axis 0 of shape (2, 2)");
}

TEST_CASE("clone moves the elements into a resource") {
  std::pmr::monotonic_buffer_resource resource;
  auto copy = flat.clone(resource);
  STATIC_REQUIRE(std::is_same_v<decltype(copy), Tensor<float, Shape<2, 3>>>);
  check_two_by_three(copy);
}

TEST_CASE("compound assignment of a static tensor goes through the view") {
  StaticTensor<short, 3> x{};
  CHECK(&(x += probe::Expression{}) == &x);
  CHECK(x(2) == 1);
  CHECK((x -= probe::Expression{})(2) == 2);
  CHECK((x *= probe::Expression{})(2) == 3);
  CHECK((x /= probe::Expression{})(2) == 4);
}
