#pragma once
// Reductions that swallow their producer: out(kept…) = fold over reduced… of src(kept…, reduced…).
//
// The axes of src are the kept ones, then the reduced ones. Two ways, chosen by the type of src:
//   along  the pack runs along the last reduced axis; lanes are folded at the end of a row
//   across the pack runs along the last kept axis; lane j is output j
// The order of additions depends on the shape alone, never on alignment or thread count:
// along, lanes accumulate over blocks of 4,096 elements, and blocks are added pairwise (as NumPy does
// to keep the error of a long float sum at O(log n) roundings); across, sums of 256 rows are added in
// groups of 256, and those one after the other.

#include <tenon/kernels/elementwise.hpp>

#include <tenon/simd/reduce.hpp>

#include <cstdint>
#include <limits>

namespace tenon::inline TENON_MODE::kernels {

// An associative operation: identity<T>(), combine(pack, pack) and fold(pack) -> T.
struct SumOp {
  template <class T>
  static constexpr T identity() noexcept {
    return T{0};
  }
  template <class P>
  TENON_INLINE static P combine(const P& a, const P& b) {
    return a + b;
  }
  template <class P>
  TENON_INLINE static auto fold(const P& a) {
    return simd::reduce_add(a);
  }
};

struct ProdOp {
  template <class T>
  static constexpr T identity() noexcept {
    return T{1};
  }
  template <class P>
  TENON_INLINE static P combine(const P& a, const P& b) {
    return a * b;
  }
  template <class P>
  TENON_INLINE static auto fold(const P& a) {
    return simd::reduce_mul(a);
  }
};

struct MaxOp {
  template <class T>
  static constexpr T identity() noexcept {
    if constexpr (std::numeric_limits<T>::has_infinity)
      return -std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::lowest();
  }
  template <class P>
  TENON_INLINE static P combine(const P& a, const P& b) {
    return simd::maximum(a, b);
  }
  template <class P>
  TENON_INLINE static auto fold(const P& a) {
    return simd::reduce_max(a);
  }
};

struct MinOp {
  template <class T>
  static constexpr T identity() noexcept {
    if constexpr (std::numeric_limits<T>::has_infinity)
      return std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::max();
  }
  template <class P>
  TENON_INLINE static P combine(const P& a, const P& b) {
    return simd::minimum(a, b);
  }
  template <class P>
  TENON_INLINE static auto fold(const P& a) {
    return simd::reduce_min(a);
  }
};

// The mask of the lanes below count. Contract: 0 <= count < N.
template <class T, int N>
[[nodiscard]] TENON_INLINE simd::Mask<T, N> first_lanes(int count) {
  return simd::Mask<T, N>::from_bits((std::uint64_t{1} << count) - 1);
}

namespace detail {

// Scalars combined pairwise in the order in which they arrive: a binary counter of partial results.
template <class Op, class T>
class PairwiseFold {
 public:
  TENON_INLINE void push(T value) {
    std::uint64_t level = count_++;
    int depth = 0;
    for (; (level & 1U) != 0; level >>= 1U) value = pair(levels_[depth++], value);
    levels_[depth] = value;
  }
  [[nodiscard]] TENON_INLINE T result() const {
    T value = Op::template identity<T>();
    bool first = true;
    int depth = 0;
    for (std::uint64_t level = count_; level != 0; level >>= 1U, ++depth)
      if ((level & 1U) != 0) {
        value = first ? levels_[depth] : pair(levels_[depth], value);
        first = false;
      }
    return value;
  }

 private:
  TENON_INLINE static T pair(T a, T b) {
    using P = simd::Pack<T, simd::native_lanes<T>>;
    return Op::combine(P(a), P(b)).lane(0);
  }

  std::uint64_t count_ = 0;
  T levels_[64];
};

}  // namespace detail

// Reads a pack at column `col` of axis Axis, whatever axes follow it.
template <int N, int Axis, bool Partial, class Src>
[[nodiscard]] TENON_INLINE auto read_column(Src src, index_t col, int count) {
  src.step(Axis, col);
  return src.template read<N, Axis, Partial>(Position{0, 0, count}, EmptyEnvironment{});
}

// A fold with Op in Acc. `along` folds whole rows, `across` keeps one result a lane.
template <class Op, class Acc>
struct FoldReducer {
  using value_type = Acc;
  static constexpr index_t block = 4096;

