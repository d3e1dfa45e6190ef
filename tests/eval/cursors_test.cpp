// From nodes to cursors, seen from outside: operands and destinations of every layout, views of
// expressions, lets, reshapes, up to eight axes.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/memory/pool_allocator.hpp>

namespace tn = tenon;
using naive::for_each_index;
using naive::index_t;
using naive::multiply_then_add;
using naive::values;
using namespace tenon::literals;

TEST_CASE("Operands of every layout") {
  tn::PoolAllocator pool;
  const index_t m = 17, n = 37;
  const auto v = values<float>(3 * m * n, 1);
  const auto row = tn::view(v.data(), tn::shape(m, n));
  const tn::TensorView<const float, tn::Shape<tn::dyn, tn::dyn>, tn::column_major> column(
      v.data(), tn::shape(m, n));
  const auto strided = tn::view(v.data() + 2, tn::shape(m, n), std::array<index_t, 2>{n + 5, 2});
  const auto backwards =
      tn::view(v.data() + m * n - 1, tn::shape(m, n), std::array<index_t, 2>{-n, -1});
  const tn::TensorView<const float, tn::Shape<17, 37>, tn::static_strides<1, 20>> fixed(v.data(),
                                                                                        {});
  const auto check = [&](const auto& a, const auto& b, const auto& c) {
    const auto r = tn::eval(a * b + c, pool);
    int wrong = 0;
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j)
        wrong += r(i, j) != multiply_then_add(a(i, j), b(i, j), c(i, j));
    CHECK(wrong == 0);
  };
  check(row, column, strided);
  check(column, backwards, row);
  check(strided, fixed, backwards);
  check(fixed, fixed, column);
}

TEST_CASE("Destinations of every layout, nothing else written") {
  const index_t m = 9, n = 35;
  const auto v = values<float>(m * n, 1);
  const auto x = tn::view(v.data(), tn::shape(m, n));
  const auto check = [&](const auto& make) {
    std::vector<float> out(4 * m * n, 7.0f), expected = out;
    const auto dst = make(out.data());
    const auto strides = dst.strides();
    const index_t origin = dst.data() - out.data();
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j)
        expected[static_cast<std::size_t>(origin + i * strides[0] + j * strides[1])] =
            x(i, j) + 1.0f;
    tn::eval_into(dst, x + 1.0f);
    CHECK(out == expected);
  };
  check([&](float* p) {
    return tn::TensorView<float, tn::Shape<tn::dyn, tn::dyn>, tn::column_major>(p + 3,
                                                                                tn::shape(m, n));
  });
  check([&](float* p) {
    return tn::view(p + 1, tn::shape(m, n), std::array<index_t, 2>{2 * n + 1, 2});
  });
  check([&](float* p) {
    return tn::view(p + 2 * m * n, tn::shape(m, n), std::array<index_t, 2>{-n - 3, -1});
  });
  check([&](float* p) {
    return tn::TensorView<float, tn::Shape<9, 35>, tn::static_strides<70, 2>>(p, {});
  });
}

TEST_CASE("Cores store into destinations of every layout") {
  tn::PoolAllocator pool;
  const index_t m = 13, n = 35;
  const auto v = values<float>(m * n, 1), w = values<float>(n * n, 2);
  const auto x = tn::view(v.data(), tn::shape(m, n)), y = tn::view(w.data(), tn::shape(n, n));
  const auto check = [&](const auto& e) {
    const auto expected = tn::eval(e, pool);
    std::vector<float> a(m * n), b(4 * m * n, 7.0f);
    const tn::TensorView<float, tn::Shape<tn::dyn, tn::dyn>, tn::column_major> column(
        a.data(), tn::shape(m, n));
    const auto strided =
        tn::view(b.data() + 2 * m * n, tn::shape(m, n), std::array<index_t, 2>{-n - 3, 1});
    tn::eval_into(column, e, tn::scratch(pool));
    tn::eval_into(strided, e, tn::scratch(pool));
    int wrong = 0;
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        wrong += column(i, j) != expected(i, j);
        wrong += strided(i, j) != expected(i, j);
      }
    CHECK(wrong == 0);
    CHECK(std::count(b.begin(), b.end(), 7.0f) >= 3 * m * n);
  };
  check(tn::matmul(x, y) + x);
  check(tn::softmax<1>(x) * 2.0f);
  check(tn::softmax<0>(x));
}

TEST_CASE("Axes coalesce, or do not, up to rank 8") {
  tn::PoolAllocator pool;
  const auto v = values<double>(2 * 3 * 4 * 5 * 3 * 2 * 2 * 3, 1);
  const auto x = tn::view(v.data(), tn::shape(2, 3, 4, 5));
  const auto y = tn::view(v.data(), tn::shape(2, 3, 4, 5, 3, 2, 2, 3));
  int wrong = 0;
  const auto p = tn::permute<1, 3, 0, 2>(x);
  const auto a = tn::eval(p * 2.0 + p, pool);
  for_each_index({3, 5, 2, 4}, [&](const auto& at) {
    const double s = x(at[2], at[0], at[3], at[1]);
    wrong += a(at[0], at[1], at[2], at[3]) != multiply_then_add(s, 2.0, s);
  });
  const auto q = tn::eval(tn::permute<7, 0, 1, 2, 3, 4, 5, 6>(y) + 1.0, pool);
  const auto full = tn::eval(y + y, pool);
  for_each_index({2, 3, 4, 5, 3, 2, 2, 3}, [&](const auto& i) {
    const double s = y(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7]);
    wrong += q(i[7], i[0], i[1], i[2], i[3], i[4], i[5], i[6]) != s + 1.0;
    wrong += full(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7]) != s + s;
  });
  CHECK(wrong == 0);
}

