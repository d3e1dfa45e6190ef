#include <tenon/tensor/factories.hpp>

#include <tenon/tensor/compare.hpp>

#include <tenon/memory/pool_allocator.hpp>

#include "catch.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

using namespace tenon;
using namespace tenon::literals;

namespace {

template <class T, class X>
void check_values(const X& x, const std::vector<T>& expected) {
  STATIC_REQUIRE(std::is_same_v<typename X::value_type, T>);
  REQUIRE(x.size() == static_cast<index_t>(expected.size()));
  for (index_t i = 0; i < x.size(); ++i)
    CHECK(x.data()[i] == expected[static_cast<std::size_t>(i)]);
}

// xor of bits(x(i)) · (i + 1), as the script that made the NumPy values has it.
template <class Bits, class X>
std::uint64_t checksum(const X& x) {
  std::uint64_t sum = 0;
  for (index_t i = 0; i < x.size(); ++i)
    sum ^= static_cast<std::uint64_t>(std::bit_cast<Bits>(x.data()[i])) *
           static_cast<std::uint64_t>(i + 1);
  return sum;
}

}  // namespace

TEST_CASE("constants fill every shape") {
  PoolAllocator pool;
  check_values<float>(zeros<float>(shape(2, 2), pool), {0, 0, 0, 0});
  check_values<std::int32_t>(ones<std::int32_t>(shape<3>(), pool), {1, 1, 1});
  check_values<bool>(ones<bool>(shape(2), pool), {true, true});
  check_values<double>(full(shape(2), 2.5, pool), {2.5, 2.5});
  check_values<float>(full<float>(shape(1, 2_c), 3, pool), {3, 3});
  check_values<float>(zeros<float>(shape(0, 5), pool), {});
  check_values<double>(ones<double>(shape(), &pool), {1});
  STATIC_REQUIRE(
      std::is_same_v<decltype(zeros<float>(shape(2, 3_c), pool)), Tensor<float, Shape<dyn, 3>>>);
  CHECK(empty<float>(shape(2, 3), pool).shape() == shape(2, 3));
}

TEST_CASE("from takes values, memory or rows, and counts them") {
  PoolAllocator pool;
  const auto flat = from<float>({1, 2, 3, 4}, shape(2, 2), pool);
  const auto rows = from<float>({{1, 2}, {3, 4}}, pool);
  check_values<float>(flat, {1, 2, 3, 4});
  CHECK(array_equal(flat, rows));
  check_values<double>(from({1.0, 2.0}, shape<2>(), pool), {1, 2});
  check_values<int>(from<int>({{5}, {6}}, pool), {5, 6});
  check_values<bool>(from({true, false}, shape(2), pool), {true, false});
  const std::vector<int> memory{7, 8, 9};
  check_values<int>(from(std::span(memory), shape(3), pool), {7, 8, 9});
  CHECK_THROWS_WITH(from<float>({1, 2, 3}, shape(2, 2), pool),
                    "from: the shape (2, 2) needs 4 values; there are 3");
  CHECK_THROWS_WITH(from<float>({{1, 2}, {3}}, pool), "from: a row of 1 values follows rows of 2");
  CHECK_THROWS_AS(from(std::span(memory), shape<2>(), pool), ShapeError);
}

// Expected values: NumPy 2.4, np.arange with the same arguments and dtype.
TEST_CASE("arange has the values of NumPy") {
  PoolAllocator pool;
  check_values<int>(arange<int>(4, pool), {0, 1, 2, 3});
  check_values<float>(arange<float>(2.5, pool), {0, 1, 2});
  check_values<int>(arange<int>(2, 5, pool), {2, 3, 4});
  check_values<int>(arange<int>(5, -2, -3, pool), {5, 2, -1});
  check_values<int>(arange<int>(5, 2, pool), {});
  check_values<int>(arange<int>(-4, pool), {});
  check_values<std::uint8_t>(arange<std::uint8_t>(250, 255, 2, pool), {250, 252, 254});
  check_values<std::int8_t>(arange<std::int8_t>(-128, 127, 100, pool), {-128, -28, 72});
  check_values<float>(arange<float>(0, 1, 0.1, pool),
                      {0, 0x1.99999ap-4F, 0x1.99999ap-3F, 0x1.333334p-2F, 0x1.99999ap-2F, 0.5F,
                       0x1.333334p-1F, 0x1.666666p-1F, 0x1.99999ap-1F, 0x1.cccccep-1F});
  check_values<double>(arange<double>(1, 2, 0.3, pool),
                       {1, 0x1.4cccccccccccdp+0, 0x1.999999999999ap+0, 0x1.e666666666667p+0});
  check_values<float>(arange<float>(5, -1, -0.7, pool),
                      {5, 0x1.133334p+2F, 0x1.ccccdp+1F, 0x1.733338p+1F, 0x1.1999ap+1F,
                       0x1.80001p+0F, 0x1.9999cp-1F, 0x1.999bp-4F, -0x1.3333p-1F});
  const auto long_float = arange<float>(0, 100, 0.1, pool);
  CHECK(long_float.size() == 1000);
  CHECK(checksum<std::uint32_t>(long_float) == 0x186868000bc);
  const auto long_double = arange<double>(-3, 50, 0.01, pool);
  CHECK(long_double.size() == 5300);
  CHECK(checksum<std::uint64_t>(long_double) == 0x39329c270a517995);
}

