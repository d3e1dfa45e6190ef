#pragma once
// From nodes to cursors: what a kernel of one stage reads for any node of the tree.

#include <tenon/eval/axes.hpp>

#include <tenon/plan/plan.hpp>

#include <tenon/kernels/cursor.hpp>
#include <tenon/kernels/join_cursor.hpp>
#include <tenon/kernels/map_cursor.hpp>
#include <tenon/kernels/slide_cursor.hpp>
#include <tenon/kernels/window_cursor.hpp>

namespace tenon::detail::inline TENON_MODE {

// The name under which the core of a stage, or the let at node I, hands its packs to its readers.
template <int I>
struct NodeTag {};

// One evaluation: the expression, its plan's slots and the workspace that they lie in.
template <class E, class SlotTable>
struct Evaluation {
  const E& expression;
  const SlotTable& slots;
  std::byte* workspace;

  // The bytes of a slot, given by number.
  template <std::size_t Slot>
  [[nodiscard]] constexpr std::byte* bytes_of() const noexcept {
    return workspace + slots.offset[Slot];
  }

  // Those of the value of stored node I.
  template <int I>
  [[nodiscard]] constexpr std::byte* bytes_of_value() const noexcept {
    return bytes_of<value_slot<E>(I)>();
  }

  // The evaluation of a block of one of its regions.
  template <class Block, class BlockSlotTable>
  [[nodiscard]] constexpr auto of_block(const Block& block, const BlockSlotTable& block_slots,
                                        std::byte* scratch) const noexcept {
    return Evaluation<Block, BlockSlotTable>{block, block_slots, scratch};
  }

  static constexpr const auto& records = pattern_records<E>;
  static constexpr const auto& structure = structure_of<E>;
  static constexpr const auto& order = stage_order<E>;

  // True in ParallelEvaluation alone: its kernels are run in parts.
  static constexpr bool runs_in_parallel = false;
};

template <class S>
consteval unsigned one_axes() {
  unsigned mask = 0;
  for (std::size_t i = 0; i < S::pattern.size(); ++i) mask |= S::pattern[i] == 1 ? 1U << i : 0U;
  return mask;
}

template <class S>
consteval unsigned open_axes() {
  unsigned mask = 0;
  for (std::size_t i = 0; i < S::pattern.size(); ++i)
    mask |= !is_settled_extent(S::pattern[i]) ? 1U << i : 0U;
  return mask;
}

// The cursor of memory in row-major order.
template <class T, class S>
[[nodiscard]] constexpr auto row_major_cursor(T* p, const S& shape) {
  constexpr int rank = S::rank();
  return kernels::StridedCursor<T, rank, rank - 1, 0U>(p, row_major_strides(shape.extents()));
}

// The cursor of a view of any layout.
template <class T, class S, class Layout>
[[nodiscard]] constexpr auto view_cursor(const TensorView<T, S, Layout>& view) {
  constexpr int rank = S::rank();
  constexpr int unit = std::same_as<Layout, row_major>                  ? rank - 1
                       : std::same_as<Layout, column_major> && rank > 0 ? 0
                                                                        : static_unit_axis<Layout>;
  return kernels::StridedCursor<T, rank, unit, 0U>(view.data(), view.strides());
}

// Two shapes of this type in one expression have the same extents.
template <class S>
inline constexpr bool is_settled = open_axes<S>() == 0;

// A cursor stretched to the rank and extents of the node that reads it.
template <int Rank, class S, class Cursor>
[[nodiscard]] constexpr auto stretched(const Cursor& cursor, const S& shape) {
  if constexpr (Rank == S::rank() && S::rank() == 0)
    return cursor;
  else
    return cursor.template broadcast<Rank, one_axes<S>(), open_axes<S>()>(shape.extents());
}

// The cursor of node I as the stage of `Stage` reads it. CoreStored: the stage's core lies in its
// slot instead of coming from the kernel.
template <int I, int Stage, bool CoreStored, class Eval>
[[nodiscard]] constexpr auto cursor_of(const Eval& x);

// The cursor of node I where it lies in a slot, given by number.
template <int I, std::size_t Slot, class Eval>
[[nodiscard]] constexpr auto slot_cursor(const Eval& x) {
  const auto& node = node_at<I>(x.expression);
  using T = value_t<decltype(node)>;
  return row_major_cursor(reinterpret_cast<const T*>(x.template bytes_of<Slot>()), node.shape());
}

// The cursor of operand I of a node with shape S, stretched to it. Same extents in the type need none; nor
// does a map of the same open shape, whose own operands were: where its extent is 1, so are all of theirs.
template <int I, int Stage, bool CoreStored, class S, class Eval>
[[nodiscard]] constexpr auto operand_cursor(const Eval& x) {
  using From = shape_t<decltype(node_at<I>(x.expression))>;
  const auto cursor = cursor_of<I, Stage, CoreStored>(x);
  constexpr bool is_map =
      Eval::records[static_cast<std::size_t>(I)].kind == Kind::map && !Eval::structure.is_stage(I);
  if constexpr (std::same_as<From, S> && (is_settled<S> || is_map))
    return cursor;
  else
    return stretched<S::rank()>(cursor, node_at<I>(x.expression).shape());
}

// The cursors behind a map of one stage: each node below it that is no map, or that a slot or the core of
// the stage holds, and each functor that is more than its type; in preorder.
template <std::size_t N>
struct MapArguments {
  std::size_t count = 0;
  std::array<int, N> node{};
  std::array<bool, N> computes{};  // by node: its functor is part of the map
  bool all_leaves = true;          // all of them are operands of the expression itself

