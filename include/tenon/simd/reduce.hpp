#pragma once
// From a pack to one number, always along the same tree: halves are combined lane by lane
// (lane i with lane i + N/2), then halves of the half, until one lane is left. The bits of the
// result depend on N and the lanes only, not on the instruction set.

#include <tenon/simd/operations.hpp>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd {

namespace detail {

// Half of v: lanes First, First + 1, …
template <int First, class T, int N, int... I>
TENON_INLINE vec<T, N / 2> half(const vec<T, N>& v, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(v, v, (First + I)...);
}

// f combines two packs or two short compiler vectors of T.
template <class T, int N, class F>
TENON_INLINE void fold_lanes(const vec<T, N>& v, F f, T& result) {
  if constexpr (N == 2) {
    result = f(v[0], v[1]);
  } else {
    using Indices = std::make_integer_sequence<int, N / 2>;
    const vec<T, N / 2> combined = f(half<0, T, N>(v, Indices{}), half<N / 2, T, N>(v, Indices{}));
    fold_lanes<T, N / 2>(combined, f, result);
  }
}

// combine(lanes, lanes) works on compiler vectors and on scalars.
template <class T, int N, class F>
TENON_INLINE T fold(Pack<T, N> a, F combine) {
  static_assert(is_power_of_two(N), "a reduction halves the pack: N must be a power of two");
  using P = Pack<T, N>;
  if constexpr (P::in_registers) {
    typename P::Lanes lanes[P::count_of_registers];
    unroll<P::count_of_registers>([&](int i) TENON_INLINE_LAMBDA { lanes[i] = a.lanes_of(i); });
    for (int half = P::count_of_registers / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) lanes[i] = combine(lanes[i], lanes[i + half]);
    }
    T result;
    fold_lanes<T, P::width>(lanes[0], combine, result);
    return result;
  } else {
    T lanes[N];
    a.store(lanes);
    for (int half = N / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) lanes[i] = static_cast<T>(combine(lanes[i], lanes[i + half]));
    }
    return lanes[0];
  }
}

}  // namespace detail

// Integers wrap.
template <class T, int N>
  requires(!std::is_same_v<T, bool>)
TENON_INLINE T reduce_add(Pack<T, N> a) {
  if constexpr (Integer<T> && std::is_signed_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(reduce_add(bit_cast<U>(a)));
  } else {
    return detail::fold(a, [](auto x, auto y) TENON_INLINE_LAMBDA { return x + y; });
  }
}

template <class T, int N>
  requires(!std::is_same_v<T, bool>)
TENON_INLINE T reduce_mul(Pack<T, N> a) {
  if constexpr (Integer<T> && std::is_signed_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(reduce_mul(bit_cast<U>(a)));
  } else if constexpr (sizeof(T) < 4) {  // a product of two 16-bit lanes overflows int
    return detail::fold(a, [](T x, T y) TENON_INLINE_LAMBDA {
      return static_cast<T>(static_cast<std::uint32_t>(x) * y);
    });
  } else {
    return detail::fold(a, [](auto x, auto y) TENON_INLINE_LAMBDA {
      if constexpr (Floating<T>) {
        return detail::rounded(x * y);
      } else {
        return x * y;
      }
    });
  }
}

// NaN where any lane is NaN.
template <class T, int N>
TENON_INLINE T reduce_max(Pack<T, N> a) {
  return detail::fold(a, [](auto x, auto y) TENON_INLINE_LAMBDA {
    if constexpr (Floating<T>) {
      return ((x > y) | (x != x)) ? x : y;
    } else {
      return x > y ? x : y;
    }
  });
}

template <class T, int N>
TENON_INLINE T reduce_min(Pack<T, N> a) {
  return detail::fold(a, [](auto x, auto y) TENON_INLINE_LAMBDA {
    if constexpr (Floating<T>) {
      return ((x < y) | (x != x)) ? x : y;
    } else {
      return x < y ? x : y;
    }
  });
}

}  // namespace tenon::inline TENON_MODE::simd
