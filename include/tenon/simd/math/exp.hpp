#pragma once
// exp, expm1, exp2 and what is made of them: tanh and sigmoid.
// Method: x = n ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite), e^r by a minimax polynomial, times
// 2^n. Coefficients are of our own weighted least-squares iteration (Lawson 1961).

#include <tenon/simd/math/parts.hpp>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd {

namespace detail {

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float log2_e = 0x1.715476p+0f;
  static constexpr float ln2_hi = 0x1.63p-1f;  // n · ln2_hi is exact
  static constexpr float ln2_lo = -0x1.bd0106p-13f;
  static constexpr float overflow = 89.0f;      // exp gives infinity from 88.73
  static constexpr float underflow = -104.0f;   // and 0 below -103.97
  static constexpr float tanh_is_one = 9.125f;  // from here on tanh rounds to 1

  // (e^r - 1 - r) / r², error of e^r 2^-28.3
  template <class P>
  TENON_INLINE static P exp_tail(P r) {
    return polynomial(r, 0x1.fffffcp-2f, 0x1.555490p-3f, 0x1.5558f4p-5f, 0x1.123a2ap-7f,
                      0x1.6a23d2p-10f);
  }
  // ((e^2r - 1) / 2 - r) / r², error 2^-26.2 of e^2r - 1
  template <class P>
  TENON_INLINE static P half_expm1_tail(P r) {
    return polynomial(r, 0x1.000000p+0f, 0x1.5554b0p-1f, 0x1.555486p-2f, 0x1.122842p-3f,
                      0x1.6d995ap-5f);
  }
};

template <>
struct ExpConstants<double> {
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double ln2_hi = 0x1.62e42feep-1;
  static constexpr double ln2_lo = 0x1.a39ef35793c76p-33;
  static constexpr double overflow = 710.0;
  static constexpr double underflow = -746.0;
  static constexpr double tanh_is_one = 19.25;

  // error 2^-57.9
  template <class P>
  TENON_INLINE static P exp_tail(P r) {
    return polynomial(r, 0x1.000000000000ap-1, 0x1.55555555554f9p-3, 0x1.5555555550838p-5,
                      0x1.1111111127d20p-7, 0x1.6c16c1843a2fbp-10, 0x1.a01a012a0d130p-13,
                      0x1.a01999de473e1p-16, 0x1.71df25b07168bp-19, 0x1.28ad9f5e09fd6p-22,
                      0x1.ad7f4dedb65e5p-26);
  }
  // error 2^-61.7
  template <class P>
  TENON_INLINE static P half_expm1_tail(P r) {
    return polynomial(r, 0x1.0000000000000p+0, 0x1.5555555555559p-1, 0x1.555555555555ap-2,
                      0x1.111111110f697p-3, 0x1.6c16c16c1443dp-5, 0x1.a01a01afefbb8p-7,
                      0x1.a01a01b0bd410p-9, 0x1.71ddf83637fb4p-11, 0x1.27e4c59358a80p-13,
                      0x1.af5ef6b0b3ea0p-16, 0x1.1f95787d37413p-18);
  }
};

// x == n ln 2 + r; shifted == n + shifter.
template <Floating T, int N>
struct Reduced {
  Pack<T, N> shifted;
  Pack<T, N> n;
  Pack<T, N> r;
};
template <Floating T, int N>
TENON_INLINE Reduced<T, N> reduce_exponent(Pack<T, N> x) {
  using P = Pack<T, N>;
  using C = ExpConstants<T>;
  const P shifted = fma(x, P(C::log2_e), P(shifter<T>));
  const P n = shifted - P(shifter<T>);
  return {shifted, n, fma(n, P(-C::ln2_lo), fma(n, P(-C::ln2_hi), x))};
}