TEST_CASE("Views of expressions read through them") {
  tn::PoolAllocator pool;
  const index_t m = 9, n = 37;
  const auto v = values<float>(m * n, 1);
  const auto row = values<float>(n, 2);
  const auto x = tn::view(v.data(), tn::shape(m, n));
  const auto y = tn::view(row.data(), tn::shape(n));
  const auto e = x * y;
  int wrong = 0;
  const auto t = tn::eval(tn::transpose(e), pool);
  const auto f = tn::eval(tn::flip<1>(e), pool);
  const auto s = tn::eval(tn::slice(e, tn::range(7, 0, -2), tn::range(3, 30)), pool);
  const auto k = tn::eval(tn::slice(e, 4, tn::newaxis, tn::range(0_c, 20_c)), pool);
  const auto r = tn::eval(tn::reshape(tn::transpose(e), tn::shape(m, n)) + 0.0f, pool);
  const auto of_core = tn::eval(tn::transpose(tn::sum<1>(e, tn::keepdims)) + y(0) * 0.0f, pool);
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j) {
      wrong += t(j, i) != x(i, j) * y(j);
      wrong += f(i, j) != x(i, n - 1 - j) * y(n - 1 - j);
      const index_t o = i * n + j;
      wrong += r(i, j) != x(o % m, o / m) * y(o / m);
    }
  for (index_t i = 0; i < 4; ++i)
    for (index_t j = 0; j < 27; ++j) wrong += s(i, j) != x(7 - 2 * i, 3 + j) * y(3 + j);
  for (index_t j = 0; j < 20; ++j) wrong += k(0, j) != x(4, j) * y(j);
  for (index_t i = 0; i < m; ++i) {
    double sum = 0;
    for (index_t j = 0; j < n; ++j) sum += double{x(i, j)} * y(j);
    wrong += !naive::close(of_core(0, i), sum, 1e-5, 1e-4);
  }
  CHECK(wrong == 0);
}

TEST_CASE("let: in registers, in a slot, and as another name for a transposed operand") {
  tn::PoolAllocator pool;
  const auto v = values<float>(6, 1);
  const tn::TensorView<const float, tn::Shape<3, 2>, tn::column_major> x(v.data(), {});
  const auto a = tn::eval(tn::let(x + 1.0f, [](auto h) { return h * h + h; }), pool);
  const auto b =
      tn::eval(tn::let(x * 2.0f, [](auto h) { return tn::transpose(h) + tn::sum(h); }), pool);
  const auto c = tn::eval(
      tn::let(x,
              [](auto h) {
                return tn::let(h, [](auto g) { return tn::reshape(g, tn::shape<6>()) + 0.0f; });
              }),
      pool);
  // The names are used under other names, elementwise, in row-major order.
  const auto d =
      tn::eval(tn::let(x, [](auto h) { return tn::let(h, [](auto g) { return g + g; }); }), pool);
  double sum = 0;
  for (float s : v) sum += 2.0 * s;
  int wrong = 0;
  for (index_t i = 0; i < 3; ++i)
    for (index_t j = 0; j < 2; ++j) {
      const float h = x(i, j) + 1.0f;
      wrong += a(i, j) != multiply_then_add(h, h, h);
      wrong += !naive::close(b(j, i), x(i, j) * 2.0 + sum, 1e-5, 1e-5);
      wrong += c(i * 2 + j) != x(i, j);
      wrong += d(i, j) != x(i, j) + x(i, j);
    }
  CHECK(wrong == 0);
}

TEST_CASE("Nothing to do, everywhere") {
  tn::PoolAllocator pool;
  const float some[4] = {1, 2, 3, 4};
  const auto x = tn::view(&some[0], tn::shape(0, 4));
  const auto y = tn::view(&some[0], tn::shape<4>());
  const auto z = tn::view(&some[0], tn::shape(4, 0));
  CHECK(tn::eval(x * y + x, pool).size() == 0);
  CHECK(tn::eval(tn::transpose(x) + 1.0f, pool).shape() == tn::shape(4, 0));
  CHECK(tn::eval(tn::matmul(x, z) + 1.0f, pool).shape() == tn::shape(0, 0));
  const auto zeros = tn::eval(tn::matmul(z, x) + y, pool);
  REQUIRE(zeros.shape() == tn::shape(4, 4));
  for (index_t i = 0; i < 4; ++i)
    for (index_t j = 0; j < 4; ++j) CHECK(zeros(i, j) == y(j));
  CHECK(tn::eval(tn::slice(y, tn::range(2, 2)) * 2.0f, pool).size() == 0);
  CHECK(tn::eval(tn::let(x + 1.0f, [](auto h) { return tn::matmul(tn::transpose(h), h); }), pool)(
            3, 3) == 0);
  const auto zero_d = tn::eval(tn::slice(y, 2) * 2.0f, pool);
  CHECK(zero_d.item() == 6.0f);
}
