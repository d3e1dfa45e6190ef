#pragma once
// Running a reduction or a normalization: which axes the kernel walks, and how.

#include <tenon/eval/axes.hpp>
#include <tenon/eval/cursors.hpp>

#include <tenon/kernels/normalize.hpp>
#include <tenon/kernels/reduce.hpp>

#include <bit>

namespace tenon::detail::inline TENON_MODE {

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

// For parallel evaluations, see parallel_stages.hpp.
template <class Reducer, bool Along, int Kept, class Eval, std::size_t R, class Src, class Out>
void reduce_in_parts(const Eval& x, const std::array<index_t, R>& extents, const Src& src,
                     const Out& out);
template <bool Log, bool Along, class T, class Eval, std::size_t R, class Src, class Out>
void normalize_in_parts(const Eval& x, const std::array<index_t, R>& extents, const Src& src,
                        const Out& out, std::byte* scratch);

// out(k…) = fold over r… of src(k…, r…), see kernels::reduce.
template <class Reducer, bool Along, int Kept, class Eval, std::size_t R, class Src, class Out>
TENON_INLINE void reduce_elements([[maybe_unused]] const Eval& x,
                                  const std::array<index_t, R>& extents, const Src& src,
                                  const Out& out) {
  if constexpr (Eval::runs_in_parallel)
    reduce_in_parts<Reducer, Along, Kept>(x, extents, src, out);
  else
    kernels::reduce<Reducer, Along, Kept>(extents, src, out);
}

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
    reduce_elements<Reducer, along, Axes::kept>(
        x, permuted(operand.shape().extents(), source), with_axes<source>(cursor),
        with_axes<Axes::result(pack, Op::keep_dims)>(target));
  }
}

// The axes of a normalisation's operand in the order of the kernel: the normalised one at the end, the pack's
// before it where that is another.
template <std::size_t Rank>
consteval auto normalization_axes(const Record& record, const Record& operand, int axis) {
  auto order = order_with_last<Rank>(axis);
  if (!runs_along(record, operand)) {
    std::size_t d = 0;
    for (int c = 0; c < static_cast<int>(Rank); ++c)
      if (c != axis && c != pack_axis(operand)) order[d++] = c;
    order[d] = pack_axis(operand);
  }
  return order;
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
  constexpr auto axes = normalization_axes<rank>(record, operand_record, Op::axis);
  if constexpr (Eval::runs_in_parallel)
    normalize_in_parts<Op::log, along, value_t<N>>(
        x, permuted(operand.shape().extents(), axes),
        with_axes<axes>(cursor_of<Core + 1, Stage, false>(x)), with_axes<axes>(target), scratch);
  else
    kernels::normalize<Op::log, along, value_t<N>>(
        permuted(operand.shape().extents(), axes),
        with_axes<axes>(cursor_of<Core + 1, Stage, false>(x)), with_axes<axes>(target), scratch);
}

}  // namespace tenon::detail::inline TENON_MODE
