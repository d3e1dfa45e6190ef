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

// The record of a block among records [first, last) of one chunk, or no_record. A block without
// bytes may share its address with others, so it is looked for apart, the last live one first.
// O(log), for empty blocks O(n).
template <class Records>
[[nodiscard]] std::size_t find_block(const Records& records, std::size_t first, std::size_t last,
                                     const void* block, bool is_empty) noexcept {
  if (!is_empty) {
    if (last > first && records[last - 1].block == block && records[last - 1].bytes > 0)
      return last - 1;
    // Records after that of a block start at its end or above.
    const auto* address = static_cast<const std::byte*>(block);
    const std::size_t above =
        partition_point(first, last, [&](std::size_t k) { return records[k].before <= address; });
    const bool found =
        above > first && records[above - 1].block == block && records[above - 1].bytes > 0;
    return found ? above - 1 : no_record;
  }
  std::size_t freed = no_record;
  for (std::size_t k = last; k > first; --k) {
    if (records[k - 1].block != block || records[k - 1].bytes > 0) continue;
    if (!records[k - 1].is_freed()) return k - 1;
    if (freed == no_record) freed = k - 1;
  }
  return freed;
}

}  // namespace tenon::detail
