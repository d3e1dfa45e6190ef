#include <tenon/tensor/compare.hpp>

#include <tenon/tensor/static_tensor.hpp>
#include <tenon/tensor/tensor.hpp>

#include <tenon/memory/pool_allocator.hpp>

#include "catch.hpp"

#include <cstdint>
#include <limits>

using namespace tenon;

namespace {

constexpr StaticTensor<float, 2, 2> a{1, 2, 3, 4};
constexpr StaticTensor<double, 2, 2> nearly{1, 2, 3, 4.00001};
static_assert(array_equal(a, a) && !array_equal(a, nearly) && allclose(a, nearly));

template <class A, class B>
concept CanCompare = requires(A x, B y) { allclose(x, y); };
static_assert(CanCompare<StaticTensor<float, 2, 3>, StaticTensor<float, 3>>);
static_assert(!CanCompare<StaticTensor<float, 2, 3>, StaticTensor<float, 2>>);

constexpr double qnan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

bool close(double x, double y, bool equal_nan = false) {
  return allclose(view(&x, shape()), view(&y, shape()), 1e-5, 1e-8, equal_nan);
}

}  // namespace

TEST_CASE("array_equal compares shapes, then numbers, over layouts and types") {
  const float rows[] = {1, 2, 3, 4, 5, 6};
  const double columns[] = {1, 4, 2, 5, 3, 6};
  const auto x = view(&rows[0], shape(2, 3));
  const TensorView<const double, Shape<2, 3>, column_major> y(columns, {});
  CHECK(array_equal(x, y));
  CHECK(array_equal(y, x));
  CHECK_FALSE(array_equal(x, view(&rows[0], shape(3, 2))));
  CHECK_FALSE(array_equal(x, view(&rows[0], shape(6))));
  CHECK_FALSE(array_equal(x, view(&columns[0], shape(2, 3))));
  CHECK(array_equal(view(&rows[0], shape(2, 0)), view(&columns[0], shape(2, 0))));
  CHECK_FALSE(array_equal(view(&rows[0], shape(2, 0)), view(&columns[0], shape(0, 2))));
  CHECK(array_equal(view(&rows[1], shape()), view(&columns[2], shape())));

  const StaticTensor<std::int8_t, 2> negative{-1, 1};
  const StaticTensor<std::uint64_t, 2> wrapped{~std::uint64_t{0}, std::uint64_t{1}};
  const StaticTensor<bool, 2> flags{true, true};
  const StaticTensor<float, 2> ones{1, 1};
  CHECK_FALSE(array_equal(negative, wrapped));
  CHECK(array_equal(flags, ones));
  CHECK(array_equal(ones, flags));
  const StaticTensor<double, 1> not_a_number{qnan};
  CHECK_FALSE(array_equal(not_a_number, not_a_number));
}

// Expected: np.allclose of NumPy 2.4.
TEST_CASE("allclose follows NumPy's formula at its edges") {
  CHECK(close(1, 1));
  CHECK(close(1 + 1.0e-5, 1));
  CHECK_FALSE(close(1 + 1.1e-5, 1));
  CHECK(close(1e-8, 0));
  CHECK_FALSE(close(1.1e-8, 0));
  CHECK(close(infinity, infinity));
  CHECK_FALSE(close(infinity, -infinity));
  CHECK_FALSE(close(1, infinity));
  CHECK_FALSE(close(infinity, 1));
  CHECK_FALSE(close(qnan, qnan));
  CHECK(close(qnan, qnan, true));
  CHECK_FALSE(close(qnan, 1, true));
  CHECK(close(1e10, 1.00001e10));
  CHECK_FALSE(close(1e10, 1.0001e10));
}

TEST_CASE("allclose broadcasts") {
  const float rows[] = {1, 2, 3, 1, 2, 3};
  const auto x = view(&rows[0], shape(2, 3));
  CHECK(allclose(x, view(&rows[0], shape(3))));
  CHECK(allclose(view(&rows[0], shape(1, 3)), x));
  CHECK_FALSE(allclose(x, view(&rows[0], shape(2, 1))));
  const float one = 1;
  CHECK_FALSE(allclose(x, view(&one, shape())));
  CHECK(allclose(x, view(&one, shape()), 0, 2));
  CHECK(allclose(view(&rows[0], shape(0, 3)), view(&rows[0], shape(1, 3))));
  CHECK_THROWS_WITH(allclose(x, view(&rows[0], shape(2))),
                    "allclose: shapes (2, 3) and (2,) do not broadcast");
}

TEST_CASE("comparing a stale tensor is access") {
  PoolAllocator pool;
  Tensor<float, Shape<2>> x({}, pool);
  pool.clear();
  CHECK_THROWS_AS(array_equal<true>(x, x), StaleTensorError);
  CHECK_THROWS_AS(allclose<true>(x, x), StaleTensorError);
}
