#include "gemm_operands.hpp"

#include "../catch.hpp"

using namespace gemm_test;

namespace {

// Known while compiling, and nothing where nothing is packed.
static_assert(kernels::gemm_workspace_bytes<float>(0, 5, 5) == 0);
static_assert(kernels::gemm_workspace_bytes<float>(5, 0, 5) == 0);
static_assert(kernels::gemm_workspace_bytes<float>(5, 5, 0) == 0);
static_assert(kernels::gemm_workspace_bytes<float>(1, 1, 5) == 0);
static_assert(kernels::gemm_workspace_bytes<float>(64, 64, 64) > 0);
static_assert(kernels::gemm_a_passes<float>(5, 5, 0) == 0);

bool all_are(const std::vector<int>& counts, int expected) {
  for (int c : counts)
    if (c != expected) return false;
  return true;
}

}  // namespace

TEMPLATE_TEST_CASE("gemm reads its operands as often as it says", "[gemm]", float, double) {
  using Sizes = kernels::Blocking<TestType>;
  const index_t shapes[][3] = {{1, 1, 100},
                               {1, 40, 33},
                               {5, 33, 17},
                               {Sizes::mr + 1, 65, 40},
                               {40, 1, 100},
                               {2 * Sizes::mc + 1, 33, Sizes::kc},
                               {Sizes::mr + 1, Sizes::nc + 1, Sizes::kc + 1},
                               {2, Sizes::nc + 1, Sizes::kc + 1}};
  for (const auto& s : shapes)
    for (bool a_rows : {true, false})
      for (bool b_rows : {true, false}) {
        const index_t m = s[0], n = s[1], k = s[2];
        const Matrix<TestType> a(m, k, a_rows, 0, 0, 1), b(k, n, b_rows, 0, 0, 2);
        std::vector<int> a_reads(static_cast<std::size_t>(m * k)),
            b_reads(static_cast<std::size_t>(k * n));
        Guarded workspace(kernels::gemm_workspace_bytes<TestType>(m, n, k));
        Stores<TestType> c(m, n);
        kernels::gemm<TestType>(m, n, k, Counting<TestType>{a.view, k, &a_reads},
                                Counting<TestType>{b.view, n, &b_reads}, c, workspace.data());
        CAPTURE(m, n, k, a_rows, b_rows);
        CHECK(all_are(a_reads, kernels::gemm_a_passes<TestType>(m, n, k)));
        CHECK(all_are(b_reads, kernels::gemm_b_passes<TestType>(m, n, k)));
      }
}

TEMPLATE_TEST_CASE("the bound of a workspace is the most that smaller products need", "[gemm]",
                   float, double) {
  using Sizes = kernels::Blocking<TestType>;
  const index_t shapes[][3] = {{30, 70, 700},
                               {Sizes::mr, 2 * Sizes::nr, 90},
                               {300, 33, Sizes::kc + 40},
                               {300, 5, 2 * Sizes::kc + 40},
                               {3, 2 * Sizes::nc + 200, 40},
                               {1, 2 * Sizes::nc + 200, 40}};
  for (const auto& s : shapes)
    for (int fixed = 0; fixed < 8; ++fixed) {
      const bool m_fixed = (fixed & 1) != 0, n_fixed = (fixed & 2) != 0, k_fixed = (fixed & 4) != 0;
      std::size_t most = 0;
      for (index_t m = m_fixed ? s[0] : 1; m <= s[0]; m += m < 40 || m > 230 ? 1 : 7)
        for (index_t n = n_fixed ? s[1] : 1; n <= s[1]; n += n < 40 || n > s[1] - 9 ? 1 : 7)
          for (index_t k = k_fixed ? s[2] : 1; k <= s[2]; k += k < 40 || k > s[2] - 9 ? 1 : 8)
            most = std::max(most, kernels::gemm_workspace_bytes<TestType>(m, n, k));
      CAPTURE(s[0], s[1], s[2], fixed);
      const auto bound =
          kernels::gemm_workspace_bound<TestType>(s[0], s[1], s[2], m_fixed, n_fixed, k_fixed);
      CHECK(bound >= most);
      CHECK(bound - most <= most / 16);  // the loops above skip a few extents
    }
}