  [[nodiscard]] constexpr std::size_t place(int i) const noexcept {
    std::size_t k = 0;
    while (node[k] != i) ++k;
    return k;
  }
};

template <std::size_t N>
consteval auto find_arguments(const std::array<Record, N>& records,
                              const Structure<static_cast<int>(N)>& structure, int root,
                              int stage) {
  MapArguments<N> list;
  for (int i = root, end = root + records[static_cast<std::size_t>(root)].subtree; i < end;) {
    const auto at = static_cast<std::size_t>(i);
    const Record& r = records[at];
    const bool inside = i == root || (r.kind == Kind::map && !structure.is_stage(i) &&
                                      structure.core[static_cast<std::size_t>(stage)] != i);
    list.computes[at] = inside;
    if (!inside || r.holds_functor) {
      list.node[list.count++] = i;
      const bool is_operand = r.kind == Kind::leaf || r.kind == Kind::scalar;
      list.all_leaves = list.all_leaves && is_operand && !structure.is_stage(i);
    }
    i += inside ? 1 : r.subtree;
  }
  return list;
}

template <class E, int Root, int Stage>
inline constexpr auto map_arguments =
    find_arguments(pattern_records<E>, structure_of<E>, Root, Stage);

// What a map does with its cursors.
template <class E, const auto& Arguments, int I, class N,
          bool Computes = Arguments.computes[static_cast<std::size_t>(I)]>
struct WorkOf {
  using type = kernels::Argument<Arguments.place(I)>;
};
template <class E, const auto& Arguments, int I, class F, class T, class S, class... X>
struct WorkOf<E, Arguments, I, Node<Map<F>, T, S, X...>, true> {
  template <std::size_t... K>
  static auto of(std::index_sequence<K...>) {
    if constexpr (is_stateless<F>)
      return kernels::Call<F, typename WorkOf<E, Arguments, operand_index<E>(I, K), X>::type...>{};
    else
      return kernels::HeldCall<Arguments.place(I), F,
                               typename WorkOf<E, Arguments, operand_index<E>(I, K), X>::type...>{};
  }
  using type = decltype(of(std::index_sequence_for<X...>{}));
};

template <class E, const auto& Arguments, int I, class N>
struct WorkOf<E, Arguments, I, StageByStage<N>, true> : WorkOf<E, Arguments, I, N, true> {};

// The cursor of an operand of the expression, stretched to the shape S.
template <class S, class Leaf>
[[nodiscard]] constexpr auto leaf_cursor(const Leaf& leaf) {
  if constexpr (Leaf::kind == Kind::scalar)
    return kernels::ScalarCursor<value_t<Leaf>, S::rank()>(leaf.value());
  else if constexpr (std::same_as<shape_t<Leaf>, S> && is_settled<S>)
    return view_cursor(leaf.view());
  else
    return stretched<S::rank()>(view_cursor(leaf.view()), leaf.shape());
}

// The cursor of node I among those behind a map of shape S.
template <int I, int Stage, bool CoreStored, bool Computes, class S, class Eval>
[[nodiscard]] constexpr auto argument_cursor(const Eval& x) {
  if constexpr (Computes) {
    using F =
        typename std::remove_cvref_t<decltype(node_at<I>(x.expression))>::op_type::functor_type;
    return kernels::FunctorCursor<F, S::rank()>(node_at<I>(x.expression).op().functor());
  } else {
    return operand_cursor<I, Stage, CoreStored, S>(x);
  }
}

template <int I, int Stage, bool CoreStored, class Eval, class N>
[[nodiscard]] constexpr auto map_cursor(const Eval& x, const N&) {
  using E = std::remove_cvref_t<decltype(x.expression)>;
  constexpr auto& list = map_arguments<E, I, Stage>;
  using Work = typename WorkOf<E, map_arguments<E, I, Stage>, I, N>::type;
  using T = value_t<N>;
  using S = shape_t<N>;
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    if constexpr (list.all_leaves)
      return kernels::make_map_cursor<T, S::rank(), Work>(
          leaf_cursor<S>(node_at<list.node[K]>(x.expression))...);
    else
      return kernels::make_map_cursor<T, S::rank(), Work>(
          argument_cursor<list.node[K], Stage, CoreStored,
                          list.computes[static_cast<std::size_t>(list.node[K])], S>(x)...);
  }(std::make_index_sequence<list.count>{});
}

