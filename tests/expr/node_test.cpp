// Leaves and nodes: what a tree holds, owns and refuses.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <memory_resource>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace {

using tenon::arange;
using tenon::eval;
using tenon::shape;

tenon::Tensor<float, tenon::Shape<tenon::dyn>> make(tenon::PoolAllocator& pool) {
  return arange<float>(4, pool);
}

}  // namespace

TEST_CASE("a stored expression over a temporary owns it", "[expr]") {
  tenon::PoolAllocator pool;
  const auto b = tenon::full(shape(4), 10.0F, pool);
  const auto e = make(pool) + b;
  const auto other =
      tenon::full(shape(4), -1.0F, pool);  // would take the block of a dead temporary
  const auto expected = tenon::from<float>({10, 11, 12, 13}, shape(4), pool);
  CHECK(tenon::array_equal(eval(e, pool), expected));
  CHECK(tenon::array_equal(eval(e, pool), expected));  // evaluating twice is fine
  CHECK(other(0) == -1);
  using E = std::remove_const_t<decltype(e)>;
  STATIC_REQUIRE(std::is_move_constructible_v<E>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<E>);
}

TEST_CASE("view operations of a temporary own it too", "[expr]") {
  tenon::PoolAllocator pool;
  auto e = tenon::flip<0>(tenon::slice(make(pool) + 0.0F, tenon::range(1, 3)));
  auto f = tenon::transpose(tenon::reshape(make(pool), shape(2, 2)));
  auto g = tenon::unsqueeze<0>(make(pool));
  CHECK(tenon::array_equal(eval(e, pool), tenon::from<float>({2, 1}, shape(2), pool)));
  CHECK(tenon::array_equal(eval(f, pool), tenon::from<float>({{0, 2}, {1, 3}}, pool)));
  CHECK(eval(g, pool).shape() == shape(1, 4));
}

TEST_CASE("an owning expression moves into a larger one", "[expr]") {
  tenon::PoolAllocator pool;
  auto e = make(pool) + 1.0F;
  const auto larger = std::move(e) * make(pool);
  CHECK(tenon::array_equal(eval(larger, pool), tenon::from<float>({0, 2, 6, 12}, shape(4), pool)));
}

TEST_CASE("every way to give an owned operand keeps its shape", "[expr]") {
  // GCC evaluates arguments from right to left: a shape read after the move was (0,).
  tenon::PoolAllocator pool;
  const auto b = tenon::ones<float>(shape(4), pool);
  CHECK(eval(make(pool) + b, pool).shape() == shape(4));
  CHECK(eval(b + make(pool), pool).shape() == shape(4));
  CHECK(eval(-make(pool), pool).shape() == shape(4));
  CHECK(eval(tenon::where(b > 0, make(pool), make(pool)), pool).shape() == shape(4));
  CHECK(eval(tenon::map([](auto x) { return x; }, make(pool)), pool).shape() == shape(4));
  CHECK(eval(tenon::matmul(make(pool), make(pool)), pool).item() == 14);
  CHECK(eval(tenon::sum(make(pool)), pool).item() == 6);
  CHECK(eval(tenon::mean<0>(make(pool)), pool).item() == 1.5F);
  CHECK(eval(tenon::softmax<0>(make(pool)), pool).shape() == shape(4));
  CHECK(eval(tenon::cast<double>(make(pool)), pool).shape() == shape(4));
  CHECK(eval(tenon::let(make(pool), [](auto h) { return h * h; }), pool).shape() == shape(4));
  CHECK(eval(tenon::reshape(make(pool), shape(2, 2)), pool).shape() == shape(2, 2));
  CHECK(eval(tenon::flatten(make(pool)), pool).shape() == shape(4));
}

TEST_CASE("an lvalue operand is seen, not copied", "[expr]") {
  tenon::PoolAllocator pool;
  auto a = make(pool);
  const auto e = a + 0.0F;
  a(2) = 50;
  CHECK(eval(e, pool)(2) == 50);
  STATIC_REQUIRE(std::is_copy_constructible_v<std::remove_const_t<decltype(e)>>);
}

TEST_CASE("static tensors are operands: lvalues seen, rvalues stored", "[expr]") {
  using Vector = tenon::StaticTensor<int, 3>;
  const auto e = Vector(1, 2, 3) * 2;
  Vector v(5, 6, 7);
  const auto f = v + e;
  v(0) = 10;
  CHECK(tenon::array_equal(eval(f), Vector(12, 10, 13)));
}

TEST_CASE("a dead operand is noticed in checked builds", "[expr]") {
  if constexpr (tenon::checked_build) {
    tenon::PoolAllocator pool;
    auto a = make(pool);
    const auto e = a * 2;
    pool.clear();
    std::pmr::monotonic_buffer_resource elsewhere;
    CHECK_THROWS_AS(eval(e, elsewhere), tenon::StaleTensorError);
    auto b = make(pool);
    const auto g = b * 2;
    b = make(pool);  // reassigned: the block that g looks at is gone
    CHECK_THROWS_AS(eval(g, elsewhere), tenon::StaleTensorError);
    auto own = make(pool) * 2;
    const auto larger = std::move(own) + 1;
    CHECK_THROWS_AS(eval(own, elsewhere), tenon::StaleTensorError);  // its tensor was moved on
    pool.clear();
    CHECK_THROWS_AS(eval(larger, elsewhere), tenon::StaleTensorError);
    CHECK_THROWS_AS(eval_into(noalias(b), b * 2), tenon::StaleTensorError);
  }
}

TEST_CASE("expressions lie in pairs, tuples and optionals", "[expr]") {
  tenon::PoolAllocator pool;
  const auto a = tenon::full<float>(tenon::shape(5), 2.0F, pool);
  const auto b = tenon::full<float>(tenon::shape(5), 3.0F, pool);
  using Sum = decltype(a + b);
  static_assert(!std::is_default_constructible_v<Sum>);
  const std::pair both(a + b, a * b);
  const std::tuple all(a - b, both);
  const std::optional<Sum> maybe = a + b;
  const auto r = tenon::eval(both.first * std::get<0>(all) + *maybe * both.second, pool);
  CHECK(r(4) == 5.0F * -1.0F + 5.0F * 6.0F);
}
