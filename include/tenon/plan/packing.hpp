#pragma once
// Offsets for the slots of a plan, in fixed storage: for constants, and for run time.

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace tenon::detail::inline TENON_MODE {

// The stages, positions in their order, that a slot is in use from and to, both included.
struct SlotLife {
  short first = 0;
  short last = 0;
  [[nodiscard]] constexpr bool meets(const SlotLife& other) const noexcept {
    return first <= other.last && other.first <= last;
  }
};

// Formula: max over stages of what their slots take when they lie side by side at multiples of
// `alignment`, the one with the most padding on top. No packing is lower. Cost: O(n²).
[[nodiscard]] constexpr std::size_t least_packing_bytes(std::span<const SlotLife> lives,
                                                        std::span<const std::size_t> bytes,
                                                        std::size_t alignment) noexcept {
  std::size_t most = 0;
  for (std::size_t at = 0; at < lives.size(); ++at) {  // what is in use grows where a slot begins
    if (bytes[at] == 0) continue;
    std::size_t sum = 0, padding = 0;
    for (std::size_t i = 0; i < lives.size(); ++i) {
      if (lives[i].first > lives[at].first || lives[i].last < lives[at].first) continue;
      const std::size_t aligned = align_up(bytes[i], alignment);
      sum += aligned;
      padding = std::max(padding, aligned - bytes[i]);
    }
    most = std::max(most, sum - padding);
  }
  return most;
}

// Slots get places one after the other, each the lowest that those before it leave. In which order is
// what matters: the largest first (Pisarchyk, Lee 2020), then those that lie longest times their
// size, then by life; and where none of these reaches the lower bound, changes of the best of them:
// the slot that ends highest moves before another, and whatever is no worse stays. Some order gives
// the least packing, since one by its offsets does.
template <std::size_t N>
class SlotPacker {
 public:
  // `most_tests` limits the search: comparisons of two slots, roughly. Deterministic.
  constexpr SlotPacker(std::span<const SlotLife> lives, std::span<const std::size_t> bytes,
                       std::size_t alignment, std::size_t most_tests)
      : lives_(lives), bytes_(bytes), alignment_(alignment) {
    for (std::size_t i = 0; i < lives.size(); ++i)
      if (bytes[i] != 0) order_[count_++] = static_cast<short>(i);
    lower_bound_ = least_packing_bytes(lives, bytes, alignment);
    const std::size_t tests =
        1 + count_ * (count_ / 2 + 5);  // what a slot costs by itself is about 5
    sort_by([&](std::size_t i) { return std::pair(bytes_[i], std::size_t{0}); });
    height_ = place(offsets_);
    if (height_ == lower_bound_ || most_tests < 3 * tests) return;
    best_ = order_;
    sort_by([&](std::size_t i) { return std::pair(bytes_[i] * duration(i), bytes_[i]); });
    keep_if_better(false);
    sort_by([&](std::size_t i) { return std::pair(duration(i), bytes_[i]); });
    keep_if_better(false);
    for (std::size_t left = most_tests / tests - 3; left > 0 && height_ > lower_bound_; --left) {
      order_ = best_;
      move_highest();
      keep_if_better(true);
    }
  }

  [[nodiscard]] constexpr std::size_t offset(std::size_t slot) const { return offsets_[slot]; }
  [[nodiscard]] constexpr std::size_t height() const { return height_; }
  [[nodiscard]] constexpr std::size_t lower_bound() const { return lower_bound_; }

 private:
  static constexpr std::size_t at(short i) { return static_cast<std::size_t>(i); }

  [[nodiscard]] constexpr std::size_t duration(std::size_t i) const {
    return static_cast<std::size_t>(lives_[i].last - lives_[i].first + 1);
  }

  template <class Key>
  constexpr void sort_by(const Key& key) {
    for (std::size_t i = 1; i < count_; ++i) {
      const short moved = order_[i];
      const auto own = key(at(moved));
      std::size_t j = i;
      for (; j > 0 && key(at(order_[j - 1])) < own; --j) order_[j] = order_[j - 1];
      order_[j] = moved;
    }
  }

  // Places the slots in order_. Returns the height.
  constexpr std::size_t place(std::array<std::size_t, N>& offsets) {
    std::size_t height = 0;
    for (std::size_t placed = 0; placed < count_; ++placed) {
      const std::size_t slot = at(order_[placed]);
      const std::size_t size = bytes_[slot];
      const SlotLife life = lives_[slot];
      std::size_t offset = 0;
      for (std::size_t j = 0; j < placed; ++j) {
        const std::size_t other = at(by_offset_[j]);
        if (!life.meets(lives_[other])) continue;
        if (offset + size <= offsets[other]) break;
        offset = std::max(offset, align_up(offsets[other] + bytes_[other], alignment_));
      }
      offsets[slot] = offset;
      height = std::max(height, offset + size);
      std::size_t j = placed;
      for (; j > 0 && offsets[at(by_offset_[j - 1])] > offset; --j)
        by_offset_[j] = by_offset_[j - 1];
      by_offset_[j] = static_cast<short>(slot);
    }
    return height;
  }

  // order_ becomes best_ where it packs lower, or as low.
  constexpr void keep_if_better(bool or_equal) {
    const std::size_t height = place(tried_);
    if (height > height_ || (height == height_ && !or_equal)) return;
    height_ = height;
    offsets_ = tried_;
    best_ = order_;
  }

  // The slot that ends highest goes before another one, any of those that come before it.
  constexpr void move_highest() {
    std::size_t top = 0;
    for (std::size_t i = 1; i < count_; ++i) {
      const std::size_t slot = at(order_[i]), highest = at(order_[top]);
      if (offsets_[slot] + bytes_[slot] > offsets_[highest] + bytes_[highest]) top = i;
    }
    if (top == 0) top = 1 + next() % (count_ - 1);
    const std::size_t to = next() % top;
    const short moved = order_[top];
    for (std::size_t i = top; i > to; --i) order_[i] = order_[i - 1];
    order_[to] = moved;
  }

  // Knuth's MMIX generator: the same numbers everywhere.
  constexpr std::size_t next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state_ >> 33);
  }

  std::span<const SlotLife> lives_;
  std::span<const std::size_t> bytes_;
  std::size_t alignment_;
  std::size_t count_ = 0;  // slots that have bytes
  std::array<short, N> order_{}, best_{}, by_offset_{};
  std::array<std::size_t, N> offsets_{}, tried_{};
  std::size_t height_ = 0;
  std::size_t lower_bound_ = 0;
  std::uint64_t state_ = 1;
};

}  // namespace tenon::detail::inline TENON_MODE
