#pragma once
// x^y with all the special values of C's Annex F.

#include <tenon/simd/math/exp.hpp>
#include <tenon/simd/math/log.hpp>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd {

namespace detail {

// |x|^y; not yet right for y == 0, |x| == 1.
template <int N>
TENON_INLINE Pack<float, N> pow_of_magnitude(Pack<float, N> x, Pack<float, N> y) {
  // In double, where y log|x| keeps 29 bits more than the result needs.
  const auto wide = convert<double>(x);
  const auto log_x = log_or_special(wide, log_of_split(split_exponent(wide)));
  return convert<float>(exp_within(limit_exponent(convert<double>(y) * log_x)));
}

template <int N>
TENON_INLINE Pack<double, N> pow_of_magnitude(Pack<double, N> x, Pack<double, N> y) {
  using P = Pack<double, N>;
  // Beyond 2^100 every |x| but 1 over- or underflows; Dekker's product must not.
  if constexpr (!has_fma) y = copy_sign(lesser(P(0x1p100), abs(y)), y);
  const auto log_x = log_in_two_parts(x);
  const P hi = log_or_special(x, log_x.hi);
  auto product = exact_product(y, hi);
  product.lo += y * log_x.lo;
  // Where the product is limited or infinite its second part means nothing.
  const P within = limit_exponent(product.hi);
  return exp_within(within, select(within == product.hi, product.lo, P(0)));
}

}  // namespace detail

// x^y, error below 0.501 ulp for float and 1.25 ulp for double.
// pow(x, ±0) = pow(1, y) = 1 even for NaN; a negative x with a y that is no integer gives NaN;
// zeros and infinities as in C, Annex F.10.4.4.
template <Floating T, int N>
TENON_INLINE Pack<T, N> pow(Pack<T, N> base, Pack<T, N> exponent) {
  return detail::on_registers(
      [](auto x, auto y) TENON_INLINE_LAMBDA {
        using P = decltype(x);
        constexpr T infinity = std::numeric_limits<T>::infinity();
        const P magnitude = abs(x);
        const P half = y * P(T{0.5});
        const auto whole = trunc(y) == y;
        const auto odd = whole & (trunc(half) != half);
        P r = detail::pow_of_magnitude(magnitude, y);
        r = select(odd, detail::copy_sign(r, x), r);
        const auto no_value = (x < P(0)) & (magnitude < P(infinity)) & !whole & (y == y);
        r = select(no_value, P(std::numeric_limits<T>::quiet_NaN()), r);
        const auto one =
            (y == P(0)) | (x == P(1)) | ((magnitude == P(1)) & (abs(y) == P(infinity)));
        return select(one, P(1), r);
      },
      base, exponent);
}

}  // namespace tenon::inline TENON_MODE::simd
