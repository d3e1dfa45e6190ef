#pragma once
// Errors of math functions in units in the last place.
//
// References: long double where it is wider than double (x86, and AArch64 Linux, where it is
// quadruple).

#include "lanes.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>

namespace lanes {

static_assert(std::numeric_limits<long double>::digits > std::numeric_limits<double>::digits);

// How many of n random arguments are tried: a tenth where software computes the references (quadruple
// precision), all of them where TENON_WHOLE_MATH is set in the environment.
inline std::size_t tried_of(std::size_t n) {
  constexpr bool is_hardware = std::numeric_limits<long double>::digits <= 64;
  return is_hardware || std::getenv("TENON_WHOLE_MATH") != nullptr ? n : n / 10;
}

// |got - exact| in units in the last place of T at `exact`.
template <class T>
double ulps(T got, long double exact) {
  using Limits = std::numeric_limits<T>;
  const T rounded = static_cast<T>(exact);
  if (std::isnan(exact) || std::isnan(got)) return std::isnan(exact) == std::isnan(got) ? 0 : 1e30;
  if (std::isinf(rounded) || std::isinf(got)) {
    // Just below overflow both neighbours are right.
    return got == rounded ? 0
           : std::abs(exact) < 2 * static_cast<long double>(Limits::max()) &&
                   std::abs(static_cast<long double>(got) - exact) <=
                       static_cast<long double>(Limits::max()) * Limits::epsilon()
               ? 1
               : 1e30;
  }
  int exponent = 0;
  std::frexp(exact, &exponent);
  const int last = std::max(exponent, Limits::min_exponent) - Limits::digits;
  return static_cast<double>(std::ldexp(std::abs(static_cast<long double>(got) - exact), -last));
}

// All kinds of arguments: random bits (every exponent), and ranges where the functions live.
template <class T>
std::vector<T> arguments(std::size_t most_of_stratum) {
  const std::size_t count_per_stratum = tried_of(most_of_stratum);
  std::mt19937_64 random(20240607);
  std::vector<T> r;
  for (std::size_t i = 0; i < count_per_stratum; ++i) {
    simd::detail::bits_of<T> bits = static_cast<simd::detail::bits_of<T>>(random());
    r.push_back(__builtin_bit_cast(T, bits));
  }
  const T limit = sizeof(T) == 4 ? T(110) : T(760);
  for (T range : {T(0.01), T(1), T(20), limit}) {
    std::uniform_real_distribution<T> uniform(-range, range);
    for (std::size_t i = 0; i < count_per_stratum; ++i) r.push_back(uniform(random));
  }
  std::uniform_real_distribution<T> near_one(T(0.5), T(2));
  for (std::size_t i = 0; i < count_per_stratum; ++i) r.push_back(near_one(random));
  using Limits = std::numeric_limits<T>;
  for (T x : {T(0), T(1), T(2), Limits::min(), Limits::denorm_min(), Limits::max(),
              Limits::infinity(), T(88.722835), T(88.72284), T(-87.33654), T(-103.97208), T(-104),
              T(709.782712893384), T(709.7827128933841), T(-745.1332191019412), T(-745.14)}) {
    for (T y : {x, std::nextafter(x, T(0)), std::nextafter(x, Limits::infinity())}) {
      r.push_back(y);
      r.push_back(-y);
    }
  }
  r.push_back(Limits::quiet_NaN());
  while (r.size() % 64 != 0) r.push_back(T(0));
  return r;
}

// The largest error and its argument.
struct Worst {
  double ulps = 0;
  double at = 0;
};

// Over `inputs`, of packs of one and two registers; scalars and short packs must
// give the same bits.
template <class T, class F, class G>
Worst worst_error(const std::vector<T>& inputs, F f, G exact) {
  using P = Pack<T, simd::native_lanes<T>>;
  using P2 = Pack<T, 2 * simd::native_lanes<T>>;
  Worst worst;
  std::vector<T> one(inputs.size()), two(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); i += P::size) f(P::load(&inputs[i])).store(&one[i]);
  for (std::size_t i = 0; i < inputs.size(); i += P2::size) f(P2::load(&inputs[i])).store(&two[i]);
  std::size_t different = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const double error = ulps(one[i], exact(static_cast<long double>(inputs[i])));
    if (error > worst.ulps) worst = {error, static_cast<double>(inputs[i])};
    different += !same(one[i], two[i]);
    if (i % 16 == 0) {
      different += !same(one[i], f(inputs[i]));
      different += !same(one[i], f(Pack<T, 2>(inputs[i])).lane(1));
    }
  }
  CHECK(different == 0);
  return worst;
}

}  // namespace lanes
