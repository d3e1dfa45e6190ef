// What reductions compute through stages: axes, producers, epilogues, element types, NaN, error.

#include "catch.hpp"
#include "naive.hpp"
#include "reductions.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <algorithm>
#include <limits>

namespace tn = tenon;
using naive::close;
using naive::index_t;
using naive::values;
using naive::wrong_over_all_axes;

TEST_CASE("Reductions over every choice of axes, in either memory order") {
  tn::PoolAllocator pool;
  // Few different values, so that argmax meets ties.
  auto v = values<float>(5 * 4 * 19 * 3, 1);
  for (auto& x : v) x = std::floor(x * 4);
  CHECK(wrong_over_all_axes(tn::view(v.data(), tn::shape(40)), pool) == 0);
  for (index_t rows : {1, 2, 5, 33})
    for (index_t columns : {1, 3, 17})
      CHECK(wrong_over_all_axes(tn::view(v.data(), tn::shape(rows, columns)), pool) == 0);
  for (index_t rows : {1, 5, 33}) {
    const tn::TensorView<float, tn::Shape<tn::dyn, tn::dyn>, tn::column_major> x(
        v.data(), tn::shape(rows, 18));
    CHECK(wrong_over_all_axes(x, pool) == 0);
  }
  CHECK(wrong_over_all_axes(tn::view(v.data(), tn::shape<4, 5, 19>()), pool) == 0);
}

TEST_CASE("Reductions swallow producers and epilogues") {
  tn::PoolAllocator pool;
  const index_t m = 13, n = 37;
  const auto v = values<float>(m * n, 1);
  const auto b = values<float>(m, 2);
  const auto x = tn::view(v.data(), tn::shape(m, n));
  const auto y = tn::view(b.data(), tn::shape(m));
  const auto norm = tn::sqrt(tn::sum<1>(x * x)) + y;
  CHECK(tn::plan(norm).stages == 1);
  CHECK(tn::plan(norm).workspace_bytes == 0);
  const auto r = tn::eval(norm, pool);
  const auto s = tn::eval(tn::sum<0>(tn::exp(x)), pool);
  const auto t = tn::eval(tn::mean<0, 1>(tn::exp(tn::transpose(x))), pool);
  const auto q = tn::eval(tn::sum(x > 0.0f), pool);
  double mean = 0;
  std::int64_t positive = 0;
  for (index_t i = 0; i < m; ++i) {
    double sum = 0;
    for (index_t j = 0; j < n; ++j) {
      sum += static_cast<double>(x(i, j)) * x(i, j);
      mean += std::exp(x(i, j)) / static_cast<double>(m * n);
      positive += x(i, j) > 0 ? 1 : 0;
    }
    CHECK(close(r(i), std::sqrt(sum) + y(i), 2e-6, 2e-6));
  }
  for (index_t j = 0; j < n; ++j) {
    double sum = 0;
    for (index_t i = 0; i < m; ++i) sum += std::exp(x(i, j));
    CHECK(close(s(j), sum, 2e-6));
  }
  CHECK(close(t.item(), mean, 2e-6));
  static_assert(std::same_as<decltype(q)::value_type, std::int64_t>);
  CHECK(q.item() == positive);
}

