// matmul as an expression: shapes, epilogues, lazy operands, errors; the loops are tested in kernels/.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <type_traits>

TEST_CASE("result shapes of products keep what the type knows", "[expr]") {
  tenon::StaticTensor<float, 2, 3> a{};
  tenon::StaticTensor<float, 3, 4> b{};
  tenon::StaticTensor<float, 3> v{};
  tenon::StaticTensor<float, 5, 1, 2, 3> batch{};
  using tenon::matmul, tenon::Shape, tenon::shape_t;
  STATIC_REQUIRE(std::is_same_v<shape_t<decltype(matmul(a, b))>, Shape<2, 4>>);
  STATIC_REQUIRE(std::is_same_v<shape_t<decltype(matmul(a, v))>, Shape<2>>);
  STATIC_REQUIRE(std::is_same_v<shape_t<decltype(matmul(v, b))>, Shape<4>>);
  STATIC_REQUIRE(std::is_same_v<shape_t<decltype(matmul(v, v))>, Shape<>>);
  STATIC_REQUIRE(std::is_same_v<shape_t<decltype(matmul(batch, b))>, Shape<5, 1, 2, 4>>);
}

TEST_CASE("products that do not fit say so with both shapes", "[expr]") {
  tenon::PoolAllocator pool;
  const auto a = tenon::ones<float>(tenon::shape(2, 3), pool);
  const auto b = tenon::ones<float>(tenon::shape(4, 2), pool);
  CHECK_THROWS_WITH(tenon::matmul(a, b),
                    "matmul: shapes (2, 3) and (4, 2) do not multiply: the inner extents differ");
  const auto c = tenon::ones<float>(tenon::shape(2, 2, 3), pool);
  const auto d = tenon::ones<float>(tenon::shape(3, 3, 2), pool);
  CHECK_THROWS_WITH(tenon::matmul(c, d),
                    "matmul: shapes (2, 2, 3) and (3, 3, 2) do not multiply: "
                    "their batch axes do not broadcast");
}

TEST_CASE("bias, activation and residual are applied before the store", "[expr]") {
  tenon::PoolAllocator pool;
  const auto x =
      tenon::eval(tenon::reshape(tenon::arange<float>(40, pool), tenon::shape(5, 8)) - 20, pool);
  const auto w =
      tenon::eval(tenon::reshape(tenon::arange<float>(56, pool), tenon::shape(8, 7)) / 4 - 7, pool);
  const auto bias = tenon::arange<float>(7, pool);
  const auto residual = tenon::full(tenon::shape(5, 7), 0.5F, pool);
  const auto e = tenon::relu(tenon::matmul(x, w) + bias) + residual;
  CHECK(tenon::plan(e).stages == 1);
  const auto r = tenon::eval(e, pool);
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 7; ++j) {
      double sum = bias(j);
      for (int k = 0; k < 8; ++k) sum += double{x(i, k)} * double{w(k, j)};
      CHECK(r(i, j) == static_cast<float>((sum > 0 ? sum : 0) + 0.5));
    }
}

TEST_CASE("operands are packed from what they are: expressions, transposes, slices", "[expr]") {
  tenon::PoolAllocator pool;
  const auto a =
      tenon::eval(tenon::reshape(tenon::arange<double>(30, pool), tenon::shape(5, 6)), pool);
  const auto b =
      tenon::eval(tenon::reshape(tenon::arange<double>(30, pool), tenon::shape(5, 6)), pool);
  const auto direct = tenon::eval(
      tenon::matmul(tenon::eval(a * 2, pool), tenon::eval(tenon::transpose(b), pool)), pool);
  CHECK(tenon::array_equal(tenon::eval(tenon::matmul(a * 2, tenon::transpose(b)), pool), direct));
  const auto part = tenon::range(1, 4);
  const auto sliced = tenon::eval(
      tenon::matmul(tenon::slice(a, part) * 2, tenon::transpose(tenon::slice(b, part))), pool);
  CHECK(tenon::array_equal(sliced, tenon::slice(direct.view(), part, part)));
}

TEST_CASE("a product of products has a slot between them", "[expr]") {
  tenon::PoolAllocator pool;
  tenon::StaticTensor<float, 9, 9> a{};
  for (tenon::index_t i = 0; i < 9; ++i) a(i, i) = 2;
  const auto e = tenon::matmul(tenon::matmul(a, a), a) + tenon::matmul(a, a);
  CHECK(tenon::plan(e).stages == 3);
  CHECK(
      tenon::array_equal(tenon::eval(e, pool), tenon::eval(tenon::eye<float>(9, pool) * 12, pool)));
}

TEST_CASE("a product whose epilogue stretches it at run time", "[expr]") {
  tenon::PoolAllocator pool;
  const auto row = tenon::ones<float>(tenon::shape(1, 3), pool);
  const auto w = tenon::ones<float>(tenon::shape(3, 4), pool);
  const auto add =
      tenon::eval(tenon::reshape(tenon::arange<float>(20, pool), tenon::shape(5, 4)) + 0, pool);
  const auto r = tenon::eval(tenon::matmul(row, w) + add, pool);
  CHECK(r.shape() == tenon::shape(5, 4));
  CHECK(r(4, 3) == 22);
  CHECK(r(0, 0) == 3);
}

TEST_CASE("the right answer where the destination is an operand", "[expr]") {
  tenon::PoolAllocator pool;
  auto a = tenon::from<float>({{1, 2}, {3, 4}}, pool);
  const auto b = tenon::from<float>({{0, 1}, {1, 0}}, pool);
  tenon::eval_into(a, tenon::matmul(a, b) + a, tenon::scratch(pool));
  CHECK(tenon::array_equal(a, tenon::from<float>({{3, 3}, {7, 7}}, pool)));
  tenon::eval_into(a, tenon::matmul(b, b) * 2 + a, tenon::scratch(pool));  // a at the same index
  CHECK(tenon::array_equal(a, tenon::from<float>({{5, 3}, {7, 9}}, pool)));
  tenon::eval_into(a, tenon::transpose(a), tenon::scratch(pool));
  CHECK(tenon::array_equal(a, tenon::from<float>({{5, 7}, {3, 9}}, pool)));
}
