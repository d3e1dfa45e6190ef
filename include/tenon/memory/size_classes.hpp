#pragma once
// Block sizes of a pool as plain data: made by hand, or learnt from a recorded run.

#include <tenon/memory/resource.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include <cstddef>
#include <span>

namespace tenon {

// Blocks of `bytes`, of which a pool holds `count` from the start (0: made when first asked for).
struct SizeClass {
  std::size_t bytes;
  std::size_t count;

  [[nodiscard]] friend bool operator==(const SizeClass&, const SizeClass&) = default;
};

// A set of block sizes: ascending, distinct multiples of 64, at most 64 of them. A request is served
// by the least class that holds it.
// Everything is inline and constexpr; no allocation. Thread rules: those of a struct.
class SizeClasses {
 public:
  static constexpr std::size_t max_count = 64;

  constexpr SizeClasses() = default;

  // Rounds sizes up to multiples of 64 (0 becomes 64), sorts them, and joins equal ones by adding
  // their counts. Errors: ContractError for more than 64 classes, or a size above PTRDIFF_MAX.
  constexpr explicit SizeClasses(std::span<const SizeClass> classes) {
    for (const SizeClass& c : classes) insert(c);
  }

  // What a pool without a profile has: 64 * 2^i bytes, i = 0 ... 21 (64 B ... 128 MiB), none held.
  [[nodiscard]] static constexpr SizeClasses powers_of_two() {
    SizeClasses all;
    for (std::size_t i = 0; i < 22; ++i) all.insert({block_alignment << i, 0});
    return all;
  }

  // Adds a class as the constructor does. Cost: O(size()).
  constexpr void insert(SizeClass added) {
    constexpr auto largest = static_cast<std::size_t>(-1) / 2 - (block_alignment - 1);
    if (added.bytes > largest)
      detail::raise<ContractError>("SizeClasses", "a class of %zu B, more than a block can have",
                                   added.bytes);
    added.bytes = align_up(added.bytes > 0 ? added.bytes : 1, block_alignment);
    const std::size_t place = index_of(added.bytes);
    if (place < count_ && classes_[place].bytes == added.bytes) {
      classes_[place].count += added.count;
      return;
    }
    if (count_ == max_count)
      detail::raise<ContractError>("SizeClasses", "more than %zu classes", max_count);
    for (std::size_t i = count_; i > place; --i) classes_[i] = classes_[i - 1];
    classes_[place] = added;
    ++count_;
  }

  // The classes, smallest first.
  [[nodiscard]] constexpr std::span<const SizeClass> classes() const noexcept {
    return {classes_, count_};
  }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }
  // Contract: i < size().
  [[nodiscard]] constexpr const SizeClass& operator[](std::size_t i) const noexcept {
    return classes_[i];
  }
  [[nodiscard]] constexpr const SizeClass* begin() const noexcept { return classes_; }
  [[nodiscard]] constexpr const SizeClass* end() const noexcept { return classes_ + count_; }

  // The least class that holds `bytes`, or size() where none does. Cost: O(log size()).
  [[nodiscard]] constexpr std::size_t index_of(std::size_t bytes) const noexcept {
    std::size_t first = 0;
    for (std::size_t last = count_; first < last;) {
      const std::size_t middle = first + (last - first) / 2;
      if (classes_[middle].bytes < bytes)
        first = middle + 1;
      else
        last = middle;
    }
    return first;
  }

  // What a request of `bytes` takes: the size of its class, or, above all classes, `bytes` rounded
  // up to a multiple of 64. Contract: bytes <= PTRDIFF_MAX.
  [[nodiscard]] constexpr std::size_t footprint(std::size_t bytes) const noexcept {
    const std::size_t i = index_of(bytes);
    return i < count_ ? classes_[i].bytes : align_up(bytes, block_alignment);
  }

  // What a pool takes that holds `count` blocks of every class: sum of bytes * count.
  [[nodiscard]] constexpr std::size_t held_bytes() const noexcept {
    std::size_t sum = 0;
    for (const SizeClass& c : classes()) sum += c.bytes * c.count;
    return sum;
  }

  [[nodiscard]] friend constexpr bool operator==(const SizeClasses& a,
                                                 const SizeClasses& b) noexcept {
    if (a.count_ != b.count_) return false;
    for (std::size_t i = 0; i < a.count_; ++i)
      if (!(a.classes_[i] == b.classes_[i])) return false;
    return true;
  }

 private:
  SizeClass classes_[max_count] = {};
  std::size_t count_ = 0;
};

}  // namespace tenon
