#pragma once
// The plan of an expression: stages, slots and bytes, as a constant where the extents allow it.

#include <tenon/plan/cost.hpp>
#include <tenon/plan/slots.hpp>

#include <tenon/expr/tie.hpp>

namespace tenon::inline TENON_MODE {

// What evaluating an expression takes.
//   workspace_bytes  temporaries, packing panels and row buffers together, exact, for a base aligned
//                    to 64 bytes; nothing else is taken from any allocator but the result. Where
//                    extents are bounded: enough for every shape within the bounds
//   result_bytes     the result's elements
//   peak_bytes       the result rounded up to 64 + the workspace
//   workspace_bytes_if_aliased  the workspace where the destination truly overlaps an operand
//   lower_bound_bytes  the most bytes of slots that any stage finds alive, at multiples of 64: no
//                    packing of these stages in this order takes less
//   flops, bytes_moved  of all stages, counted as plan/cost.hpp says
template <int N>
struct Plan {
  Records<N> records{};
  Structure<N> structure{};
  Slots<N> slots{};
  std::size_t workspace_bytes = 0;
  std::size_t workspace_bytes_if_aliased = 0;
  std::size_t result_bytes = 0;
  std::size_t peak_bytes = 0;
  std::size_t lower_bound_bytes = 0;
  std::uint64_t flops = 0;
  std::uint64_t bytes_moved = 0;
  int stages = 0;
  int temporaries = 0;

  // Stages count from 0 in the order in which they run. Contract: 0 <= stage < stages.
  [[nodiscard]] constexpr int stage_root(int stage) const noexcept {
    return slots.order[static_cast<std::size_t>(stage)];
  }
  [[nodiscard]] constexpr Cost stage_cost(int stage) const {
    return detail::CostModel(records, structure).stage(stage_root(stage));
  }
  // True where the stage computes elementwise work while it reads for its core: a contraction,
  // reduction or normalisation.
  [[nodiscard]] constexpr bool fuses_prologue(int stage) const noexcept {
    return has_elementwise_work(stage_root(stage), true);
  }
  // True where it does so between the core and its store. Of a region: any of the stages of a block.
  [[nodiscard]] constexpr bool fuses_epilogue(int stage) const noexcept {
    return has_elementwise_work(stage_root(stage), false);
  }
  // Flops for each byte moved.
  [[nodiscard]] constexpr double arithmetic_intensity() const noexcept {
    return bytes_moved == 0 ? 0.0 : static_cast<double>(flops) / static_cast<double>(bytes_moved);
  }

 private:
  [[nodiscard]] constexpr bool has_elementwise_work(int root, bool below_core) const noexcept {
    const int core = structure.core[static_cast<std::size_t>(root)];
    const auto end = [&](int i) { return i + records[static_cast<std::size_t>(i)].subtree; };
    if (structure.is_region(root)) return block_has_elementwise_work(root, below_core);
    if (core < 0) return false;
    for (int i = root; i < end(root); ++i) {
      if (i != root && structure.is_stage(i))
        i = end(i) - 1;
      else if (records[static_cast<std::size_t>(i)].kind == Kind::map &&
               (core < i && i < end(core)) == below_core)
        return true;
    }
    return false;
  }

