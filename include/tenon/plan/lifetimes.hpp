#pragma once
// Lifetimes of buffers, and what can be said of them and of a packing without solving anything:
// the lower bound, the height, and whether the packing is right.

#include <tenon/core/config.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace tenon::inline TENON_MODE {

// A buffer of `bytes` that is in use from `lower` until before `upper` (stages, or any other clock).
struct Lifetime {
  index_t lower = 0;
  index_t upper = 0;
  std::size_t bytes = 0;

  friend constexpr bool operator==(const Lifetime&, const Lifetime&) = default;
};

// True where both are in use at some time.
[[nodiscard]] constexpr bool overlap(const Lifetime& a, const Lifetime& b) noexcept {
  return a.lower < b.upper && b.lower < a.upper;
}

// Formula: max over t of sum_i bytes_i [lower_i <= t < upper_i]. No packing is lower.
// Cost: O(n²). Contract: the sum fits std::size_t.
[[nodiscard]] constexpr std::size_t max_live_bytes(std::span<const Lifetime> buffers) noexcept {
  std::size_t most = 0;
  for (const Lifetime& at : buffers) {  // live bytes grow only where a buffer begins
    std::size_t live = 0;
    for (const Lifetime& b : buffers)
      if (b.lower <= at.lower && at.lower < b.upper) live += b.bytes;
    most = std::max(most, live);
  }
  return most;
}

// Formula: max_i offset_i + bytes_i. Contract: one offset a buffer.
[[nodiscard]] constexpr std::size_t packing_height(std::span<const Lifetime> buffers,
                                                   std::span<const std::size_t> offsets) noexcept {
  std::size_t height = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i)
    height = std::max(height, offsets[i] + buffers[i].bytes);
  return height;
}

// What is wrong with a packing, and with which buffers.
struct PackingFault {
  enum class Kind : unsigned char { none, count, backwards, beyond_capacity, meet };
  Kind kind = Kind::none;
  std::size_t first = 0;
  std::size_t second = 0;

  [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != Kind::none; }
};

// The first fault of a packing, or none: every buffer lies below `capacity`, and no two that are in
// use at the same time share a byte. Knows nothing of how packings are made. Cost: O(n²).
[[nodiscard]] constexpr PackingFault validate_packing(std::span<const Lifetime> buffers,
                                                      std::span<const std::size_t> offsets,
                                                      std::size_t capacity) noexcept {
  using Fault = PackingFault::Kind;
  if (buffers.size() != offsets.size()) return {Fault::count, buffers.size(), offsets.size()};
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const Lifetime& a = buffers[i];
    if (a.lower >= a.upper) return {Fault::backwards, i, i};
    if (a.bytes > capacity || offsets[i] > capacity - a.bytes)
      return {Fault::beyond_capacity, i, i};
    for (std::size_t j = 0; j < i; ++j) {
      const Lifetime& b = buffers[j];
      if (overlap(a, b) && offsets[i] < offsets[j] + b.bytes && offsets[j] < offsets[i] + a.bytes)
        return {Fault::meet, j, i};
    }
  }
  return {};
}

}  // namespace tenon::inline TENON_MODE
