#pragma once
// Division by a number that stays the same: a multiplication.

#include <tenon/core/config.hpp>

#include <cstdint>

namespace tenon::inline TENON_MODE::kernels {

// Formula: n / d and n % d for 0 <= n < 2^63. Where both are below 2^32, n / d is the upper half of
// n · ceil(2^64 / d): Lemire, Kaser, Kurz, "Faster Remainder by Direct Computation" (2019), theorem 1.
class Divisor {
 public:
  // Contract: d > 0.
  constexpr explicit Divisor(index_t d) noexcept
      : d_(static_cast<std::uint64_t>(d)), factor_(d > 1 ? ~std::uint64_t{0} / d_ + 1 : 0) {}

  [[nodiscard]] constexpr index_t value() const noexcept { return static_cast<index_t>(d_); }

  [[nodiscard]] TENON_INLINE constexpr index_t divide(index_t n) const noexcept {
    const auto u = static_cast<std::uint64_t>(n);
    if (((u | d_) >> 32) != 0) [[unlikely]]
      return static_cast<index_t>(u / d_);
    if (factor_ == 0) return n;
    // The upper half of a 64 by 32 bit product.
    const std::uint64_t low = (factor_ & 0xFFFFFFFFU) * u, high = (factor_ >> 32) * u;
    return static_cast<index_t>((high + (low >> 32)) >> 32);
  }

 private:
  std::uint64_t d_;
  std::uint64_t factor_;
};

// The same where the type knows d.
template <index_t D>
struct ConstantDivisor {
  static_assert(D > 0);
  [[nodiscard]] static constexpr index_t value() noexcept { return D; }
  [[nodiscard]] TENON_INLINE static constexpr index_t divide(index_t n) noexcept {
    return static_cast<index_t>(static_cast<std::uint64_t>(n) / static_cast<std::uint64_t>(D));
  }
};

template <index_t Pattern>
[[nodiscard]] constexpr auto make_divisor(index_t d) noexcept {
  if constexpr (Pattern > 0)
    return ConstantDivisor<Pattern>{};
  else
    return Divisor(d);
}

}  // namespace tenon::inline TENON_MODE::kernels
