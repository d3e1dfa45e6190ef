#pragma once
// Running a stage: from its nodes to one call of a kernel.

#include <tenon/eval/cursors.hpp>

#include <tenon/kernels/elementwise.hpp>
#include <tenon/kernels/gemm.hpp>
#include <tenon/kernels/normalize.hpp>
#include <tenon/kernels/reduce.hpp>

#include <bit>

namespace tenon::detail::inline TENON_MODE {

// The same value for every axis.
template <std::size_t R>
[[nodiscard]] constexpr std::array<index_t, R> filled(index_t value) noexcept {
  std::array<index_t, R> all{};
  for (auto& one : all) one = value;
  return all;
}

template <auto Source, class Cursor>
[[nodiscard]] constexpr auto with_axes(const Cursor& cursor) {
  constexpr auto rank = static_cast<std::size_t>(Cursor::rank);
  return cursor.template remap<Source, ~0U>(filled<rank>(0), filled<rank>(1));
}

template <std::size_t R>
[[nodiscard]] constexpr auto permuted(const std::array<index_t, R>& extents,
                                      const std::array<int, R>& order) {
  std::array<index_t, R> result{};
  for (std::size_t i = 0; i < R; ++i) result[i] = extents[static_cast<std::size_t>(order[i])];
  return result;
}

// 0, 1, …, R - 1 with `axis` moved to the end.
template <std::size_t R>
consteval std::array<int, R> order_with_last(int axis) {
  std::array<int, R> order{};
  std::size_t d = 0;
  for (int c = 0; c < static_cast<int>(R); ++c)
    if (c != axis) order[d++] = c;
  if (axis >= 0) order[R - 1] = axis;
  return order;
}

// A cursor as the matrix that gemm reads: its last two axes.
template <class T, class Cursor>
class GemmSource {
 public:
  using value_type = T;
  constexpr explicit GemmSource(const Cursor& cursor) : cursor_(cursor) {}

  template <int Axis, int N>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> load(index_t i, index_t j) const {
    return kernels::detail::plain(cursor_.template read<N, Cursor::rank - 2 + Axis, false>(
        kernels::Position{i, j, N}, kernels::EmptyEnvironment{}));
  }
  template <int Axis, int N>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> load_partial(index_t i, index_t j, int count) const {
    return kernels::detail::plain(cursor_.template read<N, Cursor::rank - 2 + Axis, true>(
        kernels::Position{i, j, count}, kernels::EmptyEnvironment{}));
  }
  [[nodiscard]] constexpr int contiguous_axis() const {
    return cursor_.memory_axis() == Cursor::rank - 2 ? 0 : 1;
  }
  TENON_INLINE constexpr void step(int axis, index_t count) { cursor_.step(axis, count); }

  // Plain memory, which gemm may read in place.
  [[nodiscard]] constexpr const T* data() const noexcept
    requires kernels::detail::is_memory<Cursor>
  {
    return cursor_.pointer();
  }
  [[nodiscard]] constexpr index_t stride(int axis) const noexcept
    requires kernels::detail::is_memory<Cursor>
  {
    return cursor_.strides()[static_cast<std::size_t>(Cursor::rank - 2 + axis)];
  }

 private:
  Cursor cursor_;
};

// A target as the place where gemm puts its product.
template <class Target>
class GemmSink {
 public:
  constexpr explicit GemmSink(const Target& target) : target_(target) {}

  template <int N, class P>
  TENON_INLINE void store(index_t i, index_t j, const P& value) const {
    target_.template put<N, Target::rank - 1, false>(kernels::Position{i, j, N}, value);
  }
  template <int N, class P>
  TENON_INLINE void store_partial(index_t i, index_t j, const P& value, int count) const {
    target_.template put<N, Target::rank - 1, true>(kernels::Position{i, j, count}, value);
  }
  TENON_INLINE constexpr void step(int axis, index_t count) { target_.step(axis, count); }

  // Plain memory, which gemm may store whole tiles to.
  [[nodiscard]] constexpr auto data() const noexcept
    requires Target::stores_only
  {
    return target_.memory().pointer();
  }
  [[nodiscard]] constexpr index_t stride(int axis) const noexcept
    requires Target::stores_only
  {
    return target_.memory().strides()[static_cast<std::size_t>(Target::rank - 2 + axis)];
  }

