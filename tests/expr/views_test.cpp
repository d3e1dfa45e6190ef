// View operations: types and layouts that survive, writing through, errors.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <type_traits>

using namespace tenon::literals;
using tenon::full_extent, tenon::newaxis, tenon::range, tenon::shape, tenon::Shape;

TEST_CASE("static slices of static views keep extents and strides in the type", "[expr]") {
  tenon::StaticTensor<float, 4, 6> t{};
  auto v = t.view();
  const auto rows = tenon::slice(v, range(1_c, 3_c));
  STATIC_REQUIRE(std::is_same_v<decltype(rows)::shape_type, Shape<2, 6>>);
  STATIC_REQUIRE(std::is_same_v<decltype(rows)::layout_type, tenon::row_major>);
  STATIC_REQUIRE(sizeof(rows) == sizeof(float*));
  const auto block = tenon::slice(v, range(1_c, 3_c), range(2_c, -1_c));
  STATIC_REQUIRE(std::is_same_v<decltype(block)::shape_type, Shape<2, 3>>);
  STATIC_REQUIRE(sizeof(block) == sizeof(float*));
  const auto column = tenon::slice(v, full_extent, 2);
  STATIC_REQUIRE(std::is_same_v<decltype(column)::shape_type, Shape<4>>);
  STATIC_REQUIRE(sizeof(column) == sizeof(float*));
  const auto turned = tenon::transpose(v);
  STATIC_REQUIRE(std::is_same_v<decltype(turned)::shape_type, Shape<6, 4>>);
  STATIC_REQUIRE(std::is_same_v<decltype(turned)::layout_type, tenon::column_major>);
  STATIC_REQUIRE(std::is_same_v<decltype(tenon::transpose(turned))::layout_type, tenon::row_major>);
  const auto stepped = tenon::slice(v, range(0_c, 4_c, 2_c));
  STATIC_REQUIRE(std::is_same_v<decltype(stepped)::shape_type, Shape<2, 6>>);
  const auto clamped = tenon::slice(v, range(2_c, 100_c));
  STATIC_REQUIRE(std::is_same_v<decltype(clamped)::shape_type, Shape<2, 6>>);
}

TEST_CASE("a write through a view lands in the tensor", "[expr]") {
  tenon::StaticTensor<int, 3, 4> t{};
  auto v = t.view();
  tenon::slice(v, 1, range(1, 3)) = 5;
  CHECK(t(1, 1) == 5);
  CHECK(t(1, 3) == 0);
  tenon::flip<1>(v) += tenon::StaticTensor<int, 4>(1, 2, 3, 4);
  CHECK(t(0, 0) == 4);
  CHECK(t(1, 1) == 8);
  tenon::slice(v, full_extent, newaxis, 0) = 7;
  CHECK(t(2, 0) == 7);
  tenon::slice(tenon::transpose(v), range(3, -5, -2)) = -1;
  CHECK(t(0, 3) == -1);
  CHECK(t(0, 1) == -1);
  CHECK(t(0, 2) == 2);
}

TEST_CASE("slices out of range and reshapes that do not fit say so", "[expr]") {
  tenon::PoolAllocator pool;
  auto t = tenon::zeros<float>(shape(3, 4), pool);
  CHECK_THROWS_WITH(tenon::slice(t, 3), "slice: index 3 is outside axis 0 of shape (3, 4)");
  CHECK_THROWS_AS(tenon::slice(t, 0, -5), tenon::ShapeError);
  CHECK_THROWS_AS(tenon::slice(t, range(0, 3, 0)), tenon::ShapeError);
  CHECK_THROWS_AS(tenon::slice(t, range(0_c, 9_c)), tenon::ShapeError);  // the type promises nine
  CHECK_THROWS_WITH(tenon::reshape(t, shape(5, 2)),
                    "reshape: 12 elements of shape (3, 4) do not fit shape (5, 2)");
  CHECK_THROWS_AS(tenon::squeeze<0>(t), tenon::ShapeError);
}

TEST_CASE("reshape of what lies in order is a view, of the rest a planned copy", "[expr]") {
  tenon::PoolAllocator pool;
  auto t = tenon::arange<float>(12, pool);
  const auto v = tenon::reshape(t.view(), shape(3, 4));
  STATIC_REQUIRE(tenon::is_tensor_view_v<std::remove_const_t<decltype(v)>>);
  CHECK(v.data() == t.data());
  CHECK(tenon::plan(tenon::reshape(v, shape(6, 2))).workspace_bytes == 0);
  const auto copied = tenon::reshape(tenon::transpose(v), shape(2, 6));
  CHECK(tenon::plan(copied).temporaries == 1);
  CHECK(tenon::plan(copied).workspace_bytes == 48);  // 12 floats
  CHECK(tenon::eval(copied, pool)(0, 1) == 4);
}

TEST_CASE("views of expressions compose without a copy", "[expr]") {
  tenon::PoolAllocator pool;
  const auto a = tenon::eval(tenon::reshape(tenon::arange<float>(24, pool), shape(2, 3, 4)), pool);
  const auto e = tenon::slice(tenon::transpose(a * 2), range(3, 0, -1), 1) + 1;
  CHECK(tenon::plan(e).workspace_bytes == 0);
  const auto r = tenon::eval(e, pool);
  CHECK(r.shape() == shape(3, 2));
  CHECK(r(0, 1) == 2 * (12 + 4 + 3) + 1);
  CHECK(r(2, 0) == 2 * (4 + 1) + 1);
  const auto s = tenon::eval(tenon::squeeze<0>(tenon::unsqueeze<0>(a)) - a, pool);
  CHECK(s(1, 2, 3) == 0);
}
