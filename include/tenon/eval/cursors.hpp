#pragma once
// From nodes to cursors: what a kernel of one stage reads for any node of the tree.

#include <tenon/plan/plan.hpp>

#include <tenon/kernels/cursor.hpp>

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

  static constexpr const auto& records = pattern_records<E>;
  static constexpr const auto& structure = structure_of<E>;
  static constexpr const auto& order = stage_order<E>;
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
    mask |= !is_static_extent(S::pattern[i]) ? 1U << i : 0U;
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
  if constexpr (std::same_as<From, S> && (S::is_static || is_map))
    return cursor;
  else
    return stretched<S::rank()>(cursor, node_at<I>(x.expression).shape());
}

// The preorder index of operand K of node I.
template <class E>
consteval int operand_index(int i, int k) {
  int c = i + 1;
  for (; k > 0; --k) c += pattern_records<E>[static_cast<std::size_t>(c)].subtree;
  return c;
}

template <int I, int Stage, bool CoreStored, class Eval>
[[nodiscard]] constexpr auto map_cursor(const Eval& x) {
  const auto& node = node_at<I>(x.expression);
  using N = std::remove_cvref_t<decltype(node)>;
  using S = shape_t<N>;
  using E = std::remove_cvref_t<decltype(x.expression)>;
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    const auto make = [&](const auto&... operands) {
      using F = typename N::op_type::functor_type;
      return kernels::MapCursor<value_t<N>, S::rank(), F,
                                std::remove_cvref_t<decltype(operands)>...>(node.op().functor(),
                                                                            operands...);
    };
    return make(
        operand_cursor<operand_index<E>(I, static_cast<int>(K)), Stage, CoreStored, S>(x)...);
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
    return map_cursor<I, Stage, CoreStored>(x);
  } else if constexpr (N::kind == Kind::view) {
    using Op = typename N::op_type;
    const auto op = node.op();
    return cursor_of<I + 1, Stage, CoreStored>(x).template remap<Op::source, Op::unit_axes>(
        op.offsets.starts(), op.offsets.steps());
  } else if constexpr (N::kind == Kind::reshape) {
    return row_major_cursor(cursor_of<I + 1, Stage, CoreStored>(x).pointer(), node.shape());
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
