#pragma once
// Reductions that swallow their producer: out(kept…) = fold over reduced… of src(kept…, reduced…).
//
// The axes of src are the kept ones, then the reduced ones. Two ways, chosen by the type of src:
//   along  the pack runs along the last reduced axis; lanes are folded at the end of a row
//   across the pack runs along the last kept axis; lane j is output j
// A reducer (FoldReducer, ArgReducer) has value_type, along<N>() and across<N, Axis, Partial, U>().

#include <tenon/kernels/arg_reduce.hpp>
#include <tenon/kernels/fold.hpp>

namespace tenon::inline TENON_MODE::kernels {

namespace detail {

// Outputs of one row of the last kept axis, a pack of them at a time.
template <class Reducer, int N, int Kept, class Src, class Out>
TENON_INLINE void reduce_along(const Src& src, const Out& out, index_t columns,
                               const index_t* reduced, int depth) {
  using T = typename Reducer::value_type;
  for (index_t col = 0; col < columns; col += N) {
    const int count = static_cast<int>(columns - col < N ? columns - col : N);
    simd::Pack<T, N> values(T{});
    for (int j = 0; j < count; ++j) {
      Src row = src;
      if constexpr (Kept > 0) row.step(Kept - 1, col + j);
      values.set_lane(j, Reducer::template along<N>(row, reduced, depth));
    }
    const Position at{0, col, count};
    if (count == N)
      out.template put<N, Out::rank - 1, false>(at, values);
    else
      out.template put<N, Out::rank - 1, true>(at, values);
  }
}

template <class Reducer, int N, int Kept, class Src, class Out>
TENON_INLINE void reduce_across(const Src& src, const Out& out, index_t columns,
                                const index_t* reduced, int depth) {
  using P = simd::Pack<typename Reducer::value_type, N>;
  constexpr int axis = Kept - 1;
  index_t col = 0;
  for (; col + 4 * N <= columns; col += 4 * N) {
    P values[4];
    Reducer::template across<N, axis, false, 4>(src, reduced, depth, col, N, values);
    for (int u = 0; u < 4; ++u)
      out.template put<N, axis, false>(Position{0, col + u * N, N}, values[u]);
  }
  for (; col + N <= columns; col += N) {
    P value;
    Reducer::template across<N, axis, false, 1>(src, reduced, depth, col, N, &value);
    out.template put<N, axis, false>(Position{0, col, N}, value);
  }
  if (col < columns) {
    const int count = static_cast<int>(columns - col);
    P value;
    Reducer::template across<N, axis, true, 1>(src, reduced, depth, col, count, &value);
    out.template put<N, axis, true>(Position{0, col, count}, value);
  }
}

// Merges the loops over the reduced axes where src can walk them in one stride; merged loops come
// last, and loops of extent 1 fill the axes that fell away.
template <int Kept, std::size_t R, class Src>
void merge_reduced(std::array<index_t, R>& extents, Src& src) {
  auto reduced = extents;
  for (int k = 0; k < Kept; ++k) reduced[static_cast<std::size_t>(k)] = 1;
  const auto loops = merge_loops(reduced, [&](int outer, int inner, index_t extent) {
    return src.mergeable(outer, inner, extent);
  });
  Nest<static_cast<int>(R)> nest;
  nest.depth = static_cast<int>(R);
  for (int i = 0; i < nest.depth; ++i) {
    const int loop = i - (nest.depth - loops.depth);
    const auto to = static_cast<std::size_t>(i);
    nest.source[to] = i < Kept   ? i
                      : loop < 0 ? nest.depth - 1
                                 : loops.source[static_cast<std::size_t>(loop)];
    nest.extents[to] = i < Kept   ? extents[to]
                       : loop < 0 ? 1
                                  : loops.extents[static_cast<std::size_t>(loop)];
  }
  src.compact(nest);
  for (std::size_t i = 0; i < R; ++i) extents[i] = nest.extents[i];
}

// The loops around the last kept axis: rows(src, out, columns, reduced extents, depth) makes the outputs
// of one row of it, by reads that look at the strides where a guess of the memory order fails.
template <bool Along, int Kept, std::size_t R, class Src, class Out, class Rows>
TENON_INLINE void reduce_rows(std::array<index_t, R> extents, Src src, const Out& out,
                              const Rows& rows) {
  constexpr int depth = static_cast<int>(R) - Kept;
  if constexpr (Along && depth > 1) merge_reduced<Kept>(extents, src);
  for (int k = 0; k < Kept; ++k)
    if (extents[static_cast<std::size_t>(k)] == 0) return;
  const index_t* reduced = extents.data() + Kept;
  const index_t columns =
      Kept == 0 ? 1 : extents[static_cast<std::size_t>(Kept == 0 ? 0 : Kept - 1)];
  const auto run = [&](auto source, auto target) {
    walk(
        0, Kept - 1, extents.data(),
        [&]() TENON_INLINE_LAMBDA { rows(source, target, columns, reduced, depth); }, source,
        target);
  };
  if (src.hints_hold(Along ? Src::rank - 1 : Kept - 1) && out.hints_hold(Out::rank - 1))
    run(src, out);
  else
    run(src.without_hints(), out.without_hints());
}

}  // namespace detail

// Formula: out(k…) = fold over r… of src(k…, r…), Kept axes k, then the reduced axes r; the fold of
// nothing is the operation's identity.
// Along decides the way (see above). Workspace: none; no allocation.
// Contract: out has rank max(Kept, 1) and overlaps nothing that src reads.
template <class Reducer, bool Along, int Kept, std::size_t R, class Src, class Out>
void reduce(const std::array<index_t, R>& extents, const Src& src, const Out& out) {
  // Lanes follow from what is folded alone: an epilogue never changes the bits of the fold.
  constexpr unsigned sizes =
      Src::element_sizes | static_cast<unsigned>(sizeof(typename Reducer::value_type));
  constexpr int lanes = lanes_for<sizes>;
  detail::reduce_rows<Along, Kept>(
      extents, src, out,
      [](const auto& source, const auto& target, index_t columns, const index_t* reduced, int depth)
          TENON_INLINE_LAMBDA {
            if constexpr (Along)
              detail::reduce_along<Reducer, lanes, Kept>(source, target, columns, reduced, depth);
            else
              detail::reduce_across<Reducer, lanes, Kept>(source, target, columns, reduced, depth);
          });
}

}  // namespace tenon::inline TENON_MODE::kernels
