#pragma once
// One pass for several results: which kernel, and what it reads and writes.

#include <tenon/eval/group_plan.hpp>
#include <tenon/eval/overlap.hpp>
#include <tenon/eval/stages.hpp>

#include <tenon/kernels/joint.hpp>

#include <tuple>

namespace tenon::detail::inline TENON_MODE {

// Stands for the slots of an evaluation whose cursors read none.
struct NoSlots {};

template <class E>
[[nodiscard]] constexpr auto without_slots(const E& e, const NoSlots& none) {
  return Evaluation<E, NoSlots>{e, none, nullptr};
}

template <class First, class... Rest>
[[nodiscard]] constexpr bool same_shapes(const First& first, const Rest&... rest) noexcept {
  return (... && (first.shape() == rest.shape()));
}

template <class... Dst>
[[nodiscard]] constexpr auto joint_destination(const hana::basic_tuple<Dst...>& dsts) {
  return hana::unpack(
      dsts, [](const auto&... dst) { return kernels::join_targets(view_cursor(dst)...); });
}

// dst_k(i…) = part k of src(i…), in the memory order of the destinations.
template <std::size_t R, class Src, class Dst>
void assign_jointly(const std::array<index_t, R>& extents, const Src& src, const Dst& dst) {
  if constexpr (Dst::unit_axis >= 0 && Dst::unit_axis != Dst::rank - 1) {
    constexpr auto order = order_with_last<R>(Dst::unit_axis);
    kernels::assign(permuted(extents, order), with_axes<order>(src), with_axes<order>(dst));
  } else {
    kernels::assign(extents, src, dst);
  }
}

// The node that the reduction of a closed result folds, and the reduction itself.
template <class E>
[[nodiscard]] constexpr const auto& fold_node(const E& e) {
  return node_at<structure_of<E>.core[0]>(e);
}
template <class E>
[[nodiscard]] constexpr const auto& folded_node(const E& e) {
  return node_at<structure_of<E>.core[0] + 1>(e);
}

template <class E>
consteval auto joint_part() {
  using N = std::remove_cvref_t<decltype(fold_node(std::declval<const E&>()))>;
  using Fold = typename N::op_type::fold_type;
  using Acc = value_t<N>;
  if constexpr (std::same_as<Fold, fold::Sum>)
    return kernels::JointPart<kernels::SumOp, Acc>{};
  else if constexpr (std::same_as<Fold, fold::Prod>)
    return kernels::JointPart<kernels::ProdOp, Acc>{};
  else if constexpr (std::same_as<Fold, fold::Max>)
    return kernels::JointPart<kernels::MaxOp, Acc>{};
  else
    return kernels::JointPart<kernels::MinOp, Acc>{};
}

// The folds of results E into their destinations; src yields what they fold. Pack: the axis of operands
// along which packs run. Sizes: what decides the lanes.
template <bool Along, int Pack, unsigned Sizes, class Dsts, class Src, std::size_t R, class... E>
void fold_jointly(const Dsts& dsts, const Src& src, const std::array<index_t, R>& extents,
                  const E&... e) {
  using First = std::tuple_element_t<0, std::tuple<E...>>;
  using Op =
      typename std::remove_cvref_t<decltype(fold_node(std::declval<const First&>()))>::op_type;
  using Axes = ReductionAxes<static_cast<int>(R), Op::axes>;
  constexpr auto source = Axes::source(Pack);
  constexpr auto result = Axes::result(Pack, Op::keep_dims);
  const NoSlots none;
  const auto target = [&]<std::size_t... K>(std::index_sequence<K...>) {
    return kernels::join_targets(with_axes<result>(make_target<NodeTag<structure_of<E>.core[0]>>(
        cursor_of<0, 0, false>(without_slots(e, none)), view_cursor(hana::at_c<K>(dsts))))...);
  }(std::make_index_sequence<sizeof...(E)>{});
  kernels::reduce_jointly<kernels::JointFolds<decltype(joint_part<E>())...>,
                          kernels::lanes_for<Sizes>, Along, Axes::kept>(
      permuted(extents, source), with_axes<source>(src), target);
}

template <class E>
[[nodiscard]] constexpr bool is_as_wide_as_its_fold(const E& e) noexcept {
  return fold_node(e).shape() == e.shape();
}

// True where one pass makes all of the closed results e.
template <class... E>
[[nodiscard]] bool joins([[maybe_unused]] const E&... e) noexcept {
  if constexpr (fuses_loop<E...>())
    return same_shapes(e...);
  else if constexpr (fuses_folds<E...>())
    return same_shapes(folded_node(e)...) && (is_as_wide_as_its_fold(e) && ...);
  else
    return false;
}

// Makes all of the closed results e in one pass, or returns false.
template <class Dsts, class... E>
bool run_jointly([[maybe_unused]] const Dsts& dsts, const E&... e) {
  if (!joins(e...)) return false;
  using First = std::tuple_element_t<0, std::tuple<E...>>;
  [[maybe_unused]] const auto& first = std::get<0>(std::tie(e...));
  const NoSlots none;
  if constexpr (fuses_loop<E...>()) {
    assign_jointly(first.shape().extents(),
                   kernels::join(cursor_of<0, 0, false>(without_slots(e, none))...),
                   joint_destination(dsts));
  } else if constexpr (fuses_folds<E...>()) {
    constexpr auto& operand =
        pattern_records<First>[static_cast<std::size_t>(structure_of<First>.core[0] + 1)];
    constexpr FoldShape shape =
        fold_shape<First>(operand, element_sizes_of<folded_t<First, structure_of<First>.core[0]>>);
    const auto src =
        kernels::join(cursor_of<structure_of<E>.core[0] + 1, 0, false>(without_slots(e, none))...);
    fold_jointly<shape.along, shape.pack, static_cast<unsigned>(shape.lanes)>(
        dsts, src, folded_node(first).shape().extents(), e...);
  }
  return true;
}

template <class Tag, class Bound, class E>
[[nodiscard]] constexpr auto let_node(const Bound& bound, const E& e) {
  return make_node<Let<Tag>, value_t<E>>(Let<Tag>{}, e.shape(), Bound(bound), E(e));
}

// What the name of a stored value reads where nothing is stored: no place.
template <class Tag, class Bound>
[[nodiscard]] constexpr auto unstored(const Bound& bound) {
  const TensorView<const value_t<Bound>, shape_t<Bound>> nowhere(nullptr, bound.shape());
  return Named<Tag, StoredLeaf<Bound>, NoNames>{StoredLeaf<Bound>(nowhere), NoNames{}};
}

// The operand of the reduction in a result that reads the name of a value.
template <class Tag, class Bound, class E>
[[nodiscard]] constexpr const auto& open_operand(const E& e) {
  using Closed = substitute_t<E, Named<Tag, StoredLeaf<Bound>, NoNames>>;
  return node_at<structure_of<Closed>.core[0] + 1>(e);
}

// True where one pass makes the value and all results e, which may read it by its name.
template <class Tag, class Bound, class... E>
[[nodiscard]] bool joins_in_let([[maybe_unused]] const Bound& bound,
                                [[maybe_unused]] const E&... e) noexcept {
  if constexpr (fuses_let_loop<Tag, Bound, E...>()) {
    using First = LetNode<Tag, Bound, std::tuple_element_t<0, std::tuple<E...>>>;
    constexpr int core = structure_of<First>.core[0];
    if constexpr (core > 0)
      if (!(node_at<core - 1>(bound).shape() == bound.shape())) return false;
    return same_shapes(bound, e...);
  } else if constexpr (fuses_let_folds<Tag, Bound, E...>()) {
    return same_shapes(bound, open_operand<Tag, Bound>(e)...) &&
           (is_as_wide_as_its_fold(substitute(e, unstored<Tag>(bound))) && ...);
  } else {
    return false;
  }
}

// True where a leaf of e may lie where dst does.
template <class E, class Dst>
[[nodiscard]] bool reads_any_of(const E& e, const Dst& dst) noexcept {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto leaf_meets = [&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
      if constexpr (pattern_records<E>[J].kind == Kind::leaf)
        return may_meet(node_at<static_cast<int>(J)>(e).view(), dst);
      else
        return false;
    };
    return (leaf_meets(std::integral_constant<std::size_t, I>{}) || ...);
  }(std::make_index_sequence<static_cast<std::size_t>(node_count<E>)>{});
}

