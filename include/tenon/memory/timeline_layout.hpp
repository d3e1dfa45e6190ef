#pragma once
// Where things go in the picture of a log: addresses to heights, with unused ranges folded away.

#include <tenon/memory/buffer_life.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

namespace tenon::detail {

// Addresses drawn to one scale, without a fold in between.
struct AddressRegion {
  std::uintptr_t first;
  std::uintptr_t last;  // one past
  double low;           // height of `first` above the axis
  double high;          // height of `last`

  [[nodiscard]] std::size_t bytes() const noexcept { return last - first; }
  [[nodiscard]] double height_of(std::uintptr_t address) const noexcept {
    return low + (high - low) * static_cast<double>(address - first) / static_cast<double>(bytes());
  }
};

// Address ranges that ever held a buffer, ascending; unused ranges longer than 1/24 of all that is
// used become folds. A region's height goes with the mean of its share of the bytes and of their
// square roots, so that small ones beside large ones stay legible; within a region heights are proportional to bytes.
class AddressAxis {
 public:
  static constexpr double widest_fold = 16;

  AddressAxis(std::span<const BufferLife> lives, double height, std::pmr::memory_resource* memory)
      : regions_(memory) {
    std::pmr::vector<AddressRegion> used(memory);
    for (const BufferLife& life : lives) used.push_back({life.address, end_of(life), 0, 0});
    join(used, 0);
    std::size_t used_bytes = 0;
    for (const AddressRegion& range : used) used_bytes += range.bytes();
    join(used, used_bytes / 24);
    regions_ = std::move(used);
    place(height);
  }

  [[nodiscard]] std::span<const AddressRegion> regions() const noexcept { return regions_; }
  [[nodiscard]] double fold_height() const noexcept { return fold_; }

  // Contract: the address is one of a buffer of the axis.
  [[nodiscard]] const AddressRegion& region_of(std::uintptr_t address) const noexcept {
    const auto above = std::upper_bound(
        regions_.begin(), regions_.end(), address,
        [](std::uintptr_t a, const AddressRegion& region) { return a < region.first; });
    return *(above - 1);
  }

 private:
  [[nodiscard]] static std::uintptr_t end_of(const BufferLife& life) noexcept {
    return life.address + life.bytes;
  }

  // Joins ranges that are not more than `gap` apart.
  static void join(std::pmr::vector<AddressRegion>& ranges, std::size_t gap) {
    std::sort(ranges.begin(), ranges.end(),
              [](const AddressRegion& a, const AddressRegion& b) { return a.first < b.first; });
    std::size_t count = 0;
    for (const AddressRegion& range : ranges) {
      if (count > 0 &&
          (range.first <= ranges[count - 1].last || range.first - ranges[count - 1].last <= gap))
        ranges[count - 1].last = std::max(ranges[count - 1].last, range.last);
      else
        ranges[count++] = range;
    }
    ranges.resize(count, AddressRegion{});
  }

  [[nodiscard]] static double root_of(const AddressRegion& region) noexcept {
    return std::sqrt(static_cast<double>(region.bytes()));
  }

  void place(double height) {
    if (regions_.empty()) return;
    const auto count = static_cast<double>(regions_.size());
    fold_ = count > 1 ? std::min(widest_fold, 0.25 * height / (count - 1)) : 0;
    const double room = height - fold_ * (count - 1);
    const double least = std::min(14.0, 0.5 * room / count);
    double roots = 0, bytes = 0;
    for (const AddressRegion& region : regions_) {
      roots += root_of(region);
      bytes += static_cast<double>(region.bytes());
    }
    double low = 0;
    for (AddressRegion& region : regions_) {
      const double share =
          (root_of(region) / roots + static_cast<double>(region.bytes()) / bytes) / 2;
      region.low = low;
      region.high = low + least + (room - count * least) * share;
      low = region.high + fold_;
    }
  }

  std::pmr::vector<AddressRegion> regions_;
  double fold_ = 0;
};

// The least step of the form 1, 2, 5 · 10^k that divides `length` into at most `parts`.
[[nodiscard]] inline std::uint64_t decimal_step(std::uint64_t length,
                                                std::uint64_t parts) noexcept {
  for (std::uint64_t power = 1;; power *= 10)
    for (const std::uint64_t digit : {1U, 2U, 5U})
      if (length / (digit * power) <= parts) return digit * power;
}

// The least power of two >= 64 that divides `bytes` into at most `parts`.
[[nodiscard]] inline std::uint64_t binary_step(std::uint64_t bytes, double parts) noexcept {
  std::uint64_t step = 64;
  while (static_cast<double>(bytes) / static_cast<double>(step) > parts) step *= 2;
  return step;
}

}  // namespace tenon::detail