TEST_CASE("Integers and bools reduce as in NumPy") {
  tn::PoolAllocator pool;
  const auto i8 = values<std::int8_t>(300, 1);
  const auto i32 = values<std::int32_t>(300, 2);
  std::vector<unsigned char> storage(300);
  for (std::size_t i = 0; i < 300; ++i) storage[i] = i % 3 == 0 ? 1 : 0;
  const auto* flags = reinterpret_cast<const bool*>(storage.data());
  const auto a = tn::view(i8.data(), tn::shape(10, 30));
  const auto b = tn::view(i32.data(), tn::shape(10, 30));
  const auto c = tn::view(flags, tn::shape(10, 30));
  for (int axis = 0; axis < 2; ++axis) {
    const auto sa = axis == 0 ? tn::eval(tn::sum<0>(a), pool) : tn::eval(tn::sum<1>(a), pool);
    const auto pb = axis == 0 ? tn::eval(tn::prod<0>(b), pool) : tn::eval(tn::prod<1>(b), pool);
    const auto sc = axis == 0 ? tn::eval(tn::sum<0>(c), pool) : tn::eval(tn::sum<1>(c), pool);
    const auto ma = axis == 0 ? tn::eval(tn::max<0>(a), pool) : tn::eval(tn::max<1>(a), pool);
    const auto mb = axis == 0 ? tn::eval(tn::argmin<0>(b), pool) : tn::eval(tn::argmin<1>(b), pool);
    const auto mc = axis == 0 ? tn::eval(tn::argmax<0>(c), pool) : tn::eval(tn::argmax<1>(c), pool);
    int wrong = 0;
    for (index_t o = 0; o < sa.extent(0); ++o) {
      std::int64_t sum = 0, flagged = 0, least_at = 0, first_flag = -1;
      std::uint64_t product = 1;
      std::int8_t most = -128;
      for (index_t k = 0; k < (axis == 0 ? 10 : 30); ++k) {
        const index_t i = axis == 0 ? k : o, j = axis == 0 ? o : k;
        sum += a(i, j);
        product *= static_cast<std::uint64_t>(b(i, j));
        flagged += c(i, j);
        most = std::max(most, a(i, j));
        if (b(i, j) < (axis == 0 ? b(least_at, j) : b(i, least_at))) least_at = k;
        if (c(i, j) && first_flag < 0) first_flag = k;
      }
      wrong += sa(o) != sum;
      wrong += static_cast<std::uint64_t>(pb(o)) != product;
      wrong += sc(o) != flagged;
      wrong += ma(o) != most;
      wrong += mb(o) != least_at;
      wrong += mc(o) != std::max<std::int64_t>(first_flag, 0);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("NaN and infinities through reductions, both ways") {
  tn::PoolAllocator pool;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  for (index_t n : {1, 2, 15, 16, 17, 70})
    for (index_t place : {index_t{0}, n / 2, n - 1}) {
      std::vector<float> v(static_cast<std::size_t>(n), -inf);
      const auto x = tn::view(v.data(), tn::shape(n));
      const auto column = tn::view(v.data(), tn::shape(n, 1));
      CHECK(tn::eval(tn::max(x), pool).item() == -inf);
      CHECK(tn::eval(tn::argmax(x), pool).item() == 0);
      CHECK(tn::eval(tn::argmax<0>(column), pool).data()[0] == 0);
      v[static_cast<std::size_t>(place)] = inf;
      CHECK(tn::eval(tn::argmax(x), pool).item() == place);
      CHECK(tn::eval(tn::argmin(x), pool).item() == (place == 0 && n > 1 ? 1 : 0));
      v[static_cast<std::size_t>(place)] = nan;
      v[static_cast<std::size_t>(n - 1)] = place == n - 1 ? nan : inf;
      CHECK(tn::eval(tn::argmax(x), pool).item() == place);
      CHECK(tn::eval(tn::argmin<0>(column), pool).data()[0] == place);
      CHECK(std::isnan(tn::eval(tn::max(x), pool).item()));
      CHECK(std::isnan(tn::eval(tn::min<0>(column), pool).data()[0]));
      CHECK(std::isnan(tn::eval(tn::sum(x), pool).item()));
    }
}

TEST_CASE("Nothing, folded") {
  tn::PoolAllocator pool;
  const float some[1] = {3};
  const auto rows = tn::view(&some[0], tn::shape(0, 5)),
             columns = tn::view(&some[0], tn::shape(5, 0));
  const auto a = tn::eval(tn::sum<0>(rows), pool), b = tn::eval(tn::prod<1>(columns), pool);
  REQUIRE(a.size() == 5);
  REQUIRE(b.size() == 5);
  for (int i = 0; i < 5; ++i) {
    CHECK(a(i) == 0);
    CHECK(b(i) == 1);
  }
  CHECK(tn::eval(tn::sum<1>(rows), pool).size() == 0);
  CHECK(tn::eval(tn::sum(rows), pool).item() == 0);
  CHECK(tn::eval(tn::softmax<0>(rows), pool).size() == 0);
  CHECK(tn::eval(tn::softmax<1>(columns), pool).size() == 0);
  CHECK(tn::eval(tn::max<0>(columns), pool).size() == 0);
  const auto zero_d = tn::view(&some[0], tn::Shape<>{});
  CHECK(tn::eval(tn::sum(zero_d), pool).item() == 3);
  CHECK(tn::eval(tn::max(zero_d * 2.0f), pool).item() == 6);
}

TEST_CASE("A long float sum errs by no more than 2 log2(n) roundings") {
  tn::PoolAllocator pool;
  const double eps = std::numeric_limits<float>::epsilon();
  for (const std::size_t n : {std::size_t{1000}, std::size_t{100'000}, std::size_t{1'000'000}}) {
    const std::vector<float> constant(n, 0.1f);
    auto random = values<float>(n, 7);
    for (auto& x : random) x = std::fabs(x);
    for (const auto& v : {constant, random}) {
      double exact = 0;
      for (const float x : v) exact += x;
      const double bound = 2 * std::log2(static_cast<double>(n)) * eps * exact;
      const auto x = tn::view(v.data(), tn::shape(n));
      const auto column = tn::view(v.data(), tn::shape(n, 1));
      CHECK(std::fabs(tn::eval(tn::sum(x), pool).item() - exact) <= bound);
      CHECK(std::fabs(tn::eval(tn::sum<0>(column), pool).data()[0] - exact) <= bound);
      const auto wide = tn::view(v.data(), tn::shape(n / 4, 4));
      double first = 0;
      for (std::size_t i = 0; i < n; i += 4) first += v[i];
      CHECK(std::fabs(tn::eval(tn::sum<0>(wide), pool).data()[0] - first) <=
            2 * std::log2(static_cast<double>(n)) * eps * first);
    }
  }
}