// True where making the results in that pass could read an element of dst after it was overwritten.
template <class Tag, class Bound, class Dst, class... E>
[[nodiscard]] bool let_conflicts(const Bound& bound, const Dst& dst, const E&... e) {
  if constexpr (fuses_let_loop<Tag, Bound, E...>())
    return (conflicts(let_node<Tag>(bound, e), dst) || ...);
  else if constexpr (fuses_let_folds<Tag, Bound, E...>())
    return ((reads_any_of(let_node<Tag>(bound, open_operand<Tag, Bound>(e)), dst) ||
             conflicts(substitute(e, unstored<Tag>(bound)), dst)) ||
            ...);
  else
    return false;
}

// Makes the value and all results e in one pass, or returns false.
template <class Tag, class Dsts, class Workspace, class Bound, class... E>
bool run_in_let([[maybe_unused]] const Dsts& dsts, [[maybe_unused]] Workspace& workspace,
                const Bound& bound, const E&... e) {
  if (!joins_in_let<Tag>(bound, e...)) return false;
  [[maybe_unused]] const NoSlots none;
  using First = std::tuple_element_t<0, std::tuple<E...>>;
  constexpr int body = 1 + node_count<Bound>;
  if constexpr (fuses_let_loop<Tag, Bound, E...>()) {
    const auto first = let_node<Tag>(bound, std::get<0>(std::tie(e...)));
    using Whole = std::remove_const_t<decltype(first)>;
    constexpr int core = structure_of<Whole>.core[0];
    using S = shape_t<First>;
    const auto bodies = kernels::join([&](const auto& one) {
      const auto whole = let_node<Tag>(bound, one);
      return operand_cursor<body, 0, false, S>(without_slots(whole, none));
    }(e)...);
    const auto value = operand_cursor<1, 0, false, S>(without_slots(first, none));
    const kernels::LetCursor<NodeTag<0>, std::remove_const_t<decltype(value)>,
                             std::remove_const_t<decltype(bodies)>>
        src(value, bodies);
    if constexpr (core < 0) {
      if (workspace.runs) assign_jointly(first.shape().extents(), src, joint_destination(dsts));
    } else {
      const auto& slots = slots_of(first);
      workspace.need(slots.workspace_bytes);
      if (workspace.runs)
        run_core<core, 0>(
            Evaluation<Whole, std::remove_cvref_t<decltype(slots)>>{first, slots,
                                                                    workspace.at(workspace.used)},
            make_target<NodeTag<core>>(src, joint_destination(dsts)));
    }
  } else if constexpr (fuses_let_folds<Tag, Bound, E...>()) {
    if (!workspace.runs) return true;
    const auto first = let_node<Tag>(bound, open_operand<Tag, Bound>(std::get<0>(std::tie(e...))));
    using Inner = std::remove_const_t<decltype(first)>;
    using S = shape_t<Inner>;
    using Closed = substitute_t<First, Named<Tag, StoredLeaf<Bound>, NoNames>>;
    constexpr FoldShape shape =
        fold_shape<Closed>(pattern_records<Inner>[0], element_sizes_of<Inner>);
    const auto bodies = kernels::join([&](const auto& one) {
      const auto whole = let_node<Tag>(bound, open_operand<Tag, Bound>(one));
      return operand_cursor<body, 0, false, S>(without_slots(whole, none));
    }(e)...);
    const auto value = operand_cursor<1, 0, false, S>(without_slots(first, none));
    const kernels::LetCursor<NodeTag<0>, std::remove_const_t<decltype(value)>,
                             std::remove_const_t<decltype(bodies)>>
        src(value, bodies);
    const auto names = unstored<Tag>(bound);
    fold_jointly<shape.along, shape.pack, static_cast<unsigned>(shape.lanes)>(
        dsts, src, first.shape().extents(), substitute(e, names)...);
  }
  return true;
}

}  // namespace tenon::detail::inline TENON_MODE
