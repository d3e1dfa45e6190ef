// Attention, in rows and in batches.

#include "regions.hpp"

#include <tenon/expr/unfused.hpp>

namespace tn = tenon;
namespace td = tenon::detail;
using namespace regions;

TEST_CASE("Attention without the square of its length") {
  constexpr index_t L = 2048, D = 64;
  using E = decltype(attention(fixed<L, D>(), fixed<L, D>(), fixed<L, D>()));
  static_assert(tn::plan_of<E>.structure.is_region(0));
  using Unfused = decltype(tn::testing::unfused(std::declval<const E&>()));
  static_assert(tn::plan_of<E>.peak_bytes * 20 <= tn::plan_of<Unfused>.peak_bytes);
  static_assert(tn::plan_of<E>.peak_bytes * 10 <= tn::plan_of<td::StageByStage<E>>.peak_bytes);

  check(attention(fixed<300, 24>(1), fixed<300, 24>(2), fixed<300, 24>(3)));
  for (index_t n : {1, 5, 37, 150})
    check(attention(rows<24>(n, 1), rows<24>(n + 3, 2), rows<24>(n + 3, 3)));

  // Queries, keys and values of the same tensor: the keys are hoisted, the queries cut.
  const auto x = rows<32>(200);
  const auto q = tn::matmul(x, fixed<32, 32>(1)), k = tn::matmul(x, fixed<32, 32>(2)),
             v = tn::matmul(x, fixed<32, 32>(3));
  const auto self = attention(q, k, v);
  check(self);
  const auto plan = tn::plan(self);
  CHECK(plan.structure.is_region(0));
  CHECK(plan.stages == 3);
  CHECK(std::count(plan.structure.reason.begin(), plan.structure.reason.end(),
                   tn::Reason::hoisted) == 2);

  const index_t n = 50;
  const auto a = rows<8>(n, 4), b = rows<8>(n, 5), c = rows<8>(n, 6);
  const auto r = check(attention(a, b, c));
  int wrong = 0;
  for (index_t i = 0; i < n; ++i) {
    std::vector<double> s(static_cast<std::size_t>(n));
    double sum = 0;
    for (index_t j = 0; j < n; ++j) {
      double dot = 0;
      for (index_t d = 0; d < 8; ++d) dot += static_cast<double>(a(i, d)) * b(j, d);
      sum += s[static_cast<std::size_t>(j)] = std::exp(dot * 0.25);
    }
    for (index_t d = 0; d < 8; ++d) {
      double y = 0;
      for (index_t j = 0; j < n; ++j) y += s[static_cast<std::size_t>(j)] / sum * c(j, d);
      wrong += !naive::close(r[static_cast<std::size_t>(i * 8 + d)], y, 1e-5, 1e-5);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("Batched attention") {
  const auto at = [](auto shape, unsigned seed) { return operand(shape, seed); };
  const auto all = [&](auto shape) { return attention(at(shape, 1), at(shape, 2), at(shape, 3)); };
  (void)all;
  const auto batched = [&](auto shape) {
    const auto q = at(shape, 1), k = at(shape, 2), v = at(shape, 3);
    return tn::matmul(tn::softmax<-1>(tn::matmul(q, tn::matrix_transpose(k)) * 0.25F), v);
  };
  check(batched(tn::shape<3, 150, 16>()));
  check(batched(tn::shape<2, 1024, 16>()));
  check(batched(tn::shape(3, 70, 16)));
  check(batched(tn::shape<2, 3, 130, 8>()));
  using E = decltype(batched(tn::shape<8, 1024, 64>()));
  using One = decltype(batched(tn::shape<1, 1024, 64>()));
  static_assert(tn::plan_of<E>.workspace_bytes == tn::plan_of<One>.workspace_bytes);
  static_assert(tn::plan_of<E>.workspace_bytes * 10 <
                tn::plan_of<td::StageByStage<E>>.workspace_bytes);
}
