#pragma once
// Checked size arithmetic: the one helper for shapes, allocators and file readers.

#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>

namespace tenon {

// Formula: a + b. Returns nothing where the sum does not fit T. No allocation.
template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) noexcept {
  T sum{};
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

// Formula: a * b. Returns nothing where the product does not fit T. No allocation.
template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, T b) noexcept {
  T product{};
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// Formula: the least multiple of `alignment` that is >= bytes.
// Contract: alignment is a power of two. Returns nothing where it does not fit.
[[nodiscard]] constexpr std::optional<std::size_t> checked_align(std::size_t bytes,
                                                                 std::size_t alignment) noexcept {
  const auto bumped = checked_add(bytes, alignment - 1);
  if (!bumped) return std::nullopt;
  return *bumped & ~(alignment - 1);
}

// The same for sizes already known to be far from the limit.
[[nodiscard]] constexpr std::size_t align_up(std::size_t bytes, std::size_t alignment) noexcept {
  return (bytes + alignment - 1) & ~(alignment - 1);
}

}  // namespace tenon
