#pragma once
// Stages in parts: each part is one call of a kernel, on a part of the output.

#include <tenon/eval/cut.hpp>
#include <tenon/eval/nothrow.hpp>
#include <tenon/eval/stages.hpp>

namespace tenon::detail::inline TENON_MODE {

// An evaluation whose kernels run in as many parts as there are threads. What parts need beyond the plan's
// workspace lies from `extra` on; one stage uses it at a time.
template <class E, class SlotTable, class Executor>
struct ParallelEvaluation : Evaluation<E, SlotTable> {
  static constexpr bool runs_in_parallel = true;

  Executor& executor;
  int threads;
  std::byte* extra;

  [[nodiscard]] constexpr const Evaluation<E, SlotTable>& serial() const noexcept { return *this; }

  template <class Block, class BlockSlotTable>
  [[nodiscard]] constexpr auto of_block(const Block& block, const BlockSlotTable& block_slots,
                                        std::byte* scratch) const noexcept {
    return ParallelEvaluation<Block, BlockSlotTable, Executor>{
        {block, block_slots, scratch}, executor, threads, extra};
  }
};

// part(p) for each part of a stage, side by side.
template <class Eval, class F>
void run_parts(const Eval& x, int parts, const F& part) {
  using E = std::remove_cvref_t<decltype(x.expression)>;
  x.executor.parallel_for(
      index_t{parts}, [&part](index_t p) noexcept(runs_nothrow<E>) { part(static_cast<int>(p)); });
}

template <class... Cursor>
TENON_INLINE void step_all(int axis, index_t count, Cursor&... cursors) {
  (cursors.step(axis, count), ...);
}

// dst(i…) = src(i…), see kernels::assign.
template <class Eval, std::size_t R, class Src, class Dst>
[[gnu::noinline]] void assign_in_parts(const Eval& x, const std::array<index_t, R>& extents,
                                       const Src& src, const Dst& dst) {
  const AxisCut cut = elementwise_cut(extents, Src::weight, x.threads);
  const auto axis = static_cast<std::size_t>(cut.axis);
  const auto assign = [&](int p) {
    const PartRange range = cut.range(extents[axis], p);
    auto some = extents;
    some[axis] = range.count;
    auto from = src;
    auto to = dst;
    step_all(cut.axis, range.begin, from, to);
    kernels::assign(some, from, to);
  };
  if (cut.parts == 1)
    assign(0);
  else
    run_parts(x, cut.parts, assign);
}

// ---- products ----

template <class E, int I, int Stage>
inline constexpr bool lies_in_memory =
    kernels::detail::is_memory<std::remove_cvref_t<decltype(cursor_of<I, Stage, false>(
        std::declval<const Evaluation<E, PlacedSlots<slot_count<E>>>&>()))>>;

template <class E, int Core, int Stage>
inline constexpr ProductSources product_sources = {
    lies_in_memory<E, operand_index<E>(Core, 0), Stage>,
    lies_in_memory<E, operand_index<E>(Core, 1), Stage>,
    !is_convolution<
        typename std::remove_cvref_t<decltype(node_at<Core>(std::declval<const E&>()))>::op_type>};

// c(b…, i, j) = sum_k a(b…, i, k) · b(b…, k, j), see run_contraction; whole() makes all of it.
template <int Core, int Stage, class Eval, std::size_t R, class A, class B, class C, class Whole>
void multiply_in_parts(const Eval& x, const std::array<index_t, R>& extents, index_t k, const A& a,
                       const B& b, const C& c, std::byte* scratch, const Whole& whole) {
  using E = std::remove_cvref_t<decltype(x.expression)>;
  using T = typename A::value_type;
  const AxisCut cut = product_cut<T>(extents, k, product_sources<E, Core, Stage>, x.threads);
  if (cut.parts == 1) return whole();
  const PartRoom room = product_room<T>(cut, extents, k, x.slots.bytes[scratch_slot<E>(Stage)]);
  constexpr int rank = static_cast<int>(R);
  run_parts(x, cut.parts, [&](int p) {
    auto some = extents;
    auto from_a = a;
    auto from_b = b;
    auto to = c;
    const PartRange range = cut.range(extents[static_cast<std::size_t>(cut.axis)], p);
    some[static_cast<std::size_t>(cut.axis)] = range.count;
    if (cut.axis != rank - 1) from_a.step(cut.axis, range.begin);
    if constexpr (product_sources<E, Core, Stage>.columns_can_be_cut) {
      if (cut.axis != rank - 2) from_b.step(cut.axis, range.begin);
    } else if (cut.axis < rank - 2) {
      from_b.step(cut.axis, range.begin);
    }
    to.step(cut.axis, range.begin);
    std::byte* own = room.at(p, scratch, x.extra);
    const auto multiply = [&] {
      kernels::gemm<T>(some[R - 2], some[R - 1], k, from_a, from_b, to, own);
    };
    if constexpr (rank == 2)
      multiply();
    else
      kernels::walk(0, rank - 2, some.data(), multiply, from_a, from_b, to);
  });
}

// ---- reductions and normalisations ----

template <class Reducer>
inline constexpr bool is_fold = false;
template <class Op, class Acc>
inline constexpr bool is_fold<kernels::FoldReducer<Op, Acc>> = true;

// The most pieces that one long fold is cut into, whatever the number of threads.
inline constexpr index_t most_fold_pieces = 64;

// Elements of a piece of a fold of n: 2^j of its blocks, so that the result of a piece is one of the partial
// results that folding them one after the other comes by.
[[nodiscard]] constexpr index_t fold_piece(index_t n, index_t block) noexcept {
  index_t piece = block;
  while (kernels::detail::ceil_div(n, piece) > most_fold_pieces) piece *= 2;
  return piece;
}

// out = fold over all of src, whose last axis is the only one: pieces side by side, their results combined
// as kernels::detail::PairwiseFold combines the results of blocks.
template <class Op, class Acc, int N, class Eval, std::size_t R, class Src, class Out>
void fold_in_pieces(const Eval& x, const std::array<index_t, R>& extents, const Src& src,
                    const Out& out) {
  using Reducer = kernels::FoldReducer<Op, Acc>;
  constexpr int axis = static_cast<int>(R) - 1;
  const index_t n = extents[R - 1], piece = fold_piece(n, Reducer::block);
  const index_t pieces = kernels::detail::ceil_div(n, piece);
  const int parts = static_cast<int>(std::min<index_t>(pieces, x.threads));
  Acc results[most_fold_pieces];
  run_parts(x, parts, [&](int p) {
    const AxisCut cut{0, parts, 1};
    const PartRange mine = cut.range(pieces, p);
    for (index_t i = mine.begin; i < mine.begin + mine.count; ++i) {
      auto some = extents;
      some[R - 1] = std::min(piece, n - i * piece);
      Src from = src;
      from.step(axis, i * piece);
      results[i] = Reducer::template along<N>(from, some.data(), static_cast<int>(R));
    }
  });
  kernels::detail::PairwiseFold<Op, Acc> total;
  for (index_t i = 0; i + 1 < pieces; ++i) total.push(results[i]);
  simd::Pack<Acc, N> value(Acc{});
  value.set_lane(0, total.result_before(results[pieces - 1]));
  out.template put<N, Out::rank - 1, true>(kernels::Position{0, 0, 1}, value);
}

// True, and done, where the fold of everything is one long row.
template <class Reducer, std::size_t R, class Eval, class Src, class Out>
bool fold_all_in_parts(const Eval& x, std::array<index_t, R> extents, Src src, const Out& out) {
  if constexpr (!is_fold<Reducer>) {
    return false;
  } else {
    constexpr unsigned sizes =
        Src::element_sizes | static_cast<unsigned>(sizeof(typename Reducer::value_type));
    constexpr int lanes = kernels::lanes_for<sizes>;
    if (x.threads < 2 || volume(extents) * (4 + Src::weight) < least_element_work) return false;
    if constexpr (R > 1) kernels::detail::merge_reduced<0>(extents, src);
    if (extents[R - 1] != volume(extents) || !src.hints_hold(static_cast<int>(R) - 1) ||
        !out.hints_hold(Out::rank - 1))
      return false;
    [&]<class Op, class Acc>(std::type_identity<kernels::FoldReducer<Op, Acc>>) {
      fold_in_pieces<Op, Acc, lanes>(x, extents, src, out);
    }(std::type_identity<Reducer>{});
    return true;
  }
}

// out(k…) = fold over r… of src(k…, r…), see kernels::reduce.
template <class Reducer, bool Along, int Kept, class Eval, std::size_t R, class Src, class Out>
void reduce_in_parts(const Eval& x, const std::array<index_t, R>& extents, const Src& src,
                     const Out& out) {
  if constexpr (Kept == 0) {
    if constexpr (Along)
      if (fold_all_in_parts<Reducer>(x, extents, src, out)) return;
    kernels::reduce<Reducer, Along, Kept>(extents, src, out);
  } else {
    const AxisCut cut = reduction_cut<Along, Kept>(extents, Src::weight, x.threads);
    const auto axis = static_cast<std::size_t>(cut.axis);
    const auto reduce = [&](int p) {
      const PartRange range = cut.range(extents[axis], p);
      auto some = extents;
      some[axis] = range.count;
      auto from = src;
      auto to = out;
      step_all(cut.axis, range.begin, from, to);
      kernels::reduce<Reducer, Along, Kept>(some, from, to);
    };
    if (cut.parts == 1)
      reduce(0);
    else
      run_parts(x, cut.parts, reduce);
  }
}

// out(k…, i) = softmax or log-softmax of src(k…, i), see kernels::normalize.
template <bool Log, bool Along, class T, class Eval, std::size_t R, class Src, class Out>
void normalize_in_parts(const Eval& x, const std::array<index_t, R>& extents, const Src& src,
                        const Out& out, std::byte* scratch) {
  const AxisCut cut = normalization_cut<Along>(extents, x.threads);
  const auto axis = static_cast<std::size_t>(cut.axis);
  const std::size_t bytes = kernels::normalize_workspace_bytes<T, Along>(extents[R - 1]);
  const PartRoom room = room_of_parts(cut.parts, bytes, bytes, bytes);
  const auto normalize = [&](int p) {
    const PartRange range = cut.range(extents[axis], p);
    auto some = extents;
    if (cut.parts > 1) some[axis] = range.count;
    auto from = src;
    auto to = out;
    step_all(cut.axis, range.begin, from, to);
    kernels::normalize<Log, Along, T>(some, from, to, room.at(p, scratch, x.extra));
  };
  if (cut.parts == 1)
    normalize(0);
  else
    run_parts(x, cut.parts, normalize);
}

// ---- regions ----

// Rows of a region: parts of whole tiles at least, or of whole blocks where those have one row.
[[nodiscard]] constexpr AxisCut rows_cut(index_t rows, index_t block_rows, int threads) noexcept {
  BestCut best(threads);
  best.offer(0, rows, 1, block_rows == 1 ? 1 : kernels::Blocking<float>::mr);
  return best.get();
}

// The slots of a block of a part. Those of the plan serve fewer rows too, but where its one block has all rows
// there is no room for fewer: a product of fewer rows may be blocked otherwise.
template <int Stage, class E, class SlotTable>
[[nodiscard]] constexpr auto slots_of_part(const E& e, const SlotTable& slots, RowBlock block,
                                           int parts) {
  if constexpr (planned_when_compiling<cut_t<Stage, E>>) {
    return static_slots<cut_t<Stage, E>>;
  } else {
    if (parts == 1 || block.count < block.rows) return slots_of_block<E, Stage>(slots);
    block.count = kernels::detail::ceil_div(block.rows, parts);
    return plan_slots_now(cut<Stage>(e, HoistedValues<void>{}, block), true);
  }
}

// The rows of a region, see run_blocks: each part has blocks of its own, and its own slots for them. Where the
// rows are too few for that, the stages of its blocks are cut, each for itself.
template <int Stage, class Eval, class View>
void run_blocks_in_parts(const Eval& x, const View& dst, const RowBlock& first,
                         std::byte* scratch) {
  using E = std::remove_cvref_t<decltype(x.expression)>;
  const AxisCut cut = rows_cut(first.rows, first.count, x.threads);
  if (cut.parts == 1) {
    run_blocks<Stage>(x, slots_of_block<E, Stage>(x.slots), dst, first, first.rows, scratch);
    return;
  }
  const auto slots = slots_of_part<Stage>(x.expression, x.slots, first, cut.parts);
  const std::size_t bytes = slots.workspace_bytes;
  const PartRoom room =
      room_of_parts(cut.parts, bytes, bytes, x.slots.bytes[scratch_slot<E>(Stage)]);
  run_parts(x, cut.parts, [&](int p) {
    const PartRange range = cut.range(first.rows, p);
    RowBlock block = first;
    block.begin = range.begin;
    block.count =
        range.count <= first.count ? range.count : rows_of_block(range.count, first.count);
    run_blocks<Stage>(x.serial(), slots, dst, block, range.begin + range.count,
                      room.at(p, scratch, x.extra));
  });
}

}  // namespace tenon::detail::inline TENON_MODE