// The cursor of windows over `inner`, the cursor of their operand x.
template <class N, class X, class Inner>
[[nodiscard]] constexpr auto window_cursor(const N& node, const X& x, const Inner& inner) {
  using Op = typename N::op_type;
  constexpr auto axes = Op::taps_type::pattern.size();
  constexpr auto channel_axis = shape_t<X>::pattern.size() - 1 - axes;
  const auto from = x.shape().extents();
  std::array<index_t, axes> extents{};
  for (std::size_t d = 0; d < axes; ++d) extents[d] = from[channel_axis + 1 + d];
  index_t channels = from[channel_axis];
  if constexpr (Op::grouped) channels /= node.shape().extent(-3);
  using Cursor = kernels::WindowCursor<Op::steps, Op::grouped, Op::taps_type::pattern,
                                       Op::places_type::pattern, Inner>;
  return Cursor(inner, extents, node.op().taps.extents(), node.op().places.extents(), channels);
}

// The axes of an operand: Axis, then all of them, with none that moves in its place.
template <int Rank, int Axis>
consteval auto joined_axes() {
  std::array<int, static_cast<std::size_t>(Rank + 1)> axes{};
  axes[0] = Axis;
  for (int d = 0; d < Rank; ++d) axes[static_cast<std::size_t>(d + 1)] = d == Axis ? -1 : d;
  return axes;
}

// The same where Axis becomes two axes, neither of which moves.
template <int Rank, int Axis>
consteval auto slid_axes() {
  std::array<int, static_cast<std::size_t>(Rank + 2)> axes{};
  axes[0] = Axis;
  for (int d = 0; d <= Rank; ++d)
    axes[static_cast<std::size_t>(d + 1)] = d < Axis ? d : d <= Axis + 1 ? -1 : d - 1;
  return axes;
}

// An operand of a join that holds coordinates from `begin` on: its joined axis in front.
template <auto Axes, class X, class Cursor>
[[nodiscard]] constexpr auto joined_part(const X& x, const Cursor& cursor, index_t begin) {
  constexpr int rank = Cursor::rank;
  // No element, no steps: its pointer may be null.
  const bool is_empty = x.shape().size() == 0;
  const auto part = with_axes<Axes>(cursor.template broadcast<rank, 0U, 0U>(
      filled<static_cast<std::size_t>(rank)>(is_empty ? 1 : 2)));
  const index_t extent = is_empty ? 0 : x.shape().extent(Axes[0]);
  return kernels::JoinedPart<std::remove_const_t<decltype(part)>>{part, begin, begin + extent};
}

// The cursor of a window that slides over `inner`, the cursor of x.
template <class N, class X, class Inner>
[[nodiscard]] constexpr auto slide_cursor(const N& node, const X& x, const Inner& inner) {
  using Op = typename N::op_type;
  constexpr int rank = shape_t<N>::rank();
  const auto value = node.op().value;
  if constexpr (requires { kernels::slide_over<Op::axis>(inner, 1, 1, 1, 0, value); }) {
    const index_t extent = x.shape().extent(Op::axis);
    return kernels::slide_over<Op::axis>(inner, extent, Op::dilation, Op::stride, Op::before,
                                         value);
  } else {  // coordinates of the padded axis
    std::tuple part{joined_part<slid_axes<rank - 1, Op::axis>()>(x, inner, Op::before)};
    std::array<index_t, static_cast<std::size_t>(rank)> coefficients{};
    coefficients[static_cast<std::size_t>(Op::axis)] = Op::dilation;
    coefficients[static_cast<std::size_t>(Op::axis + 1)] = Op::stride;
    return [&]<class C>(const std::tuple<kernels::JoinedPart<C>>& parts) {
      return kernels::JoinCursor<value_t<N>, rank, C>(value, 0, coefficients, parts);
    }(part);
  }
}

