#pragma once
// Floating-point elements of two bytes: stored as such, computed with as float.

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

namespace tenon {

namespace detail {

// A double as the float next to it towards zero, its last bit set where that is not exact ("round to
// odd"): rounded again to a format of two bits less or fewer it gives what rounding the double once gives.
// Source: S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using
// rounding to odd", IEEE Transactions on Computers 57 (2008), theorem 3.
[[nodiscard]] constexpr float round_to_odd(double x) noexcept {
  const auto near = static_cast<float>(x);
  const auto back = static_cast<double>(near);
  if (back == x || x != x) return near;
  auto bits = std::bit_cast<std::uint32_t>(near);
  if ((back < 0 ? -back : back) > (x < 0 ? -x : x)) --bits;
  return std::bit_cast<float>(bits | 1U);
}

// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. To the nearest, ties to even; a NaN keeps its
// upper fraction bits and becomes quiet, as the instructions of x86 and AArch64 do it.
[[nodiscard]] constexpr std::uint16_t half_bits(float x) noexcept {
  const auto all = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = (all >> 16) & 0x8000U;
  std::uint32_t u = all & 0x7FFFFFFFU;
  if (u > 0x7F800000U) {
    u = 0x7E00U | ((u >> 13) & 0x3FFU);
  } else if (u >= 0x47800000U) {  // 2^16
    u = 0x7C00U;
  } else if (u <
             0x38800000U) {  // below 2^-14: the sum's last bit is that of a half without exponent
    u = std::bit_cast<std::uint32_t>(std::bit_cast<float>(u) + 0.5F) - 0x3F000000U;
  } else {
    u = (u + 0xC8000FFFU + ((u >> 13) & 1U)) >> 13;
  }
  return static_cast<std::uint16_t>(sign | u);
}

// Formula: the value of a binary16, exactly.
[[nodiscard]] constexpr float half_value(std::uint16_t bits) noexcept {
  const std::uint32_t sign = (bits & 0x8000U) * 0x10000U;
  std::uint32_t u = (bits & 0x7FFFU) * 0x2000U;
  if (u > 0x0F800000U) {
    u |= 0x7FC00000U;
  } else if (u == 0x0F800000U) {
    u = 0x7F800000U;
  } else if (u < 0x00800000U) {  // no exponent: 2^-14 is added, and taken off again
    u = std::bit_cast<std::uint32_t>(std::bit_cast<float>(u + 0x38800000U) -
                                     std::bit_cast<float>(0x38800000U));
  } else {
    u += 0x38000000U;
  }
  return std::bit_cast<float>(sign | u);
}

// The upper two bytes of a float: 1 sign, 8 exponent, 7 fraction bits. To the nearest, ties to even.
[[nodiscard]] constexpr std::uint16_t bfloat16_bits(float x) noexcept {
  const auto u = std::bit_cast<std::uint32_t>(x);
  if ((u & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((u >> 16) | 0x40U);
  return static_cast<std::uint16_t>((u + 0x7FFFU + ((u >> 16) & 1U)) >> 16);
}

[[nodiscard]] constexpr float bfloat16_value(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(bits * 0x10000U);
}

template <class X>
concept HasArithmetic = std::integral<X> || std::floating_point<X>;

}  // namespace detail

// IEEE 754 binary16: 11 significant bits, 6.0e-8 to 65504. An element type: tensors hold it, and
// expressions compute with it as float (docs/numerics.md). As a value it converts to float by itself, and
// from numbers where asked to, to the nearest, ties to even; beyond 65504 to infinity.
struct half {
  std::uint16_t bits;

  half() = default;
  template <detail::HasArithmetic X>
  explicit constexpr half(X x) noexcept
      : bits(detail::half_bits(detail::round_to_odd(static_cast<double>(x)))) {}
  explicit constexpr half(float x) noexcept : bits(detail::half_bits(x)) {}
  constexpr operator float() const noexcept { return detail::half_value(bits); }
};

// The upper half of a float: 8 significant bits, float's range. Otherwise as half.
struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  template <detail::HasArithmetic X>
  explicit constexpr bfloat16(X x) noexcept
      : bits(detail::bfloat16_bits(detail::round_to_odd(static_cast<double>(x)))) {}
  explicit constexpr bfloat16(float x) noexcept : bits(detail::bfloat16_bits(x)) {}
  constexpr operator float() const noexcept { return detail::bfloat16_value(bits); }
};

// An element type that is stored in fewer bytes than it is computed with.
template <class T>
concept StorageFloat = std::same_as<T, half> || std::same_as<T, bfloat16>;

namespace detail {

template <class T>
struct ArithmeticOf {
  using type = T;
};
template <StorageFloat T>
struct ArithmeticOf<T> {
  using type = float;
};

}  // namespace detail

// What elements of T are computed with: float for half and bfloat16, else T.
template <class T>
using arithmetic_t = typename detail::ArithmeticOf<T>::type;

}  // namespace tenon
