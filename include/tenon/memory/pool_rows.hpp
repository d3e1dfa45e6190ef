#pragma once
// The rows of a pool: which row serves a request, and which blocks of a row are free.

#include <tenon/memory/pool_blocks.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/size_classes.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tenon::detail {

// Rows 0 ... 63 are the size classes, 64-byte aligned; then powers of two aligned to pages; the last
// one has the blocks of exact size.
struct PoolLayout {
  static constexpr std::size_t power_count = 22;
  static constexpr std::size_t largest_power = block_alignment << (power_count - 1);
  static constexpr std::size_t aligned_row = SizeClasses::max_count;
  static constexpr std::size_t exact_row = aligned_row + power_count;
  static constexpr std::size_t row_count = exact_row + 1;
  static constexpr std::size_t row_alignment = 4096;

  // log2 of the least power of two >= bytes, from 64 B on, minus 6. 0 for 0 bytes.
  [[nodiscard]] static constexpr std::size_t power_of(std::size_t bytes) noexcept {
    const std::size_t last = bytes > 0 ? bytes - 1 : 0;
    return static_cast<std::size_t>(std::bit_width(last | (block_alignment - 1))) - 6;
  }

  SizeClasses classes;

  [[nodiscard]] std::size_t row_of(std::size_t bytes, std::size_t alignment) const noexcept {
    if (alignment <= block_alignment) {
      const std::size_t i = classes.index_of(bytes);
      return i < classes.size() ? i : exact_row;
    }
    return bytes <= largest_power && alignment <= row_alignment ? aligned_row + power_of(bytes)
                                                                : exact_row;
  }

  // What a block of this row holds that is made for `bytes`. Contract: bytes <= PTRDIFF_MAX - 63.
  [[nodiscard]] std::size_t capacity_of(std::size_t row, std::size_t bytes) const noexcept {
    if (row < aligned_row) return classes[row].bytes;
    if (row < exact_row) return block_alignment << (row - aligned_row);
    return align_up(bytes > 0 ? bytes : 1, block_alignment);
  }

  // What a block of this row that is made for `alignment` is a multiple of.
  [[nodiscard]] static std::size_t alignment_of(std::size_t row, std::size_t alignment) noexcept {
    if (row < aligned_row) return block_alignment;
    if (row < exact_row) return row_alignment;
    return alignment > block_alignment ? alignment : block_alignment;
  }
};

// A block of a row: where it lies, and its record. A pool that checks no frees leaves the records of free
// blocks unset: it reads and writes nothing of a block but its address.
struct PoolPlace {
  std::byte* data;
  PoolBlock* record;
};

// What lies below the stack of a row that never had a block.
inline constexpr PoolPlace no_free_block[1] = {{nullptr, nullptr}};

// The blocks of one row: a list of all, and a stack of those freed since the last clear. After a clear
// all are free, without walking them: fresh ones are taken from the list's end. Arrays instead of links
// through the records, so that the next block is known before the record of this one is read.
struct PoolRow {
  PoolPlace* top = const_cast<PoolPlace*>(no_free_block) + 1;  // above the block freed last
  PoolPlace* places =
      nullptr;  // an empty one, then `capacity` for free blocks, then as many for all
  std::uint32_t fresh_count =
      0;                    // of all, the first ones: neither issued nor freed since the clear
  std::uint32_t count = 0;  // of all
  std::uint32_t capacity = 0;

  [[nodiscard]] PoolPlace* all() const noexcept { return places + 1 + capacity; }

  // A free block, or null. By pointer: copied at once, a place that was just written in two halves would
  // have to be waited for (6 ns on Zen 4).
  [[nodiscard]] const PoolPlace* take() noexcept {
    if (top[-1].data != nullptr) [[likely]]
      return --top;
    return fresh_count > 0 ? &all()[--fresh_count] : nullptr;
  }
  // The same without its record.
  [[nodiscard]] std::byte* take_data() noexcept {
    std::byte* data = top[-1].data;
    if (data != nullptr) [[likely]]
      --top;
    else if (fresh_count > 0)
      data = all()[--fresh_count].data;
    return data;
  }
  // Contract: the block is in the row and neither freed nor fresh.
  void push(PoolBlock& b) noexcept { *top++ = {b.data, &b}; }
  void push_data(std::byte* data) noexcept { (top++)->data = data; }

  [[nodiscard]] std::size_t free_count() const noexcept {
    return places != nullptr ? static_cast<std::size_t>(top - places) - 1 : 0;
  }
  [[nodiscard]] std::size_t pooled_count() const noexcept { return free_count() + fresh_count; }

  void clear() noexcept {
    if (places != nullptr) top = places + 1;
    fresh_count = count;
  }

  // Makes room for one more block; unchanged on failure.
  void reserve_one(std::pmr::memory_resource& upstream, const char* operation) {
    if (count < capacity) return;
    constexpr std::uint32_t first = 8;
    const std::uint32_t wanted = capacity > 0 ? 2 * capacity : first;
    auto* grown =
        static_cast<PoolPlace*>(acquire(upstream, bytes_for(wanted), alignof(PoolPlace), operation,
                                        bytes_for(wanted), bytes_for(capacity)));
    grown[0] = no_free_block[0];
    const std::size_t freed = free_count();
    for (std::size_t i = 0; i < freed; ++i) grown[1 + i] = places[1 + i];
    for (std::size_t i = 0; i < count; ++i) grown[1 + wanted + i] = all()[i];
    release(upstream);
    places = grown;
    top = grown + 1 + freed;
    capacity = wanted;
  }

  void release(std::pmr::memory_resource& upstream) const noexcept {
    if (places != nullptr) upstream.deallocate(places, bytes_for(capacity), alignof(PoolPlace));
  }

 private:
  [[nodiscard]] static std::size_t bytes_for(std::uint32_t blocks) noexcept {
    return (1 + std::size_t{2} * blocks) * sizeof(PoolPlace);
  }
};

}  // namespace tenon::detail
