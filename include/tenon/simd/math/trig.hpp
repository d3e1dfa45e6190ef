#pragma once
// sin and cos.
// Method: x = n π/2 + r with |r| <= π/4 (Cody and Waite, π/2 in three parts, r in two), then the minimax
// polynomial of sin or cos by the last bits of n. Coefficients are our own, from Chebyshev nodes.

#include <tenon/simd/math/parts.hpp>

#include <cmath>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd {

namespace detail {

template <class T>
struct TrigConstants;

template <>
struct TrigConstants<float> {
  static constexpr float two_over_pi = 0x1.45f306p-1f;
  static constexpr float half_pi[] = {0x1.921fb4p+0f, 0x1.4442dp-24f, 0x1.84698ap-48f};
  static constexpr float limit = 51471.0f;  // n below 2^15

  // (sin r / r - 1) / r², error of sin r 2^-28; (cos r - 1 + r²/2) / r⁴, error of cos r 2^-30
  template <class P>
  TENON_INLINE static P sin_tail(P z) {
    return polynomial(z, -0x1.555556p-3f, 0x1.11110ep-7f, -0x1.a013a2p-13f, 0x1.6dbbeep-19f);
  }
  template <class P>
  TENON_INLINE static P cos_tail(P z) {
    return polynomial(z, 0x1.555554p-5f, -0x1.6c12cep-10f, 0x1.9bd67p-16f);
  }
};

template <>
struct TrigConstants<double> {
  static constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
  static constexpr double half_pi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c06p-54,
                                       0x1.c1cd129024e09p-107};
  static constexpr double limit = 1647099.0;  // n below 2^20

  // errors 2^-57 and 2^-60
  template <class P>
  TENON_INLINE static P sin_tail(P z) {
    return polynomial(z, -0x1.5555555555555p-3, 0x1.111111111111p-7, -0x1.a01a01a019926p-13,
                      0x1.71de3a545e7p-19, -0x1.ae64540f0ba18p-26, 0x1.61217c1864fa1p-33,
                      -0x1.ab161757f0c63p-41);
  }
  template <class P>
  TENON_INLINE static P cos_tail(P z) {
    return polynomial(z, 0x1.5555555555555p-5, -0x1.6c16c16c1696p-10, 0x1.a01a019f4d0edp-16,
                      -0x1.27e4fa15bd814p-22, 0x1.1eeb66b683028p-29, -0x1.907c0e63adbb6p-37);
  }
};

// The lanes of x beyond the reach of the reduction, by the C library in double: far out they are rare.
template <bool Cosine, Floating T, int N>
[[gnu::noinline]] Pack<T, N> trig_far_out(Pack<T, N> x, Pack<T, N> near) {
  T at[N], result[N];
  x.store(at);
  near.store(result);
  for (int i = 0; i < N; ++i)
    if (!(std::abs(at[i]) <= TrigConstants<T>::limit)) {
      const auto wide = static_cast<double>(at[i]);
      result[i] = static_cast<T>(Cosine ? std::cos(wide) : std::sin(wide));
    }
  return Pack<T, N>::load(result);
}

// sin(x + quarter · π/2)
template <int Quarter, Floating T, int N>
TENON_INLINE Pack<T, N> trig(Pack<T, N> x) {
  using P = Pack<T, N>;
  using C = TrigConstants<T>;
  using I = lane_int<T>;
  const P shifted = fma(x, P(C::two_over_pi), P(shifter<T>));
  const P n = shifted - P(shifter<T>);
  const auto first = exact_product(n, P(C::half_pi[0]));
  const P r1 = (x - first.hi) - first.lo;  // exact
  const auto middle = exact_product(n, P(C::half_pi[1]));
  const P r2 = r1 - middle.hi;
  const P rest = ((r1 - r2) - middle.hi) - middle.lo;
  const auto r = fast_sum(r2, fma(n, P(-C::half_pi[2]), rest));
  const P z = r.hi * r.hi;
  const P half = z * P(T{0.5});
  const P top = P(1) - half;
  const P sine = r.hi + fma(r.hi * z, C::sin_tail(z), r.lo * top);
  const P cosine = top + (((P(1) - top) - half) + fma(z * z, C::cos_tail(z), -(r.hi * r.lo)));
  const auto quadrant = bit_cast<I>(shifted) + Pack<I, N>(Quarter);
  const P value = select((quadrant & Pack<I, N>(1)) == Pack<I, N>(0), sine, cosine);
  const auto sign = shift_left<static_cast<int>(8 * sizeof(T)) - 2>(
      bit_cast<bits_of<T>>(quadrant & Pack<I, N>(2)));
  const P near = bit_cast<T>(bit_cast<bits_of<T>>(value) ^ sign);
  if ((abs(x) > P(C::limit)).any()) [[unlikely]]
    return trig_far_out < Quarter == 1 > (x, near);
  return near;
}

}  // namespace detail

// sin x, x in radians, error below 1 ulp. sin(-0) = -0; of an infinity or NaN it is NaN.
template <Floating T, int N>
TENON_INLINE Pack<T, N> sin(Pack<T, N> x) {
  return detail::on_registers(
      [](auto a) TENON_INLINE_LAMBDA { return select(a == decltype(a)(0), a, detail::trig<0>(a)); },
      x);
}

// cos x, x in radians, error below 1 ulp. Of an infinity or NaN it is NaN.
template <Floating T, int N>
TENON_INLINE Pack<T, N> cos(Pack<T, N> x) {
  return detail::on_registers([](auto a) TENON_INLINE_LAMBDA { return detail::trig<1>(a); }, x);
}

}  // namespace tenon::inline TENON_MODE::simd