// The cursor of join node I: its operands from where it lets them begin.
template <int I, int Stage, bool CoreStored, class Eval>
[[nodiscard]] constexpr auto join_cursor(const Eval& x) {
  const auto& node = node_at<I>(x.expression);
  using N = std::remove_cvref_t<decltype(node)>;
  using E = std::remove_cvref_t<decltype(x.expression)>;
  using Op = typename N::op_type;
  using T = value_t<N>;
  constexpr int rank = shape_t<N>::rank();
  index_t begin = 0;
  T value{};
  if constexpr (requires { node.op().before; }) {
    begin = node.op().before;
    value = node.op().value;
  }
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    const auto part = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
      constexpr int operand = operand_index<E>(I, At);
      const auto& from = node_at<operand>(x.expression);
      const auto made = joined_part<joined_axes<rank, Op::axis>()>(
          from, cursor_of<operand, Stage, CoreStored>(x), begin);
      begin += from.shape().extent(Op::axis);
      return made;
    };
    std::tuple parts{part(std::integral_constant<std::size_t, K>{})...};  // from left to right
    return [&]<class... C>(const std::tuple<kernels::JoinedPart<C>...>& all) {
      std::array<index_t, static_cast<std::size_t>(rank)> coefficients{};
      coefficients[static_cast<std::size_t>(Op::axis)] = 1;
      return kernels::JoinCursor<T, rank, C...>(value, 0, coefficients, all);
    }(parts);
  }(std::make_index_sequence<static_cast<std::size_t>(N::operand_count)>{});
}

template <int I, int Stage, bool CoreStored, class Eval>
[[nodiscard]] constexpr auto cursor_of(const Eval& x) {
  const auto& node = node_at<I>(x.expression);
  using N = std::remove_cvref_t<decltype(node)>;
  using T = value_t<N>;
  constexpr int rank = shape_t<N>::rank();
  using E = std::remove_cvref_t<decltype(x.expression)>;
  constexpr auto& structure = Eval::structure;
  constexpr auto at = static_cast<std::size_t>(I);
  if constexpr (structure.is_stage(I) && I != Stage) {
    return slot_cursor<I, value_slot<E>(I)>(x);
  } else if constexpr (structure.core[static_cast<std::size_t>(Stage)] == I) {
    if constexpr (CoreStored)
      return slot_cursor<I, core_slot<E>(Stage)>(x);
    else
      return kernels::BoundCursor<NodeTag<I>, T, rank>();
  } else if constexpr (N::kind == Kind::leaf) {
    return view_cursor(node.view());
  } else if constexpr (N::kind == Kind::scalar) {
    return kernels::ScalarCursor<T, 0>(node.value());
  } else if constexpr (N::kind == Kind::bound) {
    constexpr int let = structure.let_of[at];
    if constexpr (structure.in_registers[static_cast<std::size_t>(let)])
      return kernels::BoundCursor<NodeTag<let>, T, rank>();
    else
      return cursor_of<let + 1, Stage, CoreStored>(x);
  } else if constexpr (N::kind == Kind::map) {
    return map_cursor<I, Stage, CoreStored>(x, node);
  } else if constexpr (N::kind == Kind::view) {
    using Op = typename N::op_type;
    const auto op = node.op();
    return cursor_of<I + 1, Stage, CoreStored>(x).template remap<Op::source, Op::unit_axes>(
        op.offsets.starts(), op.offsets.steps());
  } else if constexpr (N::kind == Kind::reshape) {
    return row_major_cursor(cursor_of<I + 1, Stage, CoreStored>(x).pointer(), node.shape());
  } else if constexpr (N::kind == Kind::join) {
    return join_cursor<I, Stage, CoreStored>(x);
  } else if constexpr (N::kind == Kind::slide) {
    return slide_cursor(node, node_at<I + 1>(x.expression), cursor_of<I + 1, Stage, CoreStored>(x));
  } else if constexpr (N::kind == Kind::windows) {
    static_assert(I != Stage, "windows are read, never stored");
    return window_cursor(node, node_at<I + 1>(x.expression),
                         cursor_of<I + 1, Stage, CoreStored>(x));
  } else {
    static_assert(N::kind == Kind::let);
    constexpr int body = I + 1 + Eval::records[at + 1].subtree;
    const auto read = operand_cursor<body, Stage, CoreStored, shape_t<N>>(x);
    if constexpr (structure.in_registers[at]) {
      const auto bound = operand_cursor<I + 1, Stage, CoreStored, shape_t<N>>(x);
      return kernels::LetCursor<NodeTag<I>, std::remove_const_t<decltype(bound)>,
                                std::remove_const_t<decltype(read)>>(bound, read);
    } else {
      return read;
    }
  }
}

}  // namespace tenon::detail::inline TENON_MODE
