// Constant plans are exact when they run: every expression whose bytes tests/static/plans_exact.cpp knows.

#include "exact_workspace.hpp"
#include "catch.hpp"
#include "plan_cases.hpp"

using namespace plan_cases;

namespace {

struct Data {
  std::vector<float> x = values(m * n, 1), w = values(n * n, 2), v = values(n * p, 3),
                     b = values(n, 4), keys = values(l * n, 5), rows = values(l * p, 6);

  static std::vector<float> values(index_t count, unsigned seed) {
    auto all = naive::values<float>(static_cast<std::size_t>(count), seed);
    for (auto& x : all) x *= 0.08f;
    return all;
  }
  [[nodiscard]] Operands operands() const {
    return {View<m, n>(x.data(), {}), View<n, n>(w.data(), {}),    View<n, p>(v.data(), {}),
            View<n>(b.data(), {}),    View<l, n>(keys.data(), {}), View<l, p>(rows.data(), {})};
  }
};

}  // namespace

TEST_CASE("The workspace of a constant plan is exact", "[eval][plan]") {
  const Data data;
  const Operands operands = data.operands();
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto check = [&]<std::size_t Case>(std::integral_constant<std::size_t, Case>) {
      INFO("expression " << Case);
      exact::check(std::get<Case>(all).build(operands), case_t<Case>::bytes, 1e-4);
    };
    (check(std::integral_constant<std::size_t, I>{}), ...);
  }(std::make_index_sequence<count>{});
}
