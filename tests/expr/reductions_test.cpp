// Reductions and softmax as expressions: shapes, element types, producers swallowed, errors.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <cmath>
#include <type_traits>

using namespace tenon::literals;

TEST_CASE("result shapes of reductions keep what the type knows", "[expr]") {
  tenon::StaticTensor<float, 2, 3, 4> x{};
  STATIC_REQUIRE(std::is_same_v<tenon::shape_t<decltype(tenon::sum<1>(x))>, tenon::Shape<2, 4>>);
  STATIC_REQUIRE(std::is_same_v<tenon::shape_t<decltype(tenon::sum<0, -1>(x))>, tenon::Shape<3>>);
  STATIC_REQUIRE(std::is_same_v<tenon::shape_t<decltype(tenon::sum(x))>, tenon::Shape<>>);
  STATIC_REQUIRE(std::is_same_v<tenon::shape_t<decltype(tenon::max<1>(x, tenon::keepdims))>,
                                tenon::Shape<2, 1, 4>>);
  STATIC_REQUIRE(std::is_same_v<tenon::value_t<decltype(tenon::argmax<0>(x))>, std::int64_t>);
  STATIC_REQUIRE(
      std::is_same_v<tenon::value_t<decltype(tenon::mean(tenon::cast<int>(x)))>, double>);
}

TEST_CASE("a reduction swallows its producer and what follows it", "[expr]") {
  tenon::PoolAllocator pool;
  const auto x =
      tenon::eval(tenon::reshape(tenon::arange<float>(21, pool), tenon::shape(3, 7)), pool);
  const auto e = tenon::sqrt(tenon::sum<1>(tenon::square(x) + 1) + 2) * 3;
  CHECK(tenon::plan(e).stages == 1);
  CHECK(tenon::plan(e).workspace_bytes == 0);
  const auto r = tenon::eval(e, pool);
  CHECK(r(0) == std::sqrt(91.0F + 7 + 2) * 3);
}

TEST_CASE("a mean subtracted from its own operand is two stages", "[expr]") {
  tenon::PoolAllocator pool;
  const auto x = tenon::from<float>({{1, 2, 3}, {10, 20, 60}}, pool);
  const auto centred = tenon::eval(x - tenon::mean<1>(x, tenon::keepdims), pool);
  CHECK(tenon::array_equal(centred, tenon::from<float>({{-1, 0, 1}, {-20, -10, 30}}, pool)));
}

TEST_CASE("an extreme of nothing is an error that names the shape", "[expr]") {
  tenon::PoolAllocator pool;
  const auto none = tenon::zeros<float>(tenon::shape(3, 0), pool);
  CHECK_THROWS_WITH(tenon::max<1>(none), "max: the axes to reduce of shape (3, 0) hold no element");
  CHECK_THROWS_AS(tenon::argmin(none), tenon::ShapeError);
  CHECK(tenon::eval(tenon::max<0>(none), pool).size() == 0);
}

TEST_CASE("extremes of bool and of unsigned integers", "[expr]") {
  tenon::StaticTensor<bool, 5> b(false, false, true, false, true);
  CHECK(tenon::eval(tenon::argmax(b)).item() == 2);
  CHECK(tenon::eval(tenon::max(b)).item());
  CHECK_FALSE(tenon::eval(tenon::min(b)).item());
  tenon::StaticTensor<std::uint8_t, 3> u(std::uint8_t{200}, std::uint8_t{7}, std::uint8_t{255});
  CHECK(tenon::eval(tenon::max(u)).item() == 255);
  CHECK(tenon::eval(tenon::min(u)).item() == 7);
}

TEST_CASE("sums do not depend on alignment or on how the operand is reached", "[expr]") {
  tenon::PoolAllocator pool;
  const auto x = tenon::eval(tenon::exp(tenon::arange<float>(0, 1, 1.0 / 9001, pool)), pool);
  const auto whole = tenon::eval(tenon::sum(x), pool).item();
  const auto room = tenon::zeros<float>(tenon::shape(x.size() + 16), pool);
  for (tenon::index_t offset = 0; offset < 16; ++offset) {
    auto part = tenon::slice(tenon::TensorView<float, tenon::Shape<tenon::dyn>>(
                                 const_cast<float*>(room.data()), room.shape()),
                             tenon::range(offset, offset + x.size()));
    part = x;
    CHECK(tenon::eval(tenon::sum(part), pool).item() == whole);
    CHECK(tenon::eval(tenon::sum(part * 1), pool).item() == whole);
  }
}

TEST_CASE("softmax of an expression evaluates it once and sums to one", "[expr]") {
  tenon::PoolAllocator pool;
  const auto x =
      tenon::eval(tenon::reshape(tenon::arange<double>(35, pool), tenon::shape(5, 7)), pool);
  int calls = 0;
  const auto counted = tenon::map(
      [&calls](double v) {
        ++calls;
        return v / 9;
      },
      x);
  const auto p = tenon::eval(tenon::softmax<1>(counted), pool);
  CHECK(calls <= 5 * 8);  // each element once, tails padded to a pack
  CHECK(tenon::allclose(tenon::eval(tenon::sum<1>(p), pool),
                        tenon::ones<double>(tenon::shape(5), pool), 1e-15, 1e-15));
}