// e^(x + tail) for x within [underflow, overflow]; tail is small.
template <Floating T, int N>
TENON_INLINE Pack<T, N> exp_within(Pack<T, N> x, Pack<T, N> tail) {
  using P = Pack<T, N>;
  auto [shifted, n, r] = reduce_exponent(x);
  r += tail;
  return scale(P(1) + fma(r * r, ExpConstants<T>::exp_tail(r), r), n, shifted);
}
// factor · e^(x + tail), 0.01 <= factor <= 1: e^r is multiplied before it is rounded.
template <Floating T, int N>
TENON_INLINE Pack<T, N> exp_times(Pack<T, N> factor, Pack<T, N> x, Pack<T, N> tail) {
  auto [shifted, n, r] = reduce_exponent(x);
  r += tail;
  return scale(fma(factor, fma(r * r, ExpConstants<T>::exp_tail(r), r), factor), n, shifted);
}
template <Floating T, int N>
TENON_INLINE Pack<T, N> exp_within(Pack<T, N> x) {
  using P = Pack<T, N>;
  const auto [shifted, n, r] = reduce_exponent(x);
  return scale(P(1) + fma(r * r, ExpConstants<T>::exp_tail(r), r), n, shifted);
}

// x limited to where exp has finite positive values; NaN stays.
template <Floating T, int N>
TENON_INLINE Pack<T, N> limit_exponent(Pack<T, N> x) {
  using P = Pack<T, N>;
  using C = ExpConstants<T>;
  return greater(P(C::underflow), lesser(P(C::overflow), x));
}

// (e^2x - 1) / 2 where 2^n is normal (|2x| < exponent_bias · ln 2). The halves cost nothing: they
// are in the constants, and powers of two are exact.
template <Floating T, int N>
TENON_INLINE Pack<T, N> half_expm1_of_double(Pack<T, N> x) {
  using P = Pack<T, N>;
  using C = ExpConstants<T>;
  using I = lane_int<T>;
  const P shifted = fma(x, P(2 * C::log2_e), P(shifter<T>));
  const P n = shifted - P(shifter<T>);
  const P r = fma(n, P(-C::ln2_lo / 2), fma(n, P(-C::ln2_hi / 2), x));
  const P two_n = power_of_two<T>(bit_cast<I>(shifted) - bit_cast<I>(P(shifter<T>)));
  return fma(two_n, fma(r * r, C::half_expm1_tail(r), r), fma(two_n, P(T{0.5}), P(T{-0.5})));
}

}  // namespace detail

// e^x, error below 1.1 ulp. exp(-inf) = 0, exp(inf) = inf, NaN stays; results below the smallest
// normal number are subnormal, as exact as their last place allows.
template <Floating T, int N>
TENON_INLINE Pack<T, N> exp(Pack<T, N> x) {
  return detail::on_registers(
      [](auto a) TENON_INLINE_LAMBDA { return detail::exp_within(detail::limit_exponent(a)); }, x);
}

// (e^x - e^-x) / (e^x + e^-x), error below 2.6 ulp.  No cancellation near 0; tanh(-0) = -0.
template <Floating T, int N>
TENON_INLINE Pack<T, N> tanh(Pack<T, N> x) {
  return detail::on_registers(
      [](auto a) TENON_INLINE_LAMBDA {
        using P = decltype(a);
        const P e = detail::half_expm1_of_double(
            detail::lesser(P(detail::ExpConstants<T>::tanh_is_one), abs(a)));
        return detail::copy_sign(e / (e + P(1)), a);
      },
      x);
}

// 1 / (1 + e^-x), error below 2.4 ulp; of e^-|x|, so that nothing overflows and small results keep
// their digits.
template <Floating T, int N>
TENON_INLINE Pack<T, N> sigmoid(Pack<T, N> x) {
  return detail::on_registers(
      [](auto a) TENON_INLINE_LAMBDA {
        using P = decltype(a);
        const P e = detail::exp_within(
            detail::greater(P(detail::ExpConstants<T>::underflow), detail::negative_abs(a)));
        return select(a < P(0), e, P(1)) / (P(1) + e);
      },
      x);
}

}  // namespace tenon::inline TENON_MODE::simd
