#include "gemm_operands.hpp"

#include "../catch.hpp"

using namespace gemm_test;

TEMPLATE_TEST_CASE("gemm takes integers of any width", "[gemm]", std::int8_t, std::int32_t,
                   std::uint64_t) {
  for (index_t m : {1, 5, 13})
    for (index_t n : {1, 5, 40})
      for (index_t k : {0, 1, 9, 70, 300}) {
        const auto wrong = check_layouts<TestType>(m, n, k);
        if (!wrong.empty()) FAIL(wrong);
      }
}