 private:
  Target target_;
};

// Where a guess of the memory order may fail at run time, reads that look at the strides.
template <class Cursor>
[[nodiscard]] constexpr auto settled(const Cursor& cursor) {
  if constexpr (Cursor::sure)
    return cursor;
  else
    return cursor.without_hints();
}

// The batch axes of a product followed by a row and a column axis, where vectors lack one.
template <int Rank, bool NoRow, bool NoColumn>
consteval auto matrix_axes() {
  std::array<int, static_cast<std::size_t>(Rank + (NoRow ? 1 : 0) + (NoColumn ? 1 : 0))> axes{};
  std::size_t d = 0;
  int c = 0;
  const std::size_t batch = axes.size() - 2;
  while (d < batch) axes[d++] = c++;
  axes[d++] = NoRow ? -1 : c++;
  axes[d] = NoColumn ? -1 : c;
  return axes;
}

// The extents of a cursor's node after matrix_axes.
template <bool NoRow, bool NoColumn, std::size_t R>
[[nodiscard]] constexpr auto matrix_extents(const std::array<index_t, R>& extents) {
  constexpr auto axes = matrix_axes<static_cast<int>(R), NoRow, NoColumn>();
  std::array<index_t, axes.size()> result{};
  for (std::size_t d = 0; d < axes.size(); ++d)
    result[d] = axes[d] < 0 ? 1 : extents[static_cast<std::size_t>(axes[d] < 0 ? 0 : axes[d])];
  return result;
}

template <int Core, int Stage, class Eval, class Target>
void run_contraction(const Eval& x, const Target& target, std::byte* scratch) {
  const auto& node = node_at<Core>(x.expression);
  using N = std::remove_cvref_t<decltype(node)>;
  using E = std::remove_cvref_t<decltype(x.expression)>;
  using Op = typename N::op_type;
  using T = value_t<N>;
  constexpr int left = operand_index<E>(Core, 0), right = operand_index<E>(Core, 1);
  const auto& a_node = node_at<left>(x.expression);
  const auto& b_node = node_at<right>(x.expression);
  constexpr int a_rank = shape_t<decltype(a_node)>::rank();
  constexpr int b_rank = shape_t<decltype(b_node)>::rank();
  const auto ea = matrix_extents<Op::left_vector, false>(a_node.shape().extents());
  const auto eb = matrix_extents<false, Op::right_vector>(b_node.shape().extents());
  const auto ec = matrix_extents<Op::left_vector, Op::right_vector>(node.shape().extents());
  constexpr int rank = static_cast<int>(ec.size());
  // Batch axes of extent 1 stand still; rows, columns and depth never stretch.
  const auto matrix = [&]<auto Axes>(const auto& cursor, const auto& extents) {
    auto open = extents;
    open[open.size() - 1] = open[open.size() - 2] = 2;
    return settled(with_axes<Axes>(cursor).template broadcast<rank, 0U, 0U>(open));
  };
  auto a =
      GemmSource<T,
                 decltype(matrix.template operator()<matrix_axes<a_rank, Op::left_vector, false>()>(
                     cursor_of<left, Stage, false>(x), ea))>(
          matrix.template operator()<matrix_axes<a_rank, Op::left_vector, false>()>(
              cursor_of<left, Stage, false>(x), ea));
  auto b = GemmSource<
      T, decltype(matrix.template operator()<matrix_axes<b_rank, false, Op::right_vector>()>(
             cursor_of<right, Stage, false>(x), eb))>(
      matrix.template operator()<matrix_axes<b_rank, false, Op::right_vector>()>(
          cursor_of<right, Stage, false>(x), eb));
  const auto out = settled(
      with_axes<matrix_axes<shape_t<N>::rank(), Op::left_vector, Op::right_vector>()>(target));
  auto c = GemmSink<std::remove_cv_t<decltype(out)>>(out);
  const index_t m = ec[rank - 2], n = ec[rank - 1], k = ea[ea.size() - 1];
  kernels::walk(
      0, rank - 2, ec.data(), [&] { kernels::gemm<T>(m, n, k, a, b, c, scratch); }, a, b, c);
}

template <class F>
inline constexpr bool is_index_fold =
    std::same_as<F, fold::ArgMax> || std::same_as<F, fold::ArgMin>;

template <class F, class T>
consteval auto reducer_for() {
  if constexpr (std::same_as<F, fold::ArgMax>)
    return std::type_identity<kernels::ArgReducer<true, T>>{};
  else if constexpr (std::same_as<F, fold::ArgMin>)
    return std::type_identity<kernels::ArgReducer<false, T>>{};
  else if constexpr (std::same_as<F, fold::Sum>)
    return std::type_identity<kernels::FoldReducer<kernels::SumOp, sum_t<T>>>{};
  else if constexpr (std::same_as<F, fold::Prod>)
    return std::type_identity<kernels::FoldReducer<kernels::ProdOp, sum_t<T>>>{};
  else if constexpr (std::same_as<F, fold::Max>)
    return std::type_identity<kernels::FoldReducer<kernels::MaxOp, T>>{};
  else
    return std::type_identity<kernels::FoldReducer<kernels::MinOp, T>>{};
}

// The axes of a reduction's operand in the order of the kernel (kept, then reduced, the pack's axis
// at the end of its group), and the axes of the result that the kept ones are.
template <int Rank, unsigned Reduced>
struct ReductionAxes {
  static constexpr auto rank = static_cast<std::size_t>(Rank);
  static constexpr int kept = [] {
    int n = 0;
    for (int c = 0; c < Rank; ++c) n += ((Reduced >> c) & 1U) == 0 ? 1 : 0;
    return n;
  }();
  static constexpr std::array<int, rank> source(int pack) {
    std::array<int, rank> axes{};
    std::size_t d = 0;
    for (unsigned group = 0; group < 2; ++group) {
      for (int c = 0; c < Rank; ++c)
        if (((Reduced >> c) & 1U) == group && c != pack) axes[d++] = c;
      if (pack >= 0 && ((Reduced >> pack) & 1U) == group) axes[d++] = pack;
    }
    return axes;
  }
  static constexpr auto result(int pack, bool keep_dims) {
    std::array<int, static_cast<std::size_t>(kept == 0 ? 1 : kept)> axes{};
    axes[0] = -1;
    const auto order = source(pack);
    for (std::size_t d = 0; d < static_cast<std::size_t>(kept); ++d) {
      int place = 0;
      for (int c = 0; c < order[d]; ++c) place += keep_dims || ((Reduced >> c) & 1U) == 0 ? 1 : 0;
      axes[d] = place;
    }
    return axes;
  }
};

template <int Core, int Stage, class Eval, class Target>
void run_reduction(const Eval& x, const Target& target) {
  const auto& operand = node_at<Core + 1>(x.expression);
  using N = std::remove_cvref_t<decltype(node_at<Core>(x.expression))>;
  using X = std::remove_cvref_t<decltype(operand)>;
  using Op = typename N::op_type;
  using Reducer = typename decltype(reducer_for<typename Op::fold_type, value_t<X>>())::type;
  constexpr int rank = shape_t<X>::rank();
  const auto cursor = cursor_of<Core + 1, Stage, false>(x);
  if constexpr (rank == 0) {
    kernels::reduce<Reducer, true, 0>(
        std::array<index_t, 1>{1}, cursor.template broadcast<1, 0U, 0U>(std::array<index_t, 0>{}),
        with_axes<std::array<int, 1>{-1}>(target));
  } else {
    constexpr auto& record = Eval::records[static_cast<std::size_t>(Core)];
    constexpr auto& operand_record = Eval::records[static_cast<std::size_t>(Core + 1)];
    constexpr bool along = runs_along(record, operand_record);
    using Axes = ReductionAxes<rank, Op::axes>;
    // An index counts in row-major order, so the reduced axes keep theirs.
    constexpr int pack = along && is_index_fold<typename Op::fold_type>
                             ? std::bit_width(Op::axes) - 1
                             : pack_axis(operand_record);
    constexpr auto source = Axes::source(pack);
    kernels::reduce<Reducer, along, Axes::kept>(
        permuted(operand.shape().extents(), source), with_axes<source>(cursor),
        with_axes<Axes::result(pack, Op::keep_dims)>(target));
  }
}

template <int Core, int Stage, class Eval, class Target>
void run_normalization(const Eval& x, const Target& target, std::byte* scratch) {
  const auto& operand = node_at<Core + 1>(x.expression);
  using N = std::remove_cvref_t<decltype(node_at<Core>(x.expression))>;
  using Op = typename N::op_type;
  constexpr auto rank = static_cast<std::size_t>(shape_t<N>::rank());
  constexpr auto& record = Eval::records[static_cast<std::size_t>(Core)];
  constexpr auto& operand_record = Eval::records[static_cast<std::size_t>(Core + 1)];
  constexpr bool along = runs_along(record, operand_record);
  constexpr auto axes = [] {
    auto order = order_with_last<rank>(Op::axis);
    if (!runs_along(record, operand_record)) {  // …, the pack's axis, the normalised axis
      std::size_t d = 0;
      for (int c = 0; c < static_cast<int>(rank); ++c)
        if (c != Op::axis && c != pack_axis(operand_record)) order[d++] = c;
      order[d] = pack_axis(operand_record);
    }
    return order;
  }();
  kernels::normalize<Op::log, along, value_t<N>>(
      permuted(operand.shape().extents(), axes),
      with_axes<axes>(cursor_of<Core + 1, Stage, false>(x)), with_axes<axes>(target), scratch);
}

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
      if (!is_static_extent(r.extent(d))) return false;
    if (i != Stage && structure.is_stage(i))
      i += r.subtree - 1;  // a slot; what is below it is not read here
    else if (!(r.kind == Kind::map || r.kind == Kind::let || lies_flat<E>(i)))
      return false;
  }
  return root.rank > 0;
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
    kernels::assign(std::array<index_t, 1>{product(extents)}, cursor.flattened(), dst.flattened());
  else if constexpr (Dst::unit_axis >= 0 && Dst::unit_axis != Dst::rank - 1) {
    constexpr auto order = order_with_last<rank>(Dst::unit_axis);
    kernels::assign(permuted(extents, order), with_axes<order>(cursor), with_axes<order>(dst));
  } else {
    kernels::assign(extents, cursor, dst);
  }
}

