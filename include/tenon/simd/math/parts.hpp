#pragma once
// What the math functions share: polynomials, powers of two, exact products.

#include <tenon/simd/operations.hpp>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd::detail {

// f on whole registers: a shorter pack is padded, so that the bits of a lane do not depend on N.
template <class F, Floating T, int N>
TENON_INLINE Pack<T, N> on_registers(F f, Pack<T, N> a) {
  if constexpr (Pack<T, N>::in_registers) {
    return f(a);
  } else {
    constexpr int whole = (N + width<T> - 1) / width<T> * width<T>;
    T lanes[whole] = {};
    a.store(lanes);
    f(Pack<T, whole>::load(lanes)).store(lanes);
    return Pack<T, N>::load(lanes);
  }
}
template <class F, Floating T, int N>
TENON_INLINE Pack<T, N> on_registers(F f, Pack<T, N> a, Pack<T, N> b) {
  if constexpr (Pack<T, N>::in_registers) {
    return f(a, b);
  } else {
    constexpr int whole = (N + width<T> - 1) / width<T> * width<T>;
    T x[whole] = {};
    T y[whole] = {};
    a.store(x);
    b.store(y);
    f(Pack<T, whole>::load(x), Pack<T, whole>::load(y)).store(x);
    return Pack<T, N>::load(x);
  }
}

// c0 + x c1 + x² c2 + … in pairs from the top: ((c0 + x c1) + x² ((c2 + x c3) + x² (…))), which
// has half the latency of Horner's rule for one product more, and that one the callers have.
template <Floating T, int N>
TENON_INLINE Pack<T, N> paired(Pack<T, N>, Pack<T, N>, T c0) {
  return c0;
}
template <Floating T, int N>
TENON_INLINE Pack<T, N> paired(Pack<T, N> x, Pack<T, N>, T c0, T c1) {
  return fma(x, Pack<T, N>(c1), Pack<T, N>(c0));
}
template <Floating T, int N, class... C>
TENON_INLINE Pack<T, N> paired(Pack<T, N> x, Pack<T, N> x2, T c0, T c1, C... higher) {
  return fma(x2, paired(x, x2, higher...), paired(x, x2, c0, c1));
}
template <Floating T, int N, class... C>
TENON_INLINE Pack<T, N> polynomial(Pack<T, N> x, C... coefficients) {
  return paired(x, x * x, coefficients...);
}

// Shifts of integer lanes by a constant; to the right with the sign.
template <int Count, Integer T, int N>
TENON_INLINE Pack<T, N> shift_left(Pack<T, N> a) {
  return Pack<T, N>::map_lanes(a, [](auto x) TENON_INLINE_LAMBDA { return x << Count; });
}
template <int Count, Integer T, int N>
TENON_INLINE Pack<T, N> shift_right(Pack<T, N> a) {
  return Pack<T, N>::map_lanes(a, [](auto x) TENON_INLINE_LAMBDA { return x >> Count; });
}

template <Floating T>
inline constexpr int mantissa_bits = std::numeric_limits<T>::digits - 1;  // stored ones

// The exponent field of 1.
template <Floating T>
inline constexpr lane_int<T> exponent_bias = std::numeric_limits<T>::max_exponent - 1;

// 1.5 · 2^mantissa_bits: x + shifter has the integer nearest to x in its low bits.
template <Floating T>
inline constexpr T shifter = T{1.5} / std::numeric_limits<T>::epsilon();

// 2^n.  pre: 2^n is a normal number
template <Floating T, int N>
TENON_INLINE Pack<T, N> power_of_two(Pack<lane_int<T>, N> n) {
  using Int = Pack<lane_int<T>, N>;
  using Bits = bits_of<T>;
  return bit_cast<T>(shift_left<mantissa_bits<T>>(bit_cast<Bits>(n + Int(exponent_bias<T>))));
}

