// Plans of many expressions: their bytes as formulas, their stages, that no order and no packing takes less,
// and that no two slots meet. Compiling this file is the test.

#include "../plan_cases.hpp"

namespace {

using namespace plan_cases;

template <std::size_t I>
constexpr bool is_exact() {
  using Known = case_t<I>;
  constexpr auto& plan = tn::plan_of<expression_t<I>>;
  constexpr auto table = tn::slot_table(plan);
  static_assert(plan.workspace_bytes == Known::bytes);
  static_assert(plan.stages == Known::stages && plan.temporaries == Known::stages - 1);
  static_assert(plan.slots.lower_bound_bytes == Known::bytes);
  // What is proven of any order does not count the padding between slots.
  static_assert(plan.slots.order_bound_bytes <= Known::bytes);
  static_assert(plan.slots.order_bound_bytes + tn::workspace_alignment > Known::bytes);
  static_assert(!tn::validate_packing(table.lifetimes(), table.offsets(), Known::bytes));
  static_assert(tn::packing_height(table.lifetimes(), table.offsets()) == Known::bytes);
  return true;
}

static_assert(count >= 30);
static_assert([]<std::size_t... I>(std::index_sequence<I...>) {
  return (is_exact<I>() && ...);
}(std::make_index_sequence<count>{}));

}  // namespace
