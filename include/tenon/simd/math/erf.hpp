#pragma once
// erf, and gelu, which is made of the same tail.
// Method: erfc t = e^(-t²) h(t) / (1 + 2t), h a polynomial in (t - k) / (t + k) (Shepherd and Laframboise
// 1981), the square in two parts; near 0 a polynomial in x². Coefficients are our own, from Chebyshev nodes.

#include <tenon/simd/math/exp.hpp>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd {

namespace detail {

// Below this erf is its polynomial in x².
template <class T>
inline constexpr T erf_is_near = T{0.75};

template <class T>
struct ErfConstants;

template <>
struct ErfConstants<float> {
  static constexpr float center = 3.0f;
  static constexpr float last = 10.5f;       // erfc is 0 from 10.06 on
  static constexpr float gelu_last = 14.8f;  // and gelu from -14.42 down

  // e^(t²) erfc(t) (1 + 2t), error 2^-27; erf x / x - 1 in x² up to 0.75², error of erf 2^-27
  // (the round part of the constant apart: one rounding less)
  template <class P>
  TENON_INLINE static P scaled_tail(P w) {
    return P(1.25f) + polynomial(w, 0x1.8a45bp-9f, -0x1.15c08ap-3f, -0x1.85a16ep-5f, 0x1.09843cp-3f,
                                 -0x1.e88978p-4f, 0x1.17ba58p-4f, -0x1.85dea6p-6f, 0x1.51a86ep-9f,
                                 0x1.069948p-9f, -0x1.9be4fap-11f, -0x1.1dea8p-12f);
  }
  template <class P>
  TENON_INLINE static P near_zero(P u) {
    return polynomial(u, 0x1.06eba8p-3f, -0x1.81273ap-2f, 0x1.ce2ae2p-4f, -0x1.b7aaap-6f,
                      0x1.4f3d08p-8f, -0x1.623bfp-11f);
  }
};

template <>
struct ErfConstants<double> {
  static constexpr double center = 3.75;
  static constexpr double last = 27.3;
  static constexpr double gelu_last = 38.6;

  // errors 2^-57 both
  template <class P>
  TENON_INLINE static P scaled_tail(P w) {
    return P(1.234375) +
           polynomial(w, 0x1.9b416babb84f7p-9, -0x1.1f367683f89a7p-3, 0x1.d5f29481596a9p-9,
                      0x1.510169d09681bp-4, -0x1.bda9309a27bbp-4, 0x1.7a14188a99d42p-4,
                      -0x1.e0d0fa6e2902dp-5, 0x1.d0b0037da3a68p-6, -0x1.3f603c2badecdp-7,
                      0x1.cc3a0e533a321p-10, 0x1.33fb1d0a06da7p-12, -0x1.303fa4e5200fdp-12,
                      0x1.b14552763feffp-15, 0x1.778cb774c16cap-16, -0x1.80143c9bdccd7p-17,
                      -0x1.05b33ebe1e9a6p-20, 0x1.d751cb5ba75d8p-20, -0x1.cdc9a30f7033ep-25,
                      -0x1.1a83f3e71ba83p-22, 0x1.395e9b57249c8p-26, 0x1.5f30666776556p-25,
                      0x1.ab4823c1d68fap-33, -0x1.5a9d5048d8254p-28, -0x1.0fc4baa7fac9dp-30);
  }
  template <class P>
  TENON_INLINE static P near_zero(P u) {
    return polynomial(u, 0x1.06eba8214db69p-3, -0x1.812746b0379ep-2, 0x1.ce2f21a0424c3p-4,
                      -0x1.b82ce31257412p-6, 0x1.565bcd03657cp-8, -0x1.c02db1220cfe6p-11,
                      0x1.f9a2afa3a8f86p-14, -0x1.f4c5debf1228ap-17, 0x1.b90ecd4aeec12p-20,
                      -0x1.564f71bbc0d35p-23, 0x1.8a312cb07e6ccp-27);
  }
};

// factor · erfc(y √scale) for y >= 0, subnormal only where the product is; scale is 1, or 1/2 with
// root = √scale.
template <Floating T, int N>
TENON_INLINE Pack<T, N> scaled_erfc(Pack<T, N> factor, Pack<T, N> y, T scale, T root) {
  using P = Pack<T, N>;
  using C = ErfConstants<T>;
  const P w = (y + y) / (y + P(C::center / root)) - P(1);
  const auto square = exact_product(y, y);
  const P exponent = greater(P(ExpConstants<T>::underflow), square.hi * P(-scale));
  const P tail = factor * C::scaled_tail(w) / fma(y, P(2 * root), P(1));
  return exp_times(tail, exponent, square.lo * P(-scale));
}

}  // namespace detail

// 2/√π times the integral of e^(-s²) from 0 to x, error below 1.5 ulp. erf(-0) = -0, erf(±inf) = ±1.
template <Floating T, int N>
TENON_INLINE Pack<T, N> erf(Pack<T, N> x) {
  return detail::on_registers(
      [](auto a) TENON_INLINE_LAMBDA {
        using P = decltype(a);
        const P t = detail::lesser(P(detail::ErfConstants<T>::last), abs(a));
        const P far = P(1) - detail::scaled_erfc(P(1), t, T{1}, T{1});
        const P near = fma(a, detail::ErfConstants<T>::near_zero(t * t), a);
        return select(abs(a) < P(detail::erf_is_near<T>), near, detail::copy_sign(far, a));
      },
      x);
}

// x Φ(x) = x (1 + erf(x/√2)) / 2, error below 4 ulp (4.2 without fma) where the result is normal.
// gelu(-inf) = -0.
template <Floating T, int N>
TENON_INLINE Pack<T, N> gelu(Pack<T, N> x) {
  return detail::on_registers(
      [](auto a) TENON_INLINE_LAMBDA {
        using P = decltype(a);
        constexpr T sqrt_half = static_cast<T>(0.70710678118654752440L);
        const P y = detail::lesser(P(detail::ErfConstants<T>::gelu_last), abs(a));
        const P t = y * P(sqrt_half);
        const P half_erf = fma(t, detail::ErfConstants<T>::near_zero(t * t), t) * P(T{0.5});
        const P near = y * (P(T{0.5}) - half_erf);
        const P far = detail::scaled_erfc(y * P(T{0.5}), y, T{0.5}, sqrt_half);
        const P below = select(t < P(detail::erf_is_near<T>), near, far);  // y Φ(-y)
        return select(a < P(0), -below, a - below);
      },
      x);
}

}  // namespace tenon::inline TENON_MODE::simd
