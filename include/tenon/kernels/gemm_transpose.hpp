#pragma once
// A square of packs, transposed in registers.

#include <tenon/simd/pack.hpp>

#include <utility>

namespace tenon::inline TENON_MODE::kernels::detail {

// Lane l of one half of an exchange between rows i and i + Half of a square: the lower row keeps
// its lanes with (l & Half) == 0 and takes the others from the upper row, and the other way round.
// Lanes of the second operand count from Width.
template <int Width, int Half, bool Lower>
constexpr int exchanged_lane(int l) {
  if constexpr (Lower)
    return (l & Half) == 0 ? l : Width + l - Half;
  else
    return (l & Half) == 0 ? l + Half : Width + l;
}

template <int Width, int Half, bool Lower, class V, int... Lane>
TENON_INLINE V exchange(V a, V b, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(a, b, exchanged_lane<Width, Half, Lower>(Lane)...);
}

template <int Half, class V, int Width>
TENON_INLINE void exchange_halves(V (&rows)[Width]) {
  using Lanes = std::make_integer_sequence<int, Width>;
  simd::detail::unroll<Width>([&](int i) TENON_INLINE_LAMBDA {
    if ((i & Half) == 0) {
      const V a = rows[i], b = rows[i + Half];
      rows[i] = exchange<Width, Half, true>(a, b, Lanes{});
      rows[i + Half] = exchange<Width, Half, false>(a, b, Lanes{});
    }
  });
  if constexpr (Half > 1) exchange_halves<Half / 2>(rows);
}

// post: rows[i].lane(j) == (what rows[j].lane(i) was)
template <class T, int N>
TENON_INLINE void transpose(simd::Pack<T, N> (&rows)[N]) {
  using P = simd::Pack<T, N>;
  if constexpr (P::in_registers && P::count_of_registers == 1) {
    typename P::Lanes lanes[N];
    simd::detail::unroll<N>([&](int i) TENON_INLINE_LAMBDA { lanes[i] = rows[i].lanes_of(0); });
    exchange_halves<N / 2>(lanes);
    simd::detail::unroll<N>([&](int i) TENON_INLINE_LAMBDA { rows[i].set_lanes_of(0, lanes[i]); });
  } else {
    T square[N][N];
    for (int i = 0; i < N; ++i) rows[i].store(square[i]);
    for (int i = 0; i < N; ++i) rows[i] = P::gather(&square[0][i], N);
  }
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