// p · 2^n, rounded once, where n is an integer and `shifted` == n + shifter.
// pre: |n| < 2 · (exponent_bias - 1), 1/2 <= p < 2
template <Floating T, int N>
TENON_INLINE Pack<T, N> scale(Pack<T, N> p, [[maybe_unused]] Pack<T, N> n,
                              [[maybe_unused]] Pack<T, N> shifted) {
#if defined(TENON_ISA_AVX512)
  return Pack<T, N>::map_registers(
      [](auto x, auto y) TENON_INLINE_LAMBDA {
        if constexpr (sizeof(T) == 4) {
          return xsimd::batch<T, Arch>(_mm512_maskz_scalef_ps(0xFFFF, x.data, y.data));
        } else {
          return xsimd::batch<T, Arch>(_mm512_maskz_scalef_pd(0xFF, x.data, y.data));
        }
      },
      p, n);
#else
  // In two steps: the first is exact, so that a subnormal result is rounded once.
  using Int = Pack<lane_int<T>, N>;
  const Int whole = bit_cast<lane_int<T>>(shifted) - bit_cast<lane_int<T>>(Pack<T, N>(shifter<T>));
  const Int half = shift_right<1>(whole);
  return p * power_of_two<T>(half) * power_of_two<T>(whole - half);
#endif
}

// x == m · 2^e with sqrt(1/2) <= m < sqrt(2), for positive finite x, subnormal ones included.
template <Floating T, int N>
struct Split {
  Pack<T, N> m;
  Pack<T, N> e;
};
template <Floating T, int N>
TENON_INLINE Split<T, N> split_exponent(Pack<T, N> x) {
  using P = Pack<T, N>;
  using I = lane_int<T>;
  using Int = Pack<I, N>;
  constexpr int digits = mantissa_bits<T>;
  constexpr I sqrt_half =
      std::is_same_v<T, float> ? static_cast<I>(0x3F3504F3) : static_cast<I>(0x3FE6A09E667F3BCD);
  const auto subnormal = x < P(std::numeric_limits<T>::min());
  const P normal = select(subnormal, x * P(T{2} / std::numeric_limits<T>::epsilon()), x);
  const Int distance = bit_cast<I>(normal) - Int(sqrt_half);
  const Int mantissa = (distance & Int((I{1} << digits) - 1)) + Int(sqrt_half);
  // The exponent as a float without a conversion of 64-bit integers, which AVX2 and SSE2 lack.
  const P e =
      bit_cast<T>(shift_right<digits>(distance) + bit_cast<I>(P(shifter<T>))) - P(shifter<T>);
  return {bit_cast<T>(mantissa), e - select(subnormal, P(T{digits + 1}), P(T{0}))};
}

// An unevaluated sum: |lo| <= ulp(hi)/2 after normalisation.
template <Floating T, int N>
struct Double {
  Pack<T, N> hi;
  Pack<T, N> lo;
};

// a + b exactly.  pre: a == 0 or the exponent of a is not below that of b (Dekker 1971)
template <Floating T, int N>
TENON_INLINE Double<T, N> fast_sum(Pack<T, N> a, Pack<T, N> b) {
  const Pack<T, N> s = a + b;
  return {s, b - (s - a)};
}

// a · b exactly, barring overflow and underflow (Dekker and Veltkamp where there is no fma).
template <Floating T, int N>
TENON_INLINE Double<T, N> exact_product(Pack<T, N> a, Pack<T, N> b) {
  using P = Pack<T, N>;
  const P product = a * b;
  if constexpr (has_fma) {
    return {product, fma(a, b, -product)};
  } else {
    constexpr T splitter = static_cast<T>((1 << ((std::numeric_limits<T>::digits + 1) / 2)) + 1);
    const P ca = a * P(splitter);
    const P cb = b * P(splitter);
    const P ah = ca - (ca - a);
    const P bh = cb - (cb - b);
    const P al = a - ah;
    const P bl = b - bh;
    return {product, ((ah * bh - product) + ah * bl + al * bh) + al * bl};
  }
}

}  // namespace tenon::inline TENON_MODE::simd::detail
