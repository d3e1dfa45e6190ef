#pragma once
// Folds with an associative operation: sum, product, greatest, least.
//
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

// The greatest or the least; identity is what no number beats.
template <bool Greatest>
struct ExtremeOp {
  template <class T>
  static constexpr T identity() noexcept {
    using Limits = std::numeric_limits<T>;
    if constexpr (Limits::has_infinity)
      return Greatest ? -Limits::infinity() : Limits::infinity();
    else
      return Greatest ? Limits::lowest() : Limits::max();
  }
  template <class P>
  TENON_INLINE static P combine(const P& a, const P& b) {
    return Greatest ? simd::maximum(a, b) : simd::minimum(a, b);
  }
  template <class P>
  TENON_INLINE static auto fold(const P& a) {
    return Greatest ? simd::reduce_max(a) : simd::reduce_min(a);
  }
};
using MaxOp = ExtremeOp<true>;
using MinOp = ExtremeOp<false>;

// The mask of the lanes below count. Contract: 0 <= count < N.
template <class T, int N>
[[nodiscard]] TENON_INLINE simd::Mask<T, N> first_lanes(int count) {
  return simd::Mask<T, N>::from_bits((std::uint64_t{1} << count) - 1);
}

// Reads a pack at column `col` of axis Axis, whatever axes follow it.
template <int N, int Axis, bool Partial, class Src>
[[nodiscard]] TENON_INLINE auto read_column(const Src& src, index_t col, int count) {
  if constexpr (requires { src.template read_column<N, Axis, Partial>(col, count); }) {
    return src.template read_column<N, Axis, Partial>(col, count);
  } else {
    Src there = src;
    there.step(Axis, col);
    return there.template read<N, Axis, Partial>(Position{0, 0, count}, EmptyEnvironment{});
  }
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
  // The same where `value` is the result of what arrived after that, fewer than any of the partial results
  // has, or as many.
  [[nodiscard]] TENON_INLINE T result_before(T value) const {
    int depth = 0;
    for (std::uint64_t level = count_; level != 0; level >>= 1U, ++depth)
      if ((level & 1U) != 0) value = pair(levels_[depth], value);
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

}  // namespace tenon::inline TENON_MODE::kernels