template <int Core, int Stage, class Eval, class Target>
void run_core(const Eval& x, const Target& target) {
  using N = std::remove_cvref_t<decltype(node_at<Core>(x.expression))>;
  std::byte* scratch = x.workspace == nullptr
                           ? nullptr
                           : x.workspace + x.slots.scratch[static_cast<std::size_t>(Stage)].offset;
  if constexpr (N::kind == Kind::contract)
    run_contraction<Core, Stage>(x, target, scratch);
  else if constexpr (N::kind == Kind::reduce)
    run_reduction<Core, Stage>(x, target);
  else
    run_normalization<Core, Stage>(x, target, scratch);
}

template <class Tag, class Cursor, class Dst>
[[nodiscard]] constexpr auto make_target(const Cursor& cursor, const Dst& dst) {
  return kernels::Target<Tag, Cursor, Dst>(cursor, dst);
}

// The slot of a node as the view that its value is stored to.
template <int I, class Eval>
[[nodiscard]] constexpr auto slot_view(const Eval& x, const Slot& slot) {
  const auto& node = node_at<I>(x.expression);
  using N = std::remove_cvref_t<decltype(node)>;
  return TensorView<value_t<N>, shape_t<N>>(
      reinterpret_cast<value_t<N>*>(x.workspace + slot.offset), node.shape());
}

