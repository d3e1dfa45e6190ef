#pragma once
// The index of the greatest or the least element.

#include <tenon/kernels/fold.hpp>

#include <cstdint>

namespace tenon::inline TENON_MODE::kernels {

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

}  // namespace tenon::inline TENON_MODE::kernels