  // One row of n elements into the running result.
  template <int N, class Src>
  TENON_INLINE static void row(const Src& src, index_t n, detail::PairwiseFold<Op, Acc>& total) {
    using P = simd::Pack<Acc, N>;
    constexpr int axis = Src::rank - 1;
    const auto at = [&](index_t i) TENON_INLINE_LAMBDA {
      return input<N>(src.template read<N, axis, false>(Position{0, i, N}, EmptyEnvironment{}));
    };
    for (index_t begin = 0; begin < n; begin += block) {
      const index_t end = n - begin < block ? n : begin + block;
      const P none(Op::template identity<Acc>());
      P a = none, b = none, c = none, d = none;
      index_t i = begin;
      for (; i + 4 * N <= end; i += 4 * N) {
        a = Op::combine(a, at(i));
        b = Op::combine(b, at(i + N));
        c = Op::combine(c, at(i + 2 * N));
        d = Op::combine(d, at(i + 3 * N));
      }
      for (; i + N <= end; i += N) a = Op::combine(a, at(i));
      if (i < end) {
        const int count = static_cast<int>(end - i);
        const P tail =
            input<N>(src.template read<N, axis, true>(Position{0, i, count}, EmptyEnvironment{}));
        b = Op::combine(b, simd::select(first_lanes<Acc, N>(count), tail, none));
      }
      total.push(Op::fold(Op::combine(Op::combine(a, b), Op::combine(c, d))));
    }
  }

  template <int N, class Src>
  TENON_INLINE static Acc along(Src src, const index_t* extents, int depth) {
    detail::PairwiseFold<Op, Acc> total;
    const index_t n = extents[depth - 1];
    walk(
        Src::rank - depth, depth - 1, extents, [&]() TENON_INLINE_LAMBDA { row<N>(src, n, total); },
        src);
    return total.result();
  }

  // Column packs: the fold over the reduced axes (after `kept` axes) of U packs from column `col`.
  template <int N, int Axis, bool Partial, int U, class Src>
  TENON_INLINE static void across(Src src, const index_t* extents, int depth, index_t col,
                                  int count, simd::Pack<Acc, N>* out) {
    using P = simd::Pack<Acc, N>;
    constexpr int rows_per_block = 256, blocks_per_total = 256;
    const P none(Op::template identity<Acc>());
    P grand[U], total[U], part[U];
    for (int u = 0; u < U; ++u) grand[u] = total[u] = part[u] = none;
    int rows = 0, blocks = 0;
    walk(
        Axis + 1, depth, extents,
        [&]() TENON_INLINE_LAMBDA {
          for (int u = 0; u < U; ++u)
            part[u] = Op::combine(part[u],
                                  input<N>(read_column<N, Axis, Partial>(src, col + u * N, count)));
          if (++rows == rows_per_block) {
            for (int u = 0; u < U; ++u) {
              total[u] = Op::combine(total[u], part[u]);
              part[u] = none;
            }
            rows = 0;
            if (++blocks == blocks_per_total) {
              for (int u = 0; u < U; ++u) {
                grand[u] = Op::combine(grand[u], total[u]);
                total[u] = none;
              }
              blocks = 0;
            }
          }
        },
        src);
    for (int u = 0; u < U; ++u) out[u] = Op::combine(grand[u], Op::combine(total[u], part[u]));
  }

 private:
  template <int N, class Value>
  TENON_INLINE static simd::Pack<Acc, N> input(const Value& value) {
    return simd::convert<Acc>(detail::plain(value));
  }
};

// The index of the first greatest (or least) element; NaN counts as the most extreme, as in NumPy.
template <bool Greatest, class T>
struct ArgReducer {
  using value_type = std::int64_t;

  template <int N>
  struct Best {
    simd::Pack<T, N> value{Greatest ? MaxOp::identity<T>() : MinOp::identity<T>()};
    simd::Pack<std::int64_t, N> index{std::int64_t{0}};
    simd::Mask<T, N> none{true};  // lanes that have seen no element

    TENON_INLINE void offer(const simd::Pack<T, N>& v, const simd::Pack<std::int64_t, N>& i,
                            const simd::Mask<T, N>& valid) {
      const auto beats = Greatest ? v > value : v < value;
      const auto first_nan = (v != v) & (value == value);
      const auto take = valid & (none | beats | first_nan);
      value = simd::select(take, v, value);
      index = simd::select(take, i, index);
      none = none & !valid;
    }
  };

