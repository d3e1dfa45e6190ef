#pragma once
// Bump allocation in memory of the caller.

#include <tenon/memory/bump.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/resource.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace tenon {

struct FixedBufferStats {
  std::size_t live_bytes;  // as requested
  std::size_t live_count;
  std::size_t peak_bytes;      // the highest live_bytes ever
  std::size_t used_bytes;      // below the top: live blocks, alignment gaps and holes
  std::size_t capacity_bytes;  // of the buffer
  std::uint64_t allocations;
  std::uint64_t deallocations;  // allocations - live_count: freed, rewound or reset

  // live_bytes / capacity_bytes, 0 for an empty buffer.
  [[nodiscard]] double utilisation() const noexcept {
    return detail::share(live_bytes, capacity_bytes);
  }
  // (used_bytes - live_bytes) / used_bytes: gaps and holes below the top; 0 while nothing is used.
  [[nodiscard]] double fragmentation() const noexcept {
    return detail::share(used_bytes - live_bytes, used_bytes);
  }
};

// Blocks one after the other in the caller's buffer: no heap, no system call, ever. 64-byte aligned
// unless more is asked. A freed block gives its bytes back once all blocks issued after it are
// freed too; frees in LIFO order thus give everything back, to the byte.
// A buffer aligned to 64 serves a workspace of exactly its size: the first 32 blocks alive at a
// time are recorded in the allocator itself; each one more takes 24 bytes from the buffer's end.
// Under AddressSanitizer the buffer may be touched only through its blocks while the allocator
// lives. Not thread-safe: one thread at a time.
class FixedBufferAllocator final : public detail::BumpResource<FixedBufferAllocator> {
 public:
  // Contract: the buffer outlives the allocator and the allocator every handle to its blocks, which
  // one made in a checked build reports when it dies (set_leak_handler).
  template <bool Checked = checked_build>
  explicit FixedBufferAllocator(std::span<std::byte> buffer) noexcept
      : FixedBufferAllocator(buffer, Checked) {}

  ~FixedBufferAllocator() override {
    report_handles();
    detail::unpoison_contents(begin_, capacity());
  }

  // A block of `bytes` (0 is fine) at a multiple of max(64, alignment). Not initialised.
  // Contract: alignment is a power of two.
  // Errors: OutOfMemory with requested, available and missing bytes; everything is as it was.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    const std::size_t padding = padding_for(alignment);
    const std::size_t free_bytes = capacity() - used();
    const std::size_t taken = tail_bytes(count_ + 1);
    const std::size_t unavailable = taken > free_bytes ? free_bytes : taken;
    const std::size_t room = free_bytes - unavailable;
    const std::size_t available = padding < room ? room - padding : 0;
    if (taken > free_bytes || bytes > available) [[unlikely]]
      refuse_request(bytes, available, taken > free_bytes ? taken - free_bytes : 0);
    if (count_ >= inline_count) detail::unpoison(&record(count_), sizeof(detail::BumpRecord));
    if (bytes == 0) [[unlikely]]
      return issue_empty(alignment);
    std::byte* block = top_ + padding;
    issue(block + bytes, bytes, detail::BumpRecord::alignment_bits(alignment));
    detail::unpoison(block, bytes);
    return block;
  }

  // Everything issued so far dies; the whole buffer is free; the generation changes. O(1).
  void reset() noexcept {
    end_generation();
    top_ = begin_;
    detail::poison(begin_, capacity());
  }

  [[nodiscard]] FixedBufferStats stats() const noexcept {
    return {live_bytes_, live_count(),   peak_bytes(), used(),
            capacity(),  issued_count(), freed_count()};
  }

 private:
  friend class detail::BumpResource<FixedBufferAllocator>;

  static constexpr const char* class_name = "FixedBufferAllocator";
  static constexpr const char* deallocate_name = "FixedBufferAllocator::deallocate";
  static constexpr const char* rewind_name = "FixedBufferAllocator::rewind";

  // Enough for the results and the workspace of an evaluation; 768 B in the allocator.
  static constexpr std::size_t inline_count = 32;

  FixedBufferAllocator(std::span<std::byte> buffer, bool reports) noexcept
      : BumpResource(buffer.data(), buffer.data() + buffer.size(), reports), begin_(buffer.data()) {
    detail::poison(begin_, capacity());
  }

  [[nodiscard]] std::size_t capacity() const noexcept {
    return static_cast<std::size_t>(end_ - begin_);
  }
  [[nodiscard]] std::size_t used() const noexcept {
    return static_cast<std::size_t>(top_ - begin_);
  }
  [[nodiscard]] bool has_address(const void* block) const noexcept {
    return block >= begin_ && block < end_;
  }

  // What records take from the buffer's end for `count` blocks, alignment of the end included.
  [[nodiscard]] std::size_t tail_bytes(std::size_t count) const noexcept {
    if (count <= inline_count) return 0;
    return (count - inline_count) * sizeof(detail::BumpRecord) + end_misalignment();
  }
  [[nodiscard]] std::size_t end_misalignment() const noexcept {
    return reinterpret_cast<std::uintptr_t>(end_) & (alignof(detail::BumpRecord) - 1);
  }

  [[nodiscard]] detail::BumpRecord& record(std::size_t i) const noexcept {
    if (i < inline_count) return inline_[i];
    return reinterpret_cast<detail::BumpRecord*>(
        end_ - end_misalignment())[-static_cast<std::ptrdiff_t>(i - inline_count + 1)];
  }
  void forget(std::size_t i) const noexcept {
    if (i >= inline_count) detail::poison(&record(i), sizeof(detail::BumpRecord));
  }
  void go_back(std::size_t kept) noexcept { top_ = record(kept).before; }
  [[nodiscard]] std::size_t find_in_chunks(std::uintptr_t block) const noexcept {
    return find_between(0, count_, block);
  }

  [[noreturn]] TENON_COLD static void refuse_request(std::size_t bytes, std::size_t available,
                                                     std::size_t record_bytes) {
    const std::size_t short_of = bytes > available ? bytes - available : 0;
    const std::size_t missing = record_bytes > std::numeric_limits<std::size_t>::max() - short_of
                                    ? bytes
                                    : short_of + record_bytes;
    detail::raise<OutOfMemory>("FixedBufferAllocator",
                               "requested %zu B, available %zu B, missing %zu B", bytes, available,
                               missing);
  }

  std::byte* begin_;
  // mutable: asking for a stamp flags the record
  mutable detail::BumpRecord inline_[inline_count];
};

}  // namespace tenon
