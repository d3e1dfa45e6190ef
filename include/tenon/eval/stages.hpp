#pragma once
// Running a stage: from its nodes to one call of a kernel.

#include <tenon/eval/axes.hpp>
#include <tenon/eval/contraction.hpp>
#include <tenon/eval/cursors.hpp>
#include <tenon/eval/dead_slots.hpp>
#include <tenon/eval/reduction.hpp>

#include <tenon/kernels/elementwise.hpp>

namespace tenon::detail::inline TENON_MODE {

// True for a leaf in row-major order, and for a name of one, or of what registers or a slot hold.
template <class E>
consteval bool lies_flat(int i) {
  constexpr auto& structure = structure_of<E>;
  const auto at = [](int k) { return static_cast<std::size_t>(k); };
  while (pattern_records<E>[at(i)].kind == Kind::bound) {
    const int let = structure.let_of[at(i)];
    i = let + 1;
    if (structure.in_registers[at(let)] || structure.is_stage(i)) return true;
  }
  return pattern_records<E>[at(i)].kind == Kind::leaf && pattern_records<E>[at(i)].contiguous;
}

// True where every operand of the elementwise stage is known to have the stage's own extents, in
// row-major order: then any rank is one axis.
template <class E, int Stage>
consteval bool is_flat() {
  constexpr auto& records = pattern_records<E>;
  constexpr auto& structure = structure_of<E>;
  const Record& root = records[static_cast<std::size_t>(Stage)];
  for (int i = Stage; i < Stage + root.subtree; ++i) {
    const Record& r = records[static_cast<std::size_t>(i)];
    if (r.kind == Kind::scalar) continue;
    if (r.rank != root.rank || !same_extents(r, root)) return false;
    for (int d = 0; d < r.rank; ++d)
      if (!is_settled_extent(r.extent(d))) return false;
    if (i != Stage && structure.is_stage(i))
      i += r.subtree - 1;  // a slot; what is below it is not read here
    else if (!(r.kind == Kind::map || r.kind == Kind::let || lies_flat<E>(i)))
      return false;
  }
  return root.rank > 0;
}

// For parallel evaluations, see parallel_stages.hpp.
template <class Eval, std::size_t R, class Src, class Dst>
void assign_in_parts(const Eval& x, const std::array<index_t, R>& extents, const Src& src,
                     const Dst& dst);

template <class Eval, std::size_t R, class Src, class Dst>
TENON_INLINE void assign_elements([[maybe_unused]] const Eval& x,
                                  const std::array<index_t, R>& extents, const Src& src,
                                  const Dst& dst) {
  if constexpr (Eval::runs_in_parallel && R > 0)
    assign_in_parts(x, extents, src, dst);
  else
    kernels::assign(extents, src, dst);
}

// dst(i…) = the elementwise tree of the stage, walked in the memory order of dst.
template <int Stage, bool CoreStored, class Eval, class View>
TENON_INLINE void run_elementwise(const Eval& x, const View& view) {
  const auto& node = node_at<Stage>(x.expression);
  const auto dst = view_cursor(view);
  using Dst = std::remove_const_t<decltype(dst)>;
  constexpr auto rank = static_cast<std::size_t>(Dst::rank);
  const auto cursor = cursor_of<Stage, Stage, CoreStored>(x);
  const auto extents = node.shape().extents();
  using E = std::remove_cvref_t<decltype(x.expression)>;
  if constexpr (std::same_as<typename View::layout_type, row_major> && is_flat<E, Stage>())
    assign_elements(x, std::array<index_t, 1>{product(extents)}, cursor.flattened(),
                    dst.flattened());
  else if constexpr (Dst::unit_axis >= 0 && Dst::unit_axis != Dst::rank - 1) {
    constexpr auto order = order_with_last<rank>(Dst::unit_axis);
    assign_elements(x, permuted(extents, order), with_axes<order>(cursor), with_axes<order>(dst));
  } else {
    assign_elements(x, extents, cursor, dst);
  }
}

template <int Core, int Stage, class Eval, class Target>
TENON_INLINE void run_core(const Eval& x, const Target& target) {
  using N = std::remove_cvref_t<decltype(node_at<Core>(x.expression))>;
  if constexpr (N::kind == Kind::reduce) {
    run_reduction<Core, Stage>(x, target);
  } else {
    using E = std::remove_cvref_t<decltype(x.expression)>;
    std::byte* scratch =
        x.workspace == nullptr ? nullptr : x.template bytes_of<scratch_slot<E>(Stage)>();
    if constexpr (N::kind == Kind::contract)
      run_contraction<Core, Stage>(x, target, scratch);
    else
      run_normalization<Core, Stage>(x, target, scratch);
  }
}

template <class Tag, class Cursor, class Dst>
[[nodiscard]] constexpr auto make_target(const Cursor& cursor, const Dst& dst) {
  return kernels::Target<Tag, Cursor, Dst>(cursor, dst);
}

// A slot, given by number, as the view that the value of node I is stored to.
template <int I, std::size_t Slot, class Eval>
[[nodiscard]] constexpr auto slot_view(const Eval& x) {
  const auto& node = node_at<I>(x.expression);
  using N = std::remove_cvref_t<decltype(node)>;
  return TensorView<value_t<N>, shape_t<N>>(
      reinterpret_cast<value_t<N>*>(x.template bytes_of<Slot>()), node.shape());
}

template <class Eval, class View>
TENON_INLINE void run_stages(const Eval& x, const View& dst);

// Computes the rows of the region with root Stage from the block on, before row `end`, into the view dst,
// block of rows by block of rows. Each block is an evaluation of its own, in scratch.
template <int Stage, class Eval, class SlotTable, class View>
TENON_INLINE void run_blocks(const Eval& x, const SlotTable& slots, const View& dst, RowBlock block,
                             index_t end, std::byte* scratch) {
  using E = std::remove_cvref_t<decltype(x.expression)>;
  constexpr auto at = static_cast<std::size_t>(Stage);
  constexpr auto& regions = Eval::structure.regions;
  const HoistedValues<Eval> hoisted{x};
  for (; block.begin < end; block.begin += block.count) {
    block.count = std::min(block.count, end - block.begin);
    const auto inner = cut<Stage>(x.expression, hoisted, block);
    using Inner = std::remove_const_t<decltype(inner)>;
    static_assert(std::same_as<Inner, cut_t<Stage, E>>);
    run_stages(x.of_block(inner, slots, scratch),
               cut_view<regions.along[at], block_bound<E, Stage>>(dst, block));
  }
}

// For parallel evaluations, see parallel_stages.hpp.
template <int Stage, class Eval, class View>
void run_blocks_in_parts(const Eval& x, const View& dst, const RowBlock& first, std::byte* scratch);

// Computes the region with root Stage into the view dst, in the region's scratch.
template <int Stage, class Eval, class View>
void run_region(const Eval& x, const View& dst) {
  using E = std::remove_cvref_t<decltype(x.expression)>;
  std::byte* scratch =
      x.workspace == nullptr ? nullptr : x.template bytes_of<scratch_slot<E>(Stage)>();
  const auto block = first_block<Stage>(x.expression);
  if constexpr (Eval::runs_in_parallel)
    run_blocks_in_parts<Stage>(x, dst, block, scratch);
  else
    run_blocks<Stage>(x, slots_of_block<E, Stage>(x.slots), dst, block, block.rows, scratch);
}

// Computes the value of node Stage into the view dst.
template <int Stage, class Eval, class View>
TENON_INLINE void run_stage_into(const Eval& x, const View& dst) {
  constexpr int core = Eval::structure.core[static_cast<std::size_t>(Stage)];
  if constexpr (Eval::structure.is_region(Stage)) {
    run_region<Stage>(x, dst);
  } else if constexpr (core < 0) {
    run_elementwise<Stage, false>(x, dst);
  } else {
    using Root = shape_t<decltype(node_at<Stage>(x.expression))>;
    using Core = shape_t<decltype(node_at<core>(x.expression))>;
    if constexpr (!(std::same_as<Root, Core> && is_settled<Root>) && core != Stage) {
      const auto& inner = node_at<core>(x.expression);
      if (!(inner.shape() == node_at<Stage>(x.expression).shape())) {  // stretched at run time
        const kernels::BoundCursor<NodeTag<core>, value_t<decltype(inner)>, Core::rank()> value;
        const auto held =
            slot_view<core, core_slot<std::remove_cvref_t<decltype(x.expression)>>(Stage)>(x);
        run_core<core, Stage>(x, make_target<NodeTag<core>>(value, view_cursor(held)));
        run_elementwise<Stage, true>(x, dst);
        return;
      }
    }
    run_core<core, Stage>(
        x, make_target<NodeTag<core>>(cursor_of<Stage, Stage, false>(x), view_cursor(dst)));
  }
}

// Runs a stage; the result goes to dst, every other value to its slot.
template <int Stage, class Eval, class View>
TENON_INLINE void run_stage(const Eval& x, const View& dst) {
  using E = std::remove_cvref_t<decltype(x.expression)>;
  if constexpr (Stage == 0)
    run_stage_into<0>(x, dst);
  else
    run_stage_into<Stage>(x, slot_view<Stage, value_slot<E>(Stage)>(x));
}
// The same in a frame of its own.
template <int Stage, class Eval, class View>
[[gnu::noinline]] void run_stage_apart(const Eval& x, const View& dst) {
  run_stage<Stage>(x, dst);
}

// Beyond so many stages each has a frame of its own, lest one frame holds the cursors of all.
inline constexpr int most_stages_in_a_frame = 4;

// Runs the stages in the order of the plan; the last writes dst.
template <class Eval, class View>
TENON_INLINE void run_stages(const Eval& x, const View& dst) {
  if constexpr (Eval::structure.stages == 1 && !poisons) {
    run_stage<0>(x, dst);
  } else {
    const DeadSlots<std::remove_cvref_t<decltype(x.expression)>> dead(x.slots, x.workspace);
    [&]<std::size_t... P>(std::index_sequence<P...>) {
      const auto run = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
        constexpr int stage = Eval::order[At];
        dead.enter(static_cast<int>(At));
        if constexpr (Eval::structure.stages > most_stages_in_a_frame)
          run_stage_apart<stage>(x, dst);
        else
          run_stage<stage>(x, dst);
        dead.leave(static_cast<int>(At));
      };
      (run(std::integral_constant<std::size_t, P>{}), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(Eval::structure.stages)>{});
  }
}

}  // namespace tenon::detail::inline TENON_MODE
