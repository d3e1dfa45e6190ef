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
        std::vector<int> a_reads(static_cast<std::size_t>(m * k)), b_reads(static_cast<std::size_t>(k * n));
        Guarded workspace(kernels::gemm_workspace_bytes<TestType>(m, n, k));
        Stores<TestType> c(m, n);
        kernels::gemm<TestType>(m, n, k, Counting<TestType>{a.view, k, &a_reads},
                                Counting<TestType>{b.view, n, &b_reads}, c, workspace.data());
        CAPTURE(m, n, k, a_rows, b_rows);
        CHECK(all_are(a_reads, kernels::gemm_a_passes<TestType>(m, n, k)));
        CHECK(all_are(b_reads, kernels::gemm_b_passes<TestType>(m, n, k)));
      }
}
