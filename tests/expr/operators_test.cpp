// Operators and named operations: types, scalars, assignment, run-time shape errors.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <type_traits>

namespace {

template <class E>
using value = tenon::value_t<E>;

struct Fixture {
  tenon::PoolAllocator pool;
  tenon::Tensor<float, tenon::Shape<tenon::dyn>> x = tenon::arange<float>(5, pool);
  tenon::Tensor<int, tenon::Shape<tenon::dyn>> n = tenon::arange<int>(5, pool);
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a number takes the tensor's element type", "[expr]") {
  STATIC_REQUIRE(std::is_same_v<value<decltype(x * 2.0)>, float>);
  STATIC_REQUIRE(std::is_same_v<value<decltype(1 - x)>, float>);
  STATIC_REQUIRE(std::is_same_v<value<decltype(n + 1L)>, int>);
  STATIC_REQUIRE(std::is_same_v<value<decltype(x < 2)>, bool>);
  STATIC_REQUIRE(std::is_same_v<value<decltype(tenon::pow(x, 2))>, float>);
  STATIC_REQUIRE(std::is_same_v<value<decltype(tenon::where(x > 1, x, 0))>, float>);
  STATIC_REQUIRE(std::is_same_v<value<decltype(tenon::cast<double>(n) * 0.5)>, double>);
  CHECK(tenon::eval(x * 0.1, pool)(3) == 3.0F * 0.1F);
}

TEST_CASE_METHOD(Fixture, "operators nest in any mixture", "[expr]") {
  const auto e = tenon::where((x > 1) & ~(x == 3), -x / 2 + 1, tenon::minimum(x, 7) - 0.5F);
  const auto r = tenon::eval(e, pool);
  CHECK(
      tenon::array_equal(r, tenon::from<float>({-0.5F, 0.5F, 0, 2.5F, -1}, tenon::shape(5), pool)));
  const auto bits = tenon::eval(((n & 6) | 1) ^ n % 2, pool);
  CHECK(bits(3) == 2);
}

TEST_CASE_METHOD(Fixture, "a product and a sum are rounded one by one", "[expr]") {
  // 1 + 2^-12 squared has 25 bits: fused, the low one survives the subtraction.
  const auto a = tenon::full(tenon::shape(67), 1.0F + 0x1p-12F, pool);
  const auto c = tenon::full(tenon::shape(67), -(1.0F + 0x1p-11F), pool);
  const auto r = tenon::eval(a * a + c, pool);
  for (int i = 0; i < 67; ++i) CHECK(r(i) == 0);
}

TEST_CASE_METHOD(Fixture, "shapes that do not broadcast are named with the operation", "[expr]") {
  const auto y = tenon::arange<float>(3, pool);
  CHECK_THROWS_AS(x + y, tenon::ShapeError);
  CHECK_THROWS_WITH(x + y, "add: shapes (5,) and (3,) do not broadcast");
  CHECK_THROWS_WITH(tenon::where(x > 0, x, y),
                    Catch::Matchers::Contains("where: shapes (5,) and (3,)"));
  CHECK_THROWS_WITH(tenon::map([](auto a, auto b) { return a + b; }, x, y),
                    "map: shapes (5,) and (3,) do not broadcast");
}

TEST_CASE_METHOD(Fixture, "views are assigned through, whole and in part", "[expr]") {
  auto a = tenon::zeros<float>(tenon::shape(3, 5), pool);
  a.view() = x;  // broadcast over rows
  CHECK(a(2, 4) == 4);
  tenon::slice(a.view(), 1) = -x;
  CHECK(a(1, 4) == -4);
  tenon::slice(a.view(), tenon::full_extent, 0) = 9;
  CHECK(a(2, 0) == 9);
  a += 1;
  a *= x;
  CHECK(a(0, 3) == 12);
  tenon::transpose(a.view()) -= 12;
  CHECK(a(0, 3) == 0);
  CHECK_THROWS_AS(a.view() = tenon::ones<float>(tenon::shape(2, 5), pool), tenon::ShapeError);
  CHECK(a(0, 3) == 0);
}

TEST_CASE_METHOD(Fixture, "rank 0 and size 0 take part in everything", "[expr]") {
  const auto scalar = tenon::full(tenon::shape(), 2.0F, pool);
  CHECK(tenon::eval(scalar * scalar, pool).item() == 4);
  CHECK(tenon::eval(scalar + x, pool)(4) == 6);
  const auto none = tenon::zeros<float>(tenon::shape(0, 3), pool);
  CHECK(tenon::eval(tenon::exp(none) + scalar, pool).shape() == tenon::shape(0, 3));
  CHECK(tenon::eval(tenon::sum<0>(none), pool)(2) == 0);
  CHECK(
      tenon::eval(tenon::matmul(none, tenon::ones<float>(tenon::shape(3, 2), pool)), pool).size() ==
      0);
}