TEST_CASE("a constant length gives a static shape") {
  PoolAllocator pool;
  STATIC_REQUIRE(std::is_same_v<decltype(arange<float>(5_c, pool)), Tensor<float, Shape<5>>>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(linspace<float>(0, 1, 5_c, pool)), Tensor<float, Shape<5>>>);
  STATIC_REQUIRE(std::is_same_v<decltype(eye<float>(3_c, pool)), Tensor<float, Shape<3, 3>>>);
  check_values<float>(arange<float>(3_c, pool), {0, 1, 2});
}

TEST_CASE("arange refuses steps and lengths that make no range") {
  PoolAllocator pool;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(arange<int>(0, 5, 0, pool), "arange: the step is zero");
  CHECK_THROWS_AS(arange<float>(0, infinity, 1, pool), ShapeError);
  CHECK_THROWS_AS(arange<float>(infinity, infinity, 1, pool), ShapeError);
  CHECK_THROWS_AS(arange<std::uint64_t>(std::numeric_limits<std::uint64_t>::max(), pool),
                  ShapeError);
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  check_values<std::int64_t>(arange<std::int64_t>(-most - 1, most, most, pool),
                             {-most - 1, -1, most - 1});
  check_values<std::int64_t>(arange<std::int64_t>(most, -most - 1, -most - 1, pool), {most, -1});
}

// Expected values: NumPy 2.4, np.linspace with the same arguments and dtype.
TEST_CASE("linspace has the values of NumPy") {
  PoolAllocator pool;
  check_values<float>(
      linspace<float>(0.1, 1, 7, pool),
      {0x1.99999ap-4F, 0.25F, 0x1.99999ap-2F, 0x1.19999ap-1F, 0x1.666666p-1F, 0x1.b33334p-1F, 1});
  check_values<double>(linspace<double>(0.1, 1, 7, pool),
                       {0x1.999999999999ap-4, 0.25, 0x1.999999999999ap-2, 0x1.1999999999999p-1,
                        0x1.6666666666666p-1, 0x1.b333333333333p-1, 1});
  check_values<double>(linspace<double>(3, -2, 6, pool), {3, 2, 1, 0, -1, -2});
  check_values<std::int32_t>(linspace<std::int32_t>(-3, 4, 5, pool), {-3, -2, 0, 2, 4});
  check_values<double>(linspace<double>(0, 5e-324, 4, pool), {0, 0, 5e-324, 5e-324});
  check_values<double>(linspace<double>(2, 3, 1, pool), {2});
  check_values<double>(linspace<double>(2, 3, 0, pool), {});
  check_values<double>(linspace<double>(2, 2, 3, pool), {2, 2, 2});
  CHECK(checksum<std::uint64_t>(linspace<double>(-3.1, 50, 1001, pool)) == 0xf550705d7f272846);
  CHECK_THROWS_AS(linspace<double>(0, 1, -1, pool), ShapeError);
}

TEST_CASE("eye has ones where i == j") {
  PoolAllocator pool;
  check_values<int>(eye<int>(2, pool), {1, 0, 0, 1});
  check_values<float>(eye<float>(2, 3, pool), {1, 0, 0, 0, 1, 0});
  check_values<float>(eye<float>(3_c, 2, pool), {1, 0, 0, 1, 0, 0});
  check_values<float>(eye<float>(0, pool), {});
}