  // The same for any of the stages that a region runs for its blocks.
  [[nodiscard]] constexpr bool block_has_elementwise_work(int root,
                                                          bool below_core) const noexcept {
    const auto k = [](int i) { return static_cast<std::size_t>(i); };
    const auto is_core = [&](int i) {
      const Kind kind = records[k(i)].kind;
      return kind == Kind::contract || kind == Kind::reduce || kind == Kind::normalize;
    };
    for (int i = root; i < root + records[k(root)].subtree; ++i) {
      if (i != root && structure.is_stage(i)) {
        i += records[k(i)].subtree - 1;
        continue;
      }
      const bool is_map = records[k(i)].kind == Kind::map;
      if (below_core ? !is_map : !is_core(i)) continue;
      for (int up = i; up != root && structure.regions.reader[k(up)] < 0;) {
        up = records[k(up)].parent;
        if (below_core ? is_core(up) : records[k(up)].kind == Kind::map) return true;
      }
    }
    return false;
  }
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <int N>
[[nodiscard]] constexpr Plan<N> make_plan(const Records<N>& records, const Structure<N>& structure,
                                          const Slots<N>& slots) {
  Plan<N> plan{records, structure, slots};
  const std::size_t result = align_up(plan.slots.result_bytes, workspace_alignment);
  plan.workspace_bytes = plan.slots.workspace_bytes;
  plan.workspace_bytes_if_aliased =
      align_up(plan.workspace_bytes, workspace_alignment) + plan.slots.result_bytes;
  plan.result_bytes = plan.slots.result_bytes;
  plan.peak_bytes = result + plan.workspace_bytes;
  plan.lower_bound_bytes = plan.slots.lower_bound_bytes;
  const CostModel costs(plan.records, plan.structure);
  for (int i = 0; i < structure.stages; ++i) {
    const Cost cost = costs.stage(structure.order[static_cast<std::size_t>(i)]);
    plan.flops += cost.flops;
    plan.bytes_moved += cost.bytes_moved();
  }
  plan.stages = structure.stages;
  plan.temporaries = plan.slots.temporaries;
  return plan;
}

template <class E>
consteval auto make_static_plan() {
  constexpr auto records = bound_records<E>();
  return make_plan(records, structure_of<E>,
                   slots_by_node<E>(static_slots<E>, record_bytes(records[0])));
}

// The plan of a node for the extents that it has now.
template <class E>
[[nodiscard]] constexpr auto make_run_time_plan(const E& e) {
  const auto records = run_time_records(e);
  return make_plan(records, structure_of<E>,
                   slots_by_node<E>(slots_for(e), record_bytes(records[0])));
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

template <class Part>
using tied_node_t = std::remove_cvref_t<decltype(tied_node(std::declval<const Part&>()))>;

template <class Group>
inline constexpr bool group_is_static = false;
template <class... Part>
inline constexpr bool group_is_static<Tie<Part...>> =
    (planned_when_compiling<tied_node_t<Part>> && ...);
template <class Tag, class Bound, class Body>
inline constexpr bool group_is_static<LetGroup<Tag, Bound, Body>> =
    planned_when_compiling<Bound> && group_is_static<Body>;

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// An expression whose extents are all static or bounded: its plan is a constant.
template <class E>
concept StaticallyPlanned = Expression<E> && detail::planned_when_compiling<detail::planned_t<E>>;

// A tie, or a let around one, whose extents are all static or bounded: its plan is a constant.
template <class G>
concept StaticallyPlannedGroup =
    ExpressionGroup<G> && detail::group_is_static<std::remove_cvref_t<G>>;

// Formula: the plan of expression type E, a constant: plan_of<decltype(e)>.workspace_bytes may stand
// in a static_assert or as an array bound. Bounded extents count at their bound.
template <class E>
  requires(StaticallyPlanned<E> || ExpressionGroup<E>)
inline constexpr auto plan_of = detail::make_static_plan<detail::planned_t<E>>();

// Formula: the plan of e for the extents that it has now. No allocation.
template <Expression E>
[[nodiscard]] constexpr auto plan(const E& e) {
  using X = detail::planned_t<const E&>;
  if constexpr (detail::planned_when_compiling<X>) {
    return plan_of<const E&>;
  } else {
    if constexpr (ExpressionNode<E>)
      return detail::make_run_time_plan(e);
    else
      return detail::make_run_time_plan(detail::as_operand(e));
  }
}

// Workspace<E, aliased> has room for a destination that truly overlaps an operand.
inline constexpr bool aliased = true;

// Storage for the workspace of E, an expression or a tie, inline: give it to eval_into or prepare instead
// of a resource.
template <class E, bool Aliased = false>
  requires StaticallyPlanned<E> || StaticallyPlannedGroup<E>
struct alignas(workspace_alignment) Workspace {
  static constexpr std::size_t size_bytes =
      Aliased ? plan_of<E>.workspace_bytes_if_aliased : plan_of<E>.workspace_bytes;
  std::byte bytes[size_bytes == 0 ? 1 : size_bytes];
};

}  // namespace tenon::inline TENON_MODE
