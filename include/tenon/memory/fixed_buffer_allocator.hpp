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
};

// Blocks one after the other in the caller's buffer: no heap, no system call, ever. 64-byte aligned
// unless more is asked. A freed block gives its bytes back once all blocks issued after it are
// freed too; frees in LIFO order thus give everything back, to the byte.
// A buffer aligned to 64 serves a workspace of exactly its size: the first 32 blocks alive at a
// time are recorded in the allocator itself; each one more takes 32 bytes from the buffer's end.
// Under AddressSanitizer the buffer may be touched only through its blocks while the allocator
// lives. Not thread-safe: one thread at a time.
class FixedBufferAllocator final : public StampedResource {
 public:
  // Where the allocator stands. Valid until the next reset.
  class Mark {
    friend class FixedBufferAllocator;
    Mark(std::uint64_t generation, std::uint64_t stamp) noexcept
        : generation_(generation), stamp_(stamp) {}
    std::uint64_t generation_;
    std::uint64_t stamp_;
  };

  // Contract: the buffer outlives the allocator and the allocator every handle to its blocks, which
  // one made in a checked build reports when it dies (set_leak_handler).
  template <bool Checked = checked_build>
  explicit FixedBufferAllocator(std::span<std::byte> buffer) noexcept
      : FixedBufferAllocator(buffer, Checked) {}

  ~FixedBufferAllocator() override {
    if (reports_) report_handles();
    detail::unpoison_contents(begin_, capacity());
  }

