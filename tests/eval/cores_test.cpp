// Softmax and products through evaluation: every axis, every layout, prologues, random epilogues,
// cores that the run stretches, and bounded extents.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <limits>

namespace tn = tenon;
using naive::close;
using naive::index_t;
using naive::Recorder;
using naive::values;

namespace {

// softmax (or its logarithm) of f(0) … f(n - 1) in double.
template <class F>
std::vector<double> softmax_of(index_t n, bool log, const F& f) {
  double most = -std::numeric_limits<double>::infinity();
  for (index_t i = 0; i < n; ++i)
    if (f(i) > most || f(i) != f(i)) most = f(i);
  double sum = 0;
  for (index_t i = 0; i < n; ++i) sum += std::exp(f(i) - most);
  std::vector<double> r(static_cast<std::size_t>(n));
  for (index_t i = 0; i < n; ++i)
    r[static_cast<std::size_t>(i)] =
        log ? (f(i) - most) - std::log(sum) : std::exp(f(i) - most) / sum;
  return r;
}

// Evaluates and checks the one request for the workspace on the way.
template <class E>
auto eval_recorded(const E& e, tn::PoolAllocator& results) {
  Recorder work;
  auto r = tn::eval(e, results, tn::scratch(work));
  const auto bytes = tn::plan(e).workspace_bytes;
  CHECK(work.requests.size() == (bytes == 0 ? 0U : 1U));
  if (!work.requests.empty()) {
    CHECK(work.requests[0].bytes == bytes);
    CHECK(work.requests[0].alignment == 64);
    CHECK(work.requests[0].last_byte_written);
  }
  CHECK_FALSE(work.overrun);
  CHECK(work.live == 0);
  return r;
}

float chain(float sum, float a, float b) {
  return tn::simd::has_fma ? std::fma(a, b, sum) : naive::multiply_then_add(a, b, sum);
}

}  // namespace