  template <int N, class Src>
  TENON_INLINE static std::int64_t along(Src src, const index_t* extents, int depth) {
    constexpr int axis = Src::rank - 1;
    const index_t n = extents[depth - 1];
    Best<N> best;
    std::int64_t base = 0;
    walk(
        Src::rank - depth, depth - 1, extents,
        [&]() TENON_INLINE_LAMBDA {
          auto index = simd::Pack<std::int64_t, N>::iota(base);
          index_t i = 0;
          for (; i + N <= n; i += N) {
            best.offer(
                input<N>(src.template read<N, axis, false>(Position{0, i, N}, EmptyEnvironment{})),
                index, simd::Mask<T, N>(true));
            index = index + simd::Pack<std::int64_t, N>(std::int64_t{N});
          }
          if (i < n) {
            const int count = static_cast<int>(n - i);
            best.offer(input<N>(src.template read<N, axis, true>(Position{0, i, count},
                                                                 EmptyEnvironment{})),
                       index, first_lanes<T, N>(count));
          }
          base += n;
        },
        src);
    return winner<N>(best);
  }

  template <int N, int Axis, bool Partial, int U, class Src>
  TENON_INLINE static void across(Src src, const index_t* extents, int depth, index_t col,
                                  int count, simd::Pack<std::int64_t, N>* out) {
    Best<N> best[U];
    std::int64_t i = 0;
    walk(
        Axis + 1, depth, extents,
        [&]() TENON_INLINE_LAMBDA {
          for (int u = 0; u < U; ++u)
            best[u].offer(input<N>(read_column<N, Axis, Partial>(src, col + u * N, count)),
                          simd::Pack<std::int64_t, N>(i), simd::Mask<T, N>(true));
          ++i;
        },
        src);
    for (int u = 0; u < U; ++u) out[u] = best[u].index;
  }

 private:
  template <int N, class Value>
  TENON_INLINE static simd::Pack<T, N> input(const Value& value) {
    return simd::convert<T>(detail::plain(value));
  }

  // The lane that wins: the most extreme value, among equals the smallest index.
  template <int N>
  TENON_INLINE static std::int64_t winner(const Best<N>& best) {
    bool found = false;
    T value{};
    std::int64_t index = 0;
    for (int lane = 0; lane < N; ++lane) {
      if (best.none.lane(lane)) continue;
      const T v = best.value.lane(lane);
      const std::int64_t i = best.index.lane(lane);
      const bool nan = v != v, best_nan = value != value;
      const bool beats = nan != best_nan ? nan : !nan && (Greatest ? v > value : v < value);
      const bool ties = nan == best_nan && (nan || v == value);
      if (!found || beats || (ties && i < index)) {
        found = true;
        value = v;
        index = i;
      }
    }
    return index;
  }
};

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

}  // namespace detail

namespace detail {

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

}  // namespace detail

// Formula: out(k…) = fold over r… of src(k…, r…), Kept axes k, then the reduced axes r; the fold of
// nothing is the operation's identity.
// Along decides the way (see above). Workspace: none; no allocation.
// Contract: out has rank max(Kept, 1) and overlaps nothing that src reads.
template <class Reducer, bool Along, int Kept, std::size_t R, class Src, class Out>
void reduce(std::array<index_t, R> extents, Src src, Out out) {
  // Lanes follow from what is folded alone: an epilogue never changes the bits of the fold.
  constexpr unsigned sizes =
      Src::element_sizes | static_cast<unsigned>(sizeof(typename Reducer::value_type));
  constexpr int lanes = lanes_for<sizes>;
  constexpr int depth = static_cast<int>(R) - Kept;
  if constexpr (Along && depth > 1) detail::merge_reduced<Kept>(extents, src);
  for (int k = 0; k < Kept; ++k)
    if (extents[static_cast<std::size_t>(k)] == 0) return;
  const index_t* reduced = extents.data() + Kept;
  const index_t columns =
      Kept == 0 ? 1 : extents[static_cast<std::size_t>(Kept == 0 ? 0 : Kept - 1)];
  const auto run = [&](auto source, auto target) {
    walk(
        0, Kept - 1, extents.data(),
        [&]() TENON_INLINE_LAMBDA {
          if constexpr (Along)
            detail::reduce_along<Reducer, lanes, Kept>(source, target, columns, reduced, depth);
          else
            detail::reduce_across<Reducer, lanes, Kept>(source, target, columns, reduced, depth);
        },
        source, target);
  };
  if (src.hints_hold(Along ? Src::rank - 1 : Kept - 1) && out.hints_hold(Out::rank - 1))
    run(src, out);
  else
    run(src.without_hints(), out.without_hints());
}

}  // namespace tenon::inline TENON_MODE::kernels
