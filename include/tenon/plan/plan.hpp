#pragma once
// The plan of an expression: stages, slots and bytes, as a constant where the extents allow it.

#include <tenon/plan/slots.hpp>

namespace tenon::inline TENON_MODE {

// What evaluating an expression takes.
//   workspace_bytes  temporaries, packing panels and row buffers together, exact, for a base aligned
//                    to 64 bytes; nothing else is taken from any allocator but the result. Where
//                    extents are bounded: enough for every shape within the bounds
//   result_bytes     the result's elements
//   peak_bytes       the result rounded up to 64 + the workspace
//   workspace_bytes_if_aliased  the workspace where the destination truly overlaps an operand
template <int N>
struct Plan {
  Records<N> records{};
  Structure<N> structure{};
  Slots<N> slots{};
  std::size_t workspace_bytes = 0;
  std::size_t workspace_bytes_if_aliased = 0;
  std::size_t result_bytes = 0;
  std::size_t peak_bytes = 0;
  int stages = 0;
  int temporaries = 0;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <int N>
[[nodiscard]] constexpr auto make_plan(const Records<N>& records, const Structure<N>& structure,
                                       const Slots<N>& slots) {
  Plan<N> plan{records, structure, slots};
  const std::size_t result = align_up(plan.slots.result_bytes, workspace_alignment);
  plan.workspace_bytes = plan.slots.workspace_bytes;
  plan.workspace_bytes_if_aliased =
      align_up(plan.workspace_bytes, workspace_alignment) + plan.slots.result_bytes;
  plan.result_bytes = plan.slots.result_bytes;
  plan.peak_bytes = result + plan.workspace_bytes;
  plan.stages = structure.stages;
  plan.temporaries = plan.slots.temporaries;
  return plan;
}

template <class E>
consteval auto make_static_plan() {
  return make_plan(bound_records<E>(), structure_of<E>, static_slots<E>);
}

template <class X>
consteval auto planned() {
  if constexpr (ExpressionNode<X>)
    return std::type_identity<std::remove_cvref_t<X>>{};
  else
    return std::type_identity<operand_t<X>>{};
}

// The node type that X is planned as: itself, or the leaf that it becomes.
template <class X>
using planned_t = typename decltype(planned<X>())::type;

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// An expression whose extents are all static or bounded: its plan is a constant.
template <class E>
concept StaticallyPlanned = Expression<E> && detail::planned_when_compiling<detail::planned_t<E>>;

// Formula: the plan of expression type E, a constant: plan_of<decltype(e)>.workspace_bytes may stand
// in a static_assert or as an array bound. Bounded extents count at their bound.
template <StaticallyPlanned E>
inline constexpr auto plan_of = detail::make_static_plan<detail::planned_t<E>>();

// Formula: the plan of e for the extents that it has now. No allocation.
template <Expression E>
[[nodiscard]] constexpr auto plan(const E& e) {
  using X = detail::planned_t<const E&>;
  if constexpr (detail::planned_when_compiling<X>) {
    return plan_of<const E&>;
  } else {
    const auto records = [&] {
      if constexpr (ExpressionNode<E>)
        return detail::run_time_records(e);
      else
        return detail::run_time_records(detail::as_operand(e));
    }();
    constexpr auto& structure = detail::structure_of<X>;
    return detail::make_plan(records, structure,
                             detail::plan_slots<detail::kernel_types(detail::pattern_records<X>)>(
                                 records, records, structure, false));
  }
}

// Workspace<E, aliased> has room for a destination that truly overlaps an operand.
inline constexpr bool aliased = true;

// Storage for the workspace of E, inline: give it to eval_into or prepare instead of a resource.
template <StaticallyPlanned E, bool Aliased = false>
struct alignas(workspace_alignment) Workspace {
  static constexpr std::size_t size_bytes =
      Aliased ? plan_of<E>.workspace_bytes_if_aliased : plan_of<E>.workspace_bytes;
  std::byte bytes[size_bytes == 0 ? 1 : size_bytes];
};

}  // namespace tenon::inline TENON_MODE
