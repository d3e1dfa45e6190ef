// Constant plans are exact when they run: every expression whose bytes tests/static/plans_exact.cpp knows.
// Packs are watched: the last byte of a workspace is stored, and loaded later.
#define TENON_WATCHED 1

#include "exact_workspace.hpp"
#include "catch.hpp"
#include "counted.hpp"
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
      const auto e = std::get<Case>(all).build(operands);
      constexpr std::size_t bytes = case_t<Case>::bytes;
      exact::check(e, bytes, 1e-4);
      const exact::Aligned memory(bytes);
      const std::span<std::byte> workspace(memory.begin(), bytes);
      const auto moved = counted::traffic({workspace}, [&] {
        tn::Arena results;
        tn::FixedBufferAllocator whole(workspace);
        static_cast<void>(tn::eval(e, results, tn::scratch(whole)));
      });
      CHECK(moved[0].kept == (bytes > 0));
    };
    (check(std::integral_constant<std::size_t, I>{}), ...);
  }(std::make_index_sequence<count>{});
}