  // A block of `bytes` (0 is fine) at a multiple of max(64, alignment). Not initialised.
  // Contract: alignment is a power of two.
  // Errors: OutOfMemory with requested, available and missing bytes; everything is as it was.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    const std::size_t multiple = alignment > block_alignment ? alignment : block_alignment;
    const std::size_t padding = (0 - reinterpret_cast<std::uintptr_t>(top_)) & (multiple - 1);
    const std::size_t free_bytes = capacity() - used();
    const std::size_t taken = tail_bytes(count_ + 1);
    const std::size_t unavailable = taken > free_bytes ? free_bytes : taken;
    const std::size_t room = free_bytes - unavailable;
    const std::size_t available = padding < room ? room - padding : 0;
    if (taken > free_bytes || bytes > available) [[unlikely]]
      refuse_request(bytes, available, taken > free_bytes ? taken - free_bytes : 0);
    auto* block = bytes > 0 ? top_ + padding : detail::empty_block(issued_count_ + 1, alignment);
    if (count_ >= inline_count) detail::unpoison(&record(count_), sizeof(BumpRecord));
    record(count_) = {top_, block, bytes, ++issued_count_};
    ++count_;
    if (bytes > 0) top_ = block + bytes;
    issued_bytes_ += bytes;
    const std::size_t live = issued_bytes_ - freed_bytes_;
    if (live > peak_bytes_) peak_bytes_ = live;
    detail::unpoison(block, bytes);
    return block;
  }

  // Ends a block's life. Its bytes come back once every later block is freed too.
  // Errors: ContractError (foreign pointer, double free, wrong size), StaleTensorError (a pointer
  // into the buffer that is no block now: freed, rewound or reset); nothing is changed then. From a
  // noexcept function such an error ends the program with its text.
  // Cost: O(1) for the last block, else O(log blocks).
  void deallocate(void* block, std::size_t bytes, std::size_t = block_alignment) {
    const std::size_t i = find(reinterpret_cast<std::uintptr_t>(block), bytes == 0);
    if (i == detail::no_record || record(i).is_freed() || record(i).bytes != bytes) [[unlikely]]
      refuse_free(block, bytes, i);
    record(i).stamp_flags |= BumpRecord::freed_flag;
    detail::poison(block, bytes);
    ++freed_count_;
    freed_bytes_ += bytes;
    if (i + 1 == count_) take_back();
  }

  // Everything issued so far dies; the whole buffer is free; the generation changes. O(1).
  void reset() noexcept {
    freed_count_ = issued_count_;
    freed_bytes_ = issued_bytes_;
    count_ = 0;
    top_ = begin_;
    ++generation_;
    detail::poison(begin_, capacity());
  }

  [[nodiscard]] Mark mark() const noexcept { return Mark(generation_, issued_count_); }

  // Everything issued after the mark dies; blocks from before it stay as they are.
  // Contract: the mark is of this allocator. Errors: ContractError if it was reset since.
  void rewind(Mark mark) {
    if (mark.generation_ != generation_)
      detail::raise<ContractError>("FixedBufferAllocator::rewind",
                                   "the mark is of generation %llu, the allocator was reset and is "
                                   "of generation %llu",
                                   static_cast<unsigned long long>(mark.generation_),
                                   static_cast<unsigned long long>(generation_));
    const std::size_t kept = detail::partition_point(
        0, count_, [&](std::size_t k) { return record(k).stamp() <= mark.stamp_; });
    for (std::size_t k = kept; k < count_; ++k) {
      if (record(k).is_freed()) continue;
      detail::poison(record(k).block, record(k).bytes);
      ++freed_count_;
      freed_bytes_ += record(k).bytes;
    }
    pop_to(kept);
    take_back();
  }

  [[nodiscard]] std::uint64_t generation() const noexcept override { return generation_; }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    std::size_t i = count_;
    if (i > 0 && record(i - 1).block == block)
      i = i - 1;
    else if (i = find(reinterpret_cast<std::uintptr_t>(block), false); i == detail::no_record)
      i = find(reinterpret_cast<std::uintptr_t>(block), true);
    if (i == detail::no_record || record(i).is_freed()) return 0;
    record(i).stamp_flags |= BumpRecord::handle_flag;
    return record(i).stamp();
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    const std::size_t i = detail::find_stamp(Records{this}, count_, stamp);
    return i != detail::no_record && record(i).block == block && !record(i).is_freed();
  }

  [[nodiscard]] FixedBufferStats stats() const noexcept {
    return {issued_bytes_ - freed_bytes_,
            static_cast<std::size_t>(issued_count_ - freed_count_),
            peak_bytes_,
            used(),
            capacity(),
            issued_count_,
            freed_count_};
  }

 private:
  using BumpRecord = detail::BumpRecord;

  struct Records {
    const FixedBufferAllocator* owner;
    const BumpRecord& operator[](std::size_t i) const noexcept { return owner->record(i); }
  };

  // Enough for the results and the workspace of an evaluation; 1 KiB in the allocator.
  static constexpr std::size_t inline_count = 32;

  FixedBufferAllocator(std::span<std::byte> buffer, bool reports) noexcept
      : begin_(buffer.data()),
        end_(buffer.data() + buffer.size()),
        top_(buffer.data()),
        reports_(reports) {
    detail::poison(begin_, capacity());
  }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  [[nodiscard]] std::size_t capacity() const noexcept {
    return static_cast<std::size_t>(end_ - begin_);
  }
  [[nodiscard]] std::size_t used() const noexcept {
    return static_cast<std::size_t>(top_ - begin_);
  }

  // What records take from the buffer's end for `count` blocks, alignment of the end included.
  [[nodiscard]] std::size_t tail_bytes(std::size_t count) const noexcept {
    if (count <= inline_count) return 0;
    return (count - inline_count) * sizeof(BumpRecord) + end_misalignment();
  }
  [[nodiscard]] std::size_t end_misalignment() const noexcept {
    return reinterpret_cast<std::uintptr_t>(end_) & (alignof(BumpRecord) - 1);
  }

  [[nodiscard]] BumpRecord& record(std::size_t i) const noexcept {
    if (i < inline_count) return inline_[i];
    return reinterpret_cast<BumpRecord*>(
        end_ - end_misalignment())[-static_cast<std::ptrdiff_t>(i - inline_count + 1)];
  }
  [[nodiscard]] std::size_t find(std::uintptr_t block, bool is_empty) const noexcept {
    return is_empty ? detail::find_empty_block(Records{this}, count_, block)
                    : detail::find_block(Records{this}, 0, count_, block);
  }

  // Forgets the records from index `kept` on and moves the top down to where they began.
  void pop_to(std::size_t kept) noexcept {
    if (kept == count_) return;
    top_ = record(kept).before;
    for (std::size_t k = kept > inline_count ? kept : inline_count; k < count_; ++k)
      detail::poison(&record(k), sizeof(BumpRecord));
    count_ = kept;
  }

  void take_back() noexcept {
    std::size_t kept = count_;
    while (kept > 0 && record(kept - 1).is_freed()) --kept;
    pop_to(kept);
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

  [[noreturn]] TENON_COLD void refuse_free(void* block, std::size_t bytes, std::size_t i) const {
    if (i != detail::no_record && record(i).is_freed())
      detail::raise<ContractError>("FixedBufferAllocator::deallocate",
                                   "double free of %p, a block of %zu B", block, record(i).bytes);
    if (i != detail::no_record)
      detail::raise<ContractError>("FixedBufferAllocator::deallocate",
                                   "%p is freed with %zu B but was issued with %zu B", block, bytes,
                                   record(i).bytes);
    if (block >= begin_ && block < end_)
      detail::raise<StaleTensorError>("FixedBufferAllocator::deallocate",
                                      "%p (%zu B) was freed, rewound or reset before "
                                      "(generation %llu, %zu live blocks)",
                                      block, bytes, static_cast<unsigned long long>(generation_),
                                      stats().live_count);
    detail::raise<ContractError>("FixedBufferAllocator::deallocate",
                                 "%p (%zu B) is no block of this buffer of %zu B", block, bytes,
                                 capacity());
  }

  TENON_COLD void report_handles() const noexcept {
    LeakReport report{"FixedBufferAllocator", 0, 0};
    for (std::size_t k = 0; k < count_; ++k) {
      if (record(k).is_freed() || !record(k).has_handle()) continue;
      ++report.block_count;
      report.live_bytes += record(k).bytes;
    }
    if (report.block_count > 0) detail::leak_handler()(report);
  }

  std::byte* begin_;
  std::byte* end_;
  std::byte* top_;
  std::size_t count_ = 0;           // records
  std::uint64_t issued_count_ = 0;  // also the last stamp
  std::uint64_t freed_count_ = 0;
  std::size_t issued_bytes_ = 0;  // totals; their difference is live
  std::size_t freed_bytes_ = 0;
  std::size_t peak_bytes_ = 0;
  std::uint64_t generation_ = 1;
  bool reports_;
  mutable BumpRecord inline_[inline_count];  // mutable: asking for a stamp flags the record
};

}  // namespace tenon