TEST_CASE("softmax of rows of any length, along and across memory") {
  tn::PoolAllocator pool;
  const auto v = values<float>(90 * 90, 1);
  for (index_t n = 1; n <= 90; n += n < 40 ? 1 : 7)
    for (index_t rows : {1, 5, 17, 35}) {
      const auto x = tn::view(v.data(), tn::shape(rows, n));
      const tn::TensorView<const float, tn::Shape<tn::dyn, tn::dyn>, tn::column_major> y(
          v.data(), tn::shape(rows, n));
      const auto a = eval_recorded(tn::softmax<1>(x), pool);
      const auto b = eval_recorded(tn::log_softmax<-1>(x), pool);
      const auto c = eval_recorded(tn::softmax<1>(y), pool);
      const auto d = eval_recorded(tn::softmax<0>(x), pool);
      int wrong = 0;
      for (index_t i = 0; i < rows; ++i) {
        const auto s = softmax_of(n, false, [&](index_t j) { return double{x(i, j)}; });
        const auto l = softmax_of(n, true, [&](index_t j) { return double{x(i, j)}; });
        const auto t = softmax_of(n, false, [&](index_t j) { return double{y(i, j)}; });
        for (index_t j = 0; j < n; ++j) {
          const auto k = static_cast<std::size_t>(j);
          wrong += !close(a(i, j), s[k], 3e-6) + !close(b(i, j), l[k], 3e-6, 1e-6) +
                   !close(c(i, j), t[k], 3e-6);
        }
      }
      for (index_t j = 0; j < n; ++j) {
        const auto s = softmax_of(rows, false, [&](index_t i) { return double{x(i, j)}; });
        for (index_t i = 0; i < rows; ++i)
          wrong += !close(d(i, j), s[static_cast<std::size_t>(i)], 3e-6);
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("softmax along every axis of rank 3, with prologue and epilogue") {
  tn::PoolAllocator pool;
  const auto v = values<double>(5 * 6 * 19, 1);
  const auto w = values<double>(19, 2);
  const auto x = tn::view(v.data(), tn::shape<5, 6, 19>());
  const auto y = tn::view(w.data(), tn::shape<19>());
  const auto check = [&]<int Axis>(std::integral_constant<int, Axis>) {
    const auto e = tn::softmax<Axis>(x * 2.0 + y) * x - 1.0;
    static_assert(tn::plan_of<decltype(e)>.stages == 1);
    const auto r = eval_recorded(e, pool);
    const std::array<index_t, 3> extents{5, 6, 19};
    int wrong = 0;
    naive::for_each_index({5, 6, 19}, [&](const auto& at) {
      const auto s = softmax_of(extents[Axis], false, [&](index_t k) {
        auto p = at;
        p[Axis] = k;
        return x(p[0], p[1], p[2]) * 2.0 + y(p[2]);
      });
      wrong += !close(r(at[0], at[1], at[2]),
                      s[static_cast<std::size_t>(at[Axis])] * x(at[0], at[1], at[2]) - 1.0, 1e-12,
                      1e-12);
    });
    CHECK(wrong == 0);
  };
  check(std::integral_constant<int, 0>{});
  check(std::integral_constant<int, 1>{});
  check(std::integral_constant<int, 2>{});
}

TEST_CASE("softmax across memory reads an operand that the run stretches") {
  tn::PoolAllocator pool;
  const auto v = values<float>(40 * 24, 1), b = values<float>(40, 2), o = values<float>(40, 3);
  const tn::TensorView<const float, tn::Shape<tn::dyn, tn::dyn>, tn::column_major> x(
      v.data(), tn::shape(40, 24));
  const auto shift = tn::view(b.data(), tn::shape(40, 1)),
             add = tn::view(o.data(), tn::shape(40, 1));
  const auto r = eval_recorded(tn::softmax<1>(x + shift * 3.0f) + add, pool);
  int wrong = 0;
  for (index_t i = 0; i < 40; ++i) {
    const auto s =
        softmax_of(24, false, [&](index_t j) { return double{x(i, j)} + shift(i, 0) * 3; });
    for (index_t j = 0; j < 24; ++j)
      wrong += !close(r(i, j), s[static_cast<std::size_t>(j)] + add(i, 0), 3e-6, 1e-6);
  }
  CHECK(wrong == 0);
}

TEST_CASE("softmax of infinities and NaN is IEEE's, both ways") {
  tn::PoolAllocator pool;
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (index_t n : {2, 16, 33})
    for (index_t place : {index_t{0}, n - 1}) {
      std::vector<float> v(static_cast<std::size_t>(n), 1.0f);
      const auto x = tn::view(v.data(), tn::shape(1, n));
      const auto y = tn::view(v.data(), tn::shape(n, 1));
      const auto all_nan = [&](const auto& r) {
        for (index_t i = 0; i < n; ++i)
          if (!std::isnan(r.data()[i])) return false;
        return true;
      };
      v[static_cast<std::size_t>(place)] = -inf;
      const auto a = tn::eval(tn::softmax<1>(x), pool), b = tn::eval(tn::softmax<0>(y), pool);
      for (index_t i = 0; i < n; ++i) {
        const double expected = i == place ? 0 : 1.0 / static_cast<double>(n - 1);
        CHECK(close(a.data()[i], expected, 1e-6));
        CHECK(close(b.data()[i], expected, 1e-6));
      }
      v[static_cast<std::size_t>(place)] = inf;  // inf - inf: NaN there, 0/NaN elsewhere
      CHECK(all_nan(tn::eval(tn::softmax<1>(x), pool)));
      CHECK(all_nan(tn::eval(tn::softmax<0>(y), pool)));
      v[static_cast<std::size_t>(place)] = nan;
      CHECK(all_nan(tn::eval(tn::softmax<1>(x), pool)));
      CHECK(all_nan(tn::eval(tn::log_softmax<0>(y), pool)));
      v.assign(v.size(), -inf);
      CHECK(all_nan(tn::eval(tn::softmax<1>(x), pool)));
    }
}

TEST_CASE("Products of vectors, matrices and batches are chains of fma") {
  tn::PoolAllocator pool;
  const auto av = values<float>(4 * 3 * 13 * 21, 1), bv = values<float>(4 * 21 * 35, 2);
  SECTION("matrices of every small size, transposed or not") {
    for (index_t m : {1, 2, 7, 13, 30})
      for (index_t n : {2, 15, 33})
        for (index_t k : {0, 1, 5, 21}) {
          const auto a = tn::view(av.data(), tn::shape(m, k));
          const auto b = tn::view(bv.data(), tn::shape(k, n));
          const auto bt = tn::view(bv.data(), tn::shape(n, k));
          const auto at = tn::view(av.data(), tn::shape(k, m));
          const auto r = eval_recorded(tn::matmul(a, b), pool);
          const auto s = eval_recorded(tn::matmul(tn::transpose(at), tn::transpose(bt)), pool);
          int wrong = 0;
          for (index_t i = 0; i < m; ++i)
            for (index_t j = 0; j < n; ++j) {
              float x = 0, y = 0;
              for (index_t l = 0; l < k; ++l) {
                x = chain(x, a(i, l), b(l, j));
                y = chain(y, at(l, i), bt(j, l));
              }
              wrong += r(i, j) != x;
              wrong += s(i, j) != y;
            }
          CHECK(wrong == 0);
        }
  }
  SECTION("vectors") {
    const auto a = tn::view(av.data(), tn::shape(13, 21));
    const auto u = tn::view(bv.data(), tn::shape(13)), w = tn::view(bv.data() + 50, tn::shape(21));
    const auto left = tn::eval(tn::matmul(u, a), pool),
               right = tn::eval(tn::matmul(a, w) + u, pool);
    const auto dot = tn::eval(tn::matmul(w, w) * 2.0f, pool);
    REQUIRE(left.size() == 21);
    REQUIRE(right.size() == 13);
    double d = 0;
    for (index_t l = 0; l < 21; ++l) d += double{w(l)} * w(l);
    CHECK(close(dot.item(), 2 * d, 1e-5));
    for (index_t j = 0; j < 21; ++j) {
      float sum = 0;
      for (index_t i = 0; i < 13; ++i) sum = chain(sum, u(i), a(i, j));
      CHECK(left(j) == sum);
    }
    for (index_t i = 0; i < 13; ++i) {
      double sum = u(i);
      for (index_t l = 0; l < 21; ++l) sum += double{a(i, l)} * w(l);
      CHECK(close(right(i), sum, 1e-5, 1e-4));
    }
  }
  SECTION("batches broadcast") {
    const auto a = tn::view(av.data(), tn::shape(4, 1, 13, 21));
    const auto b = tn::view(bv.data(), tn::shape<3, 21, 35>());
    const auto c = tn::view(av.data(), tn::shape(3, 1, 35));
    const auto r = eval_recorded(tn::matmul(a, b) + c, pool);
    int wrong = 0;
    naive::for_each_index({4, 3, 13, 35}, [&](const auto& at) {
      float sum = 0;
      for (index_t l = 0; l < 21; ++l) sum = chain(sum, a(at[0], 0, at[2], l), b(at[1], l, at[3]));
      volatile float expected = sum + c(at[1], 0, at[3]);
      wrong += r(at[0], at[1], at[2], at[3]) != expected;
    });
    CHECK(wrong == 0);
  }
  SECTION("operands computed while packing") {
    const auto a = tn::view(av.data(), tn::shape(30, 21)),
               a2 = tn::view(av.data() + 77, tn::shape(30, 21));
    const auto b = tn::view(bv.data(), tn::shape(21, 35));
    const auto e = tn::matmul(a + a2, b * 2.0f);
    CHECK(tn::plan(e).stages == 1);
    CHECK(tn::plan(e).workspace_bytes == tn::kernels::gemm_workspace_bytes<float>(30, 35, 21));
    const auto r = eval_recorded(e, pool);
    int wrong = 0;
    for (index_t i = 0; i < 30; ++i)
      for (index_t j = 0; j < 35; ++j) {
        float sum = 0;
        for (index_t l = 0; l < 21; ++l) sum = chain(sum, a(i, l) + a2(i, l), b(l, j) * 2.0f);
        wrong += r(i, j) != sum;
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("A product that the run stretches") {
  tn::PoolAllocator pool;
  const auto av = values<float>(60 * 40, 1), bv = values<float>(40 * 50, 2),
             cv = values<float>(60 * 50, 3);
  for (const bool rows : {true, false}) {
    const index_t m = rows ? 1 : 60, n = rows ? 50 : 1;
    const auto a = tn::view(av.data(), tn::shape(m, 40)), b = tn::view(bv.data(), tn::shape(40, n));
    const auto c = tn::view(cv.data(), tn::shape(60, 50));
    const auto r = eval_recorded(tn::matmul(a, b) * 2.0f + c, pool);
    REQUIRE(r.extent(0) == 60);
    REQUIRE(r.extent(1) == 50);
    int wrong = 0;
    for (index_t i = 0; i < 60; ++i)
      for (index_t j = 0; j < 50; ++j) {
        double sum = 0;
        for (index_t l = 0; l < 40; ++l) sum += double{a(rows ? 0 : i, l)} * b(l, rows ? j : 0);
        wrong += !close(r(i, j), 2 * sum + c(i, j), 1e-5, 1e-3);
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("Bounded extents: every shape within the bounds fits the constant workspace") {
  using Rows = tn::Shape<tn::upto<300>, 700>;
  using Out = tn::Shape<tn::upto<300>, 20>;
  tn::PoolAllocator pool;
  const auto av = values<float>(300 * 700, 1), bv = values<float>(700 * 20, 2),
             cv = values<float>(300 * 20, 3);
  const tn::TensorView<const float, tn::Shape<700, 20>> b(bv.data(), {});
  for (index_t m : {0, 1, 2, 240, 299, 300})
    for (index_t stretched : {m, index_t{1}, index_t{300}}) {
      if (m != stretched && m != 1 && stretched != 1) continue;
      const tn::TensorView<const float, Rows> a(av.data(), Rows::from_extents({m, 700}));
      const tn::TensorView<const float, Out> c(cv.data(), Out::from_extents({stretched, 20}));
      const auto e = tn::matmul(a, b) + c;
      constexpr auto plan = tn::plan_of<decltype(e)>;
      Recorder work;
      const auto r = tn::eval(e, pool, tn::scratch(work));
      REQUIRE(work.requests.size() == 1);
      CHECK(work.requests[0].bytes == plan.workspace_bytes);
      CHECK_FALSE(work.overrun);
      int wrong = 0;
      for (index_t i = 0; i < r.extent(0); ++i)
        for (index_t j = 0; j < 20; ++j) {
          double sum = c(stretched == 1 ? 0 : i, j);
          for (index_t l = 0; l < 700; ++l) sum += double{a(m == 1 ? 0 : i, l)} * b(l, j);
          wrong += !close(r(i, j), sum, 1e-5, 1e-3);
        }
      CHECK(wrong == 0);
    }
}
