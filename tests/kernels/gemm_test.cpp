#include "gemm_operands.hpp"

#include "../catch.hpp"

using namespace gemm_test;

TEMPLATE_TEST_CASE("gemm equals a chain of fma on every small shape", "[gemm]", float, double) {
  const index_t extents[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 31, 33};
  for (index_t m : extents)
    for (index_t n : extents)
      for (index_t k : {0, 1, 2, 7, 15, 16, 17, 33}) {
        const auto wrong = check_layouts<TestType>(m, n, k);
        if (!wrong.empty()) FAIL(wrong);
      }
}

TEMPLATE_TEST_CASE("gemm equals a chain of fma around the edges of tiles and lanes", "[gemm]",
                   float, double) {
  using Sizes = kernels::Blocking<TestType>;
  for (index_t m : {Sizes::mr - 1, Sizes::mr, Sizes::mr + 1, 2 * Sizes::mr + 1, 3 * Sizes::mr})
    for (index_t n : {Sizes::lanes, Sizes::nr - 1, Sizes::nr, Sizes::nr + 1, 3 * Sizes::nr + 1})
      for (index_t k : {Sizes::chunk - 1, Sizes::chunk, Sizes::chunk + 1, 5 * Sizes::chunk + 3}) {
        const auto wrong = check_layouts<TestType>(m, n, k);
        if (!wrong.empty()) FAIL(wrong);
      }
}

TEMPLATE_TEST_CASE("gemm equals a chain of fma around the edges of blocks", "[gemm]", float,
                   double) {
  using Sizes = kernels::Blocking<TestType>;
  const index_t kc = Sizes::kc, mc = Sizes::mc, nc = Sizes::nc;
  constexpr auto far = static_cast<index_t>(2048 / sizeof(TestType));
  const index_t shapes[][3] = {
      {3, 5, kc - 1},
      {3, 5, kc},
      {3, 5, kc + 1},
      {14, 35, 2 * kc + 5},
      {1, 5, kc + 1},
      {5, 1, kc + 1},
      {mc - 1, 3, kc},
      {mc + 1, 3, kc},
      {mc + 1, 3, kc + 1},
      {2, nc - 1, 9},
      {2, nc + 1, 9},
      {1, nc + 1, kc + 1},
      {13, nc + 1, kc + 1},
      {1, 2 * nc + 1, 5},
      {1, 16 * Sizes::lanes + 3, kernels::detail::short_depth},
      {1, 16 * Sizes::lanes + 3, kernels::detail::short_depth + 1},
      {1, 2 * nc + 1, kc + 1},
      {40, 700, 300},
      // rows of A that meet in few sets of a cache, and not
      {60, 40, far},
      {60, 40, far + 1},
  };
  for (const auto& s : shapes) {
    const auto wrong = check_layouts<TestType>(s[0], s[1], s[2]);
    if (!wrong.empty()) FAIL(wrong);
  }
}

TEST_CASE("gemm handles NaN and infinities as a chain does", "[gemm]") {
  Matrix<float> a(14, 20, true, 0, 0, 1), b(20, 40, true, 0, 0, 2);
  a.memory[25] = std::numeric_limits<float>::infinity();
  a.memory[27] = -std::numeric_limits<float>::infinity();
  b.memory[40 * 3 + 5] = std::numeric_limits<float>::quiet_NaN();
  b.memory[40 * 19 + 39] = std::numeric_limits<float>::infinity();
  Guarded workspace(kernels::gemm_workspace_bytes<float>(14, 40, 20));
  Stores<float> c(14, 40);
  kernels::gemm<float>(14, 40, 20, a.view, b.view, c, workspace.data());
  for (index_t i = 0; i < 14; ++i)
    for (index_t j = 0; j < 40; ++j) {
      const float expected = chain<float>(i, j, 20, a.view, b.view);
      const float got = c.values[static_cast<std::size_t>(i * 40 + j)];
      CHECK((std::isnan(expected) ? std::isnan(got) : expected == got));
    }
}
