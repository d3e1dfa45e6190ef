#pragma once
// Random tensors. The values depend on the bits of the engine alone, on every compiler and machine:
// the distributions of <random> do not promise that, nor does a libm.

#include <tenon/tensor/rounding.hpp>
#include <tenon/tensor/tensor.hpp>

#include <tenon/core/dtype.hpp>
#include <tenon/core/shape.hpp>

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tenon {

// An engine as in <random>: a callable that gives unsigned integers in [min(), max()].
template <class G>
concept RandomEngine = std::unsigned_integral<decltype(std::declval<G&>()())> && requires {
  { G::min() } -> std::same_as<decltype(std::declval<G&>()())>;
  { G::max() } -> std::same_as<decltype(std::declval<G&>()())>;
};

namespace detail {

// The next 64 bits of an engine. A draw gives its lowest b bits, b = floor(log2(max - min + 1));
// values outside that power of two are drawn again; earlier draws are more significant, and bits
// beyond 64 fall off at the top. std::mt19937_64 takes one draw, std::mt19937 two.
template <RandomEngine G>
[[nodiscard]] std::uint64_t random_bits(G& engine) {
  constexpr std::uint64_t range = G::max() - G::min();
  static_assert(range > 0);
  if constexpr (range == ~std::uint64_t{0}) {
    return engine() - G::min();
  } else {
    constexpr int bits = std::bit_width(range + 1) - 1;
    std::uint64_t word = 0;
    for (int have = 0; have < 64;) {
      const auto draw = static_cast<std::uint64_t>(engine() - G::min());
      if (draw >> bits != 0) continue;
      word = (word << bits) | draw;
      have += bits;
    }
    return word;
  }
}

// Formula: c[0] + c[1] · x + c[2] · x² + …, by Horner, every operation rounded.
template <int N>
[[nodiscard]] inline double polynomial(const double (&c)[N], double x) noexcept {
  double sum = c[N - 1];
  for (int i = N - 1; i-- > 0;) sum = add_product(c[i], sum, x);
  return sum;
}

// Formula: ln(x) for normal x > 0, by 2 · artanh((m - 1) / (m + 1)) + e · ln 2 with x = m · 2^e and
// m in [1/√2, √2); relative error below 1e-15. Only operations that IEEE 754 rounds correctly.
[[nodiscard]] inline double portable_log(double x) noexcept {
  constexpr double artanh[] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
                               1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23};
  constexpr double ln2 = 0.693147180559945309417232121458;
  constexpr std::uint64_t fraction = (std::uint64_t{1} << 52) - 1;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & fraction) | std::bit_cast<std::uint64_t>(1.0));
  if (m > 1.4142135623730951) {
    m /= 2;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1);
  return add_product(2 * s * polynomial(artanh, s * s), static_cast<double>(exponent), ln2);
}

// Formula: the z with P(Z < z) = p for a standard normal Z; 0 < p <= 1/2, so z <= 0. Relative error
// about 1e-15.
// Source: M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution",
// Applied Statistics 37 (1988), 477-484, PPND16.
[[nodiscard]] inline double normal_quantile(double p) noexcept {
  constexpr double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                          1.9715909503065514427e+3, 1.3731693765509461125e+4,
                          4.5921953931549871457e+4, 6.7265770927008700853e+4,
                          3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr double b[] = {1.0,
                          4.2313330701600911252e+1,
                          6.8718700749205790830e+2,
                          5.3941960214247511077e+3,
                          2.1213794301586595867e+4,
                          3.9307895800092710610e+4,
                          2.8729085735721942674e+4,
                          5.2264952788528545610e+3};
  constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                          5.76949722146069140550e0,  3.64784832476320460504e0,
                          1.27045825245236838258e0,  2.41780725177450611770e-1,
                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double d[] = {1.0,
                          2.05319162663775882187e0,
                          1.67638483018380384940e0,
                          6.89767334985100004550e-1,
                          1.48103976427480074590e-1,
                          1.51986665636164571966e-2,
                          5.47593808499534494600e-4,
                          1.05075007164441684324e-9};
  constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                          1.78482653991729133580e0,  2.96560571828504891230e-1,
                          2.65321895265761230930e-2, 1.24266094738807843860e-3,
                          2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double f[] = {1.0,
                          5.99832206555887937690e-1,
                          1.36929880922735805310e-1,
                          1.48753612908506148525e-2,
                          7.86869131145613259100e-4,
                          1.84631831751005468180e-5,
                          1.42151175831644588870e-7,
                          2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (q >= -0.425) {
    const double r = add_product(0.180625, -q, q);
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double r = std::sqrt(-portable_log(p));
  return r <= 5 ? -(polynomial(c, r - 1.6) / polynomial(d, r - 1.6))
                : -(polynomial(e, r - 5) / polynomial(f, r - 5));
}

}  // namespace detail

// Formula: result(i, …) = k · 2^-53 with k the top 53 of 64 bits of the engine (float: 24 bits and
// 2^-24), in row-major order: uniform in [0, 1), the values of NumPy's Generator.random for the
// same 64-bit words (double). Allocations: the result. Errors: those of the resource, before the
// engine is used.
template <std::floating_point T, ShapeLike S, RandomEngine G, ResourceArgument R>
[[nodiscard]] Tensor<T, S> random_uniform(const S& shape, G& engine, R&& resource) {
  constexpr int bits = std::same_as<T, float> ? 24 : 53;
  constexpr T unit = T{1} / static_cast<T>(std::uint64_t{1} << bits);
  Tensor<T, S> result(shape, std::forward<R>(resource));
  for (T *x = result.data(), *end = x + result.size(); x != end; ++x)
    *x = static_cast<T>(detail::random_bits(engine) >> (64 - bits)) * unit;
  return result;
}

// Formula: result(i, …) = ±Q((k + 1/2) · 2^-53), k the top 52 of 64 bits of the engine, the sign
// the lowest bit (1 gives +), Q the quantile function of the normal distribution; in row-major
// order. Mean 0, variance 1. In double, then rounded to T. By inversion, so that one element takes
// one word. Allocations: the result. Errors: those of the resource, before the engine is used.
template <Element T, ShapeLike S, RandomEngine G, ResourceArgument R>
  requires std::floating_point<arithmetic_t<T>>
[[nodiscard]] Tensor<T, S> random_normal(const S& shape, G& engine, R&& resource) {
  constexpr double unit = 1.0 / static_cast<double>(std::uint64_t{1} << 53);
  Tensor<T, S> result(shape, std::forward<R>(resource));
  for (T *x = result.data(), *end = x + result.size(); x != end; ++x) {
    const std::uint64_t word = detail::random_bits(engine);
    const double z = detail::normal_quantile((static_cast<double>(word >> 12) + 0.5) * unit);
    *x = static_cast<T>((word & 1) != 0 ? -z : z);
  }
  return result;
}

}  // namespace tenon
