#pragma once
// log and log in two parts (for pow).

#include <tenon/simd/math/parts.hpp>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd {

namespace detail {

// Natural logarithm of m · 2^e, sqrt(1/2) <= m < sqrt(2).
template <int N>
TENON_INLINE Pack<float, N> log_of_split(Split<float, N> x) {
  using P = Pack<float, N>;
  // log(1+f) = f - f²/2 + f³ q(f), error 2^-30.4 (Cephes' form, our coefficients)
  const P f = x.m - P(1);
  const P f2 = f * f;
  const P q =
      polynomial(f, 0x1.555546p-2f, -0x1.ffffeep-3f, 0x1.99a548p-3f, -0x1.5562e6p-3f,
                 0x1.23327cp-3f, -0x1.fb4288p-4f, 0x1.e65424p-4f, -0x1.e2ef34p-4f, 0x1.1b4158p-4f);
  P y = f2 * f * q;
  y = fma(x.e, P(-0x1.bd0106p-13f), y);
  y = fma(f2, P(-0.5f), y);
  return fma(x.e, P(0x1.63p-1f), f + y);
}

template <int N>
TENON_INLINE Pack<double, N> log_of_split(Split<double, N> x) {
  using P = Pack<double, N>;
  // s = f/(2+f), log(1+f) = f - f²/2 + s (f²/2 + s² R(s²)): the method and the coefficients of
  // FreeBSD's e_log.c (Sun Microsystems 1993), error 2^-58.45
  const P f = x.m - P(1);
  const P s = f / (P(2) + f);
  const P z = s * s;
  const P r =
      z * polynomial(z, 6.666666666666735130e-01, 3.999999999940941908e-01,
                     2.857142874366239149e-01, 2.222219843214978396e-01, 1.818357216161805012e-01,
                     1.531383769920937332e-01, 1.479819860511658591e-01);
  const P half_square = P(0.5) * f * f;
  const P y = fma(s, half_square + r, x.e * P(0x1.a39ef35793c76p-33));
  return fma(x.e, P(0x1.62e42feep-1), f - (half_square - y));
}

// log of |x| where x is 0, infinite or NaN; `regular` elsewhere.
template <Floating T, int N>
TENON_INLINE Pack<T, N> log_or_special(Pack<T, N> x, Pack<T, N> regular) {
  using P = Pack<T, N>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const P r = select(x < P(infinity), regular, x);  // infinity and NaN stay
  return select(x == P(0), P(-infinity), r);
}

// log x as hi + lo, relative error below 2^-64, for positive finite x.
// log m = 2s + s³ (2/3 + s² t(s²)), s = (m-1)/(m+1), all but t in two parts.
template <int N>
TENON_INLINE Double<double, N> log_in_two_parts(Pack<double, N> x) {
  using P = Pack<double, N>;
  const auto [m, e] = split_exponent(x);
  const P f = m - P(1);
  const auto den = fast_sum(P(1), m);
  const P s = f / den.hi;
  const auto back = exact_product(s, den.hi);
  const P s_lo = (((f - back.hi) - back.lo) - s * den.lo) / den.hi;
  auto z = exact_product(s, s);
  z.lo += (s + s) * s_lo;
  const P t = polynomial(z.hi, 0x1.9999999999996p-2, 0x1.249249249303ep-2, 0x1.c71c71c57f433p-3,
                         0x1.745d1832df826p-3, 0x1.3b13629081b10p-3, 0x1.1120bb45ecd46p-3,
                         0x1.de328b95974d0p-4, 0x1.eb1895adfc7dap-4);
  auto c = fast_sum(P(0x1.5555555555555p-1), z.hi * t);
  c.lo += P(0x1.5555555555555p-55);
  auto cube = exact_product(s, z.hi);
  cube.lo += s * z.lo + s_lo * z.hi;
  auto u = exact_product(cube.hi, c.hi);
  u.lo += cube.hi * c.lo + cube.lo * c.hi;
  auto log_m = fast_sum(s + s, u.hi);
  log_m.lo += u.lo + (s_lo + s_lo);
  auto sum = fast_sum(e * P(0x1.62e42feep-1), log_m.hi);
  sum.lo += log_m.lo + e * P(0x1.a39ef35793c76p-33);
  return fast_sum(sum.hi, sum.lo);
}

}  // namespace detail

// Natural logarithm, error below 0.9 ulp.  log(±0) = -inf, log(x < 0) = NaN, log(inf) = inf.
template <Floating T, int N>
TENON_INLINE Pack<T, N> log(Pack<T, N> x) {
  return detail::on_registers(
      [](auto a) TENON_INLINE_LAMBDA {
        using P = decltype(a);
        const P r = detail::log_or_special(a, detail::log_of_split(detail::split_exponent(a)));
        return select(a < P(0), P(std::numeric_limits<T>::quiet_NaN()), r);
      },
      x);
}

}  // namespace tenon::inline TENON_MODE::simd
