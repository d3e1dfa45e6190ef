#pragma once
// What bump allocators know of their blocks: a stack of records in the order of issue. It is what
// lets them name blocks, find double frees, and take memory back when the topmost blocks are freed.

#include <cstddef>
#include <cstdint>

namespace tenon::detail {

struct BumpRecord {
  static constexpr std::uint64_t freed_flag = std::uint64_t{1} << 63;
  static constexpr std::uint64_t handle_flag = std::uint64_t{1} << 62;  // its stamp was asked for
  static constexpr std::uint64_t stamp_mask = handle_flag - 1;

  std::byte* before;  // the top before this block; never decreases up the stack within a chunk
  std::byte* block;
  std::size_t bytes;          // as requested
  std::uint64_t stamp_flags;  // strictly increasing stamps, plus the two flags

  [[nodiscard]] std::uint64_t stamp() const noexcept { return stamp_flags & stamp_mask; }
  [[nodiscard]] bool is_freed() const noexcept { return (stamp_flags & freed_flag) != 0; }
  [[nodiscard]] std::uintptr_t address() const noexcept {
    return reinterpret_cast<std::uintptr_t>(block);
  }
  [[nodiscard]] std::uintptr_t before_address() const noexcept {
    return reinterpret_cast<std::uintptr_t>(before);
  }
  [[nodiscard]] bool has_handle() const noexcept { return (stamp_flags & handle_flag) != 0; }
};

inline constexpr std::size_t no_record = static_cast<std::size_t>(-1);

// The first index in [first, last) for which `holds` is false; all true ones come first.
template <class Predicate>
[[nodiscard]] std::size_t partition_point(std::size_t first, std::size_t last,
                                          Predicate holds) noexcept {
  while (first < last) {
    const std::size_t middle = first + (last - first) / 2;
    if (holds(middle))
      first = middle + 1;
    else
      last = middle;
  }
  return first;
}

// The record with this stamp among `count` records, or no_record. O(log count).
template <class Records>
[[nodiscard]] std::size_t find_stamp(const Records& records, std::size_t count,
                                     std::uint64_t stamp) noexcept {
  if (count > 0 && records[count - 1].stamp() == stamp) return count - 1;
  const std::size_t i =
      partition_point(0, count, [&](std::size_t k) { return records[k].stamp() < stamp; });
  return i < count && records[i].stamp() == stamp ? i : no_record;
}

// The address of a block without bytes: one that no other live block has. It takes nothing, so a full
// resource can still issue it, and there is nothing behind it.
[[nodiscard]] inline std::byte* empty_block(std::uint64_t stamp, std::size_t alignment) noexcept {
  constexpr std::size_t spacing = std::size_t{1} << 21;  // so alignments up to it cannot coincide
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(stamp) *
                                      (alignment > spacing ? alignment : spacing));
}

// The record of the block with bytes at an address among records [first, last) of one chunk, or
// no_record. O(log).
template <class Records>
[[nodiscard]] std::size_t find_block(const Records& records, std::size_t first, std::size_t last,
                                     std::uintptr_t block) noexcept {
  if (last > first && records[last - 1].address() == block && records[last - 1].bytes > 0)
    return last - 1;
  // Records after that of a block start at its end or above.
  const std::size_t above = partition_point(
      first, last, [&](std::size_t k) { return records[k].before_address() <= block; });
  const bool found =
      above > first && records[above - 1].address() == block && records[above - 1].bytes > 0;
  return found ? above - 1 : no_record;
}

// The record of the block without bytes at an address, or no_record. O(count): nobody hurries.
template <class Records>
[[nodiscard]] std::size_t find_empty_block(const Records& records, std::size_t count,
                                           std::uintptr_t block) noexcept {
  for (std::size_t k = count; k > 0; --k)
    if (records[k - 1].address() == block && records[k - 1].bytes == 0) return k - 1;
  return no_record;
}

}  // namespace tenon::detail