// Computes the value of node Stage into the view dst.
template <int Stage, class Eval, class View>
TENON_INLINE void run_stage_into(const Eval& x, const View& dst) {
  constexpr int core = Eval::structure.core[static_cast<std::size_t>(Stage)];
  if constexpr (core < 0) {
    run_elementwise<Stage, false>(x, dst);
  } else {
    using Root = shape_t<decltype(node_at<Stage>(x.expression))>;
    using Core = shape_t<decltype(node_at<core>(x.expression))>;
    if constexpr (!(std::same_as<Root, Core> && Root::is_static) && core != Stage) {
      const auto& inner = node_at<core>(x.expression);
      if (!(inner.shape() == node_at<Stage>(x.expression).shape())) {  // stretched at run time
        const kernels::BoundCursor<NodeTag<core>, value_t<decltype(inner)>, Core::rank()> value;
        const auto held = slot_view<core>(x, x.slots.core[static_cast<std::size_t>(Stage)]);
        run_core<core, Stage>(x, make_target<NodeTag<core>>(value, view_cursor(held)));
        run_elementwise<Stage, true>(x, dst);
        return;
      }
    }
    run_core<core, Stage>(
        x, make_target<NodeTag<core>>(cursor_of<Stage, Stage, false>(x), view_cursor(dst)));
  }
}

// Runs the stages in the order of the plan; the last writes dst.
template <class Eval, class View>
TENON_INLINE void run_stages(const Eval& x, const View& dst) {
  constexpr auto& structure = Eval::structure;
  [&]<std::size_t... P>(std::index_sequence<P...>) {
    const auto run = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
      constexpr int stage = structure.order[At];
      if constexpr (stage == 0)
        run_stage_into<0>(x, dst);
      else
        run_stage_into<stage>(x,
                              slot_view<stage>(x, x.slots.value[static_cast<std::size_t>(stage)]));
    };
    (run(std::integral_constant<std::size_t, P>{}), ...);
  }(std::make_index_sequence<static_cast<std::size_t>(structure.stages)>{});
}

}  // namespace tenon::detail::inline TENON_MODE
