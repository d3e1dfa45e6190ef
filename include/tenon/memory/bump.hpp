#pragma once
// What bump allocators share. They know their blocks by a stack of records in the order of issue: it
// names blocks, finds double frees, and gives memory back when the topmost blocks are freed.

#include <tenon/memory/poison.hpp>
#include <tenon/memory/resource.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tenon::detail {

// 24 bytes: what is written at every allocation decides its speed (Zen 4, GCC 12: 32 bytes and four
// counters 1.65 ns, as it is now 1.3), so the address is worked out from the top before the block.
struct BumpRecord {
  static constexpr std::uint64_t freed_flag = std::uint64_t{1} << 63;
  static constexpr std::uint64_t handle_flag = std::uint64_t{1} << 62;  // its stamp was asked for
  static constexpr int alignment_shift = 56;  // six bits: log2(alignment / 64)
  static constexpr std::uint64_t stamp_mask = (std::uint64_t{1} << alignment_shift) - 1;

  std::byte* before;  // the top before this block; never decreases up the stack within a chunk
  std::size_t bytes;  // as requested
  std::uint64_t stamp_flags;  // strictly increasing stamps, the alignment, the flags

  // The bits of stamp_flags that stand for an alignment, a power of two; 0 up to 64.
  [[nodiscard]] static constexpr std::uint64_t alignment_bits(std::size_t alignment) noexcept {
    return alignment > block_alignment
               ? static_cast<std::uint64_t>(std::countr_zero(alignment / block_alignment))
                     << alignment_shift
               : 0;
  }

  [[nodiscard]] std::uint64_t stamp() const noexcept { return stamp_flags & stamp_mask; }
  [[nodiscard]] bool is_freed() const noexcept { return (stamp_flags & freed_flag) != 0; }
  [[nodiscard]] bool has_handle() const noexcept { return (stamp_flags & handle_flag) != 0; }
  [[nodiscard]] std::size_t alignment() const noexcept {
    return block_alignment << ((stamp_flags >> alignment_shift) & 63);
  }
  [[nodiscard]] std::uintptr_t before_address() const noexcept {
    return reinterpret_cast<std::uintptr_t>(before);
  }
  // Of a block with bytes: the first multiple of the alignment from the top on. Of one without: an
  // address that no other live block has; there is nothing behind it, so it takes nothing.
  [[nodiscard]] std::uintptr_t address() const noexcept {
    constexpr std::uintptr_t spacing = std::uintptr_t{1} << 21;  // no two alignments coincide
    const std::uintptr_t multiple = alignment();
    if (bytes == 0) return stamp() * (multiple > spacing ? multiple : spacing);
    return (before_address() + (multiple - 1)) & (0 - multiple);
  }
  [[nodiscard]] std::byte* block() const noexcept {
    return bytes == 0 ? reinterpret_cast<std::byte*>(address())
                      : before + (address() - before_address());
  }
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

// The base of a bump allocator. Owner is the class derived from it and has:
//   record(i)        the place of record i
//   forget(i)        record i holds nothing from here on (its memory may be poisoned)
//   go_back(kept)    makes top_ (and floor_, and the chunk) what they were before record `kept`
//   find_in_chunks(address)   the record of the block with bytes there, or no_record
//   has_address(block)        whether it lies in the owner's memory
//   class_name, deallocate_name, rewind_name
template <class Owner>
class BumpResource : public StampedResource {
 public:
  // Where the resource stands. Valid until the next reset.
  class Mark {
    friend class BumpResource;
    Mark(std::uint64_t generation, std::uint64_t stamp) noexcept
        : generation_(generation), stamp_(stamp) {}
    std::uint64_t generation_;
    std::uint64_t stamp_;
  };

  // Ends a block's life. Its bytes come back once every later block is freed too.
  // Errors: ContractError (foreign pointer, double free, wrong size), StaleTensorError (a pointer
  // into the memory that is no block now: freed, rewound or reset); nothing is changed then. From a
  // noexcept function such an error ends the program with its text.
  // Cost: O(1) for the last block, else O(log blocks).
  void deallocate(void* block, std::size_t bytes, std::size_t = block_alignment) {
    if (count_ > floor_ && hole_count_ == 0 && bytes > 0) [[likely]] {
      const BumpRecord& last = owner().record(count_ - 1);
      if (last.bytes == bytes && last.address() == reinterpret_cast<std::uintptr_t>(block))
          [[likely]] {
        poison(block, bytes);
        settle();
        live_bytes_ -= bytes;
        top_ = last.before;
        ++popped_count_;
        --count_;
        owner().forget(count_);
        return;
      }
    }
    deallocate_any(block, bytes);
  }

  [[nodiscard]] Mark mark() const noexcept { return Mark(generation_, issued_count()); }

  // Everything issued after the mark dies; blocks from before it stay as they are. Memory is kept.
  // Contract: the mark is of this resource. Errors: ContractError if it was reset since.
  // Cost: O(log blocks + blocks that die).
  void rewind(Mark mark) {
    if (mark.generation_ != generation_)
      raise<ContractError>(Owner::rewind_name,
                           "the mark is of generation %llu, there was a reset since: now it is "
                           "generation %llu",
                           static_cast<unsigned long long>(mark.generation_),
                           static_cast<unsigned long long>(generation_));
    const std::size_t kept = partition_point(
        0, count_, [&](std::size_t k) { return owner().record(k).stamp() <= mark.stamp_; });
    settle();
    for (std::size_t k = kept; k < count_; ++k) {
      const BumpRecord& record = owner().record(k);
      if (record.is_freed()) continue;
      poison(record.block(), record.bytes);
      live_bytes_ -= record.bytes;
      rewound_bytes_ += record.bytes;
      ++rewound_count_;
    }
    pop_to(kept);
    take_back();
  }

  [[nodiscard]] std::uint64_t generation() const noexcept override { return generation_; }
  [[nodiscard]] Endings endings() const noexcept override {
    return {generation_, rewound_count_, rewound_bytes_};
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    const std::size_t i = find(reinterpret_cast<std::uintptr_t>(block));
    if (i == no_record) return 0;
    BumpRecord& record = owner().record(i);
    if (record.is_freed()) return 0;
    record.stamp_flags |= BumpRecord::handle_flag;
    return record.stamp();
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    if (count_ == 0) return false;
    std::size_t i = count_ - 1;
    if (owner().record(i).stamp() != stamp) {
      i = partition_point(0, count_,
                          [&](std::size_t k) { return owner().record(k).stamp() < stamp; });
      if (i == count_) return false;
    }
    const BumpRecord& record = owner().record(i);
    return record.stamp() == stamp && !record.is_freed() &&
           record.address() == reinterpret_cast<std::uintptr_t>(block);
  }

 protected:
  BumpResource(std::byte* top, std::byte* end, bool reports) noexcept
      : top_(top), end_(end), reports_(reports) {}

  // Records a block that begins at the first multiple of its alignment from the top on, and moves the
  // top to `end`. There is a place for the record.
  void issue(std::byte* end, std::size_t bytes, std::uint64_t alignment_bits) noexcept {
    BumpRecord& record = owner().record(count_);
    ++count_;
    record.before = top_;
    record.bytes = bytes;
    record.stamp_flags = (popped_count_ + count_) | alignment_bits;
    top_ = end;
    live_bytes_ += bytes;
  }

  // A block without bytes.
  [[nodiscard]] void* issue_empty(std::size_t alignment) noexcept {
    issue(top_, 0, BumpRecord::alignment_bits(alignment));
    return owner().record(count_ - 1).block();
  }

  [[nodiscard]] std::size_t padding_for(std::size_t alignment) const noexcept {
    const std::size_t multiple = alignment > block_alignment ? alignment : block_alignment;
    return (0 - reinterpret_cast<std::uintptr_t>(top_)) & (multiple - 1);
  }

  // Everything issued so far is dead; the owner moves its top.
  void end_generation() noexcept {
    settle();
    live_bytes_ = 0;
    popped_count_ += count_;
    count_ = 0;
    floor_ = 0;
    hole_count_ = 0;
    ++generation_;
  }

  // Tells the leak handler of blocks whose stamp was asked for.
  void report_handles() const noexcept {
    if (!reports_) return;
    LeakReport report{Owner::class_name, 0, 0};
    for (std::size_t k = 0; k < count_; ++k) {
      const BumpRecord& record = owner().record(k);
      if (record.is_freed() || !record.has_handle()) continue;
      ++report.block_count;
      report.live_bytes += record.bytes;
    }
    if (report.block_count > 0) leak_handler()(report);
  }

  // The record of a block, freed or not, or no_record.
  [[nodiscard]] std::size_t find(std::uintptr_t block) const noexcept {
    if (count_ > 0 && owner().record(count_ - 1).address() == block) return count_ - 1;
    if (const std::size_t i = owner().find_in_chunks(block); i != no_record) return i;
    // Blocks without bytes: O(count), nobody hurries.
    for (std::size_t k = count_; k > 0; --k)
      if (owner().record(k - 1).bytes == 0 && owner().record(k - 1).address() == block)
        return k - 1;
    return no_record;
  }

  // The record of the block with bytes at an address among records [first, last) of one chunk.
  [[nodiscard]] std::size_t find_between(std::size_t first, std::size_t last,
                                         std::uintptr_t block) const noexcept {
    // Records after that of a block start at its end or above.
    const std::size_t above = partition_point(
        first, last, [&](std::size_t k) { return owner().record(k).before_address() <= block; });
    if (above == first) return no_record;
    const BumpRecord& record = owner().record(above - 1);
    return record.bytes > 0 && record.address() == block ? above - 1 : no_record;
  }

  [[nodiscard]] std::size_t live_count() const noexcept { return count_ - hole_count_; }
  [[nodiscard]] std::size_t peak_bytes() const noexcept {
    return live_bytes_ > peak_bytes_ ? live_bytes_ : peak_bytes_;
  }
  [[nodiscard]] std::uint64_t issued_count() const noexcept { return popped_count_ + count_; }
  [[nodiscard]] std::uint64_t freed_count() const noexcept { return popped_count_ + hole_count_; }

  // An allocation touches the members from here to live_bytes_ and no other: one cache line.
  std::byte* top_;
  std::byte* end_;
  std::size_t count_ = 0;           // records
  std::uint64_t popped_count_ = 0;  // records ever removed: stamps go on from there
  std::size_t live_bytes_ = 0;      // as requested

  std::size_t floor_ = 0;  // records from here on are popped without leaving the chunk

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return owner().allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  [[nodiscard]] Owner& owner() noexcept { return static_cast<Owner&>(*this); }
  [[nodiscard]] const Owner& owner() const noexcept { return static_cast<const Owner&>(*this); }

  // The peak is looked at where live bytes go down, so that an allocation need not.
  void settle() noexcept {
    if (live_bytes_ > peak_bytes_) peak_bytes_ = live_bytes_;
  }

  [[gnu::noinline]] void deallocate_any(void* block, std::size_t bytes) {
    const std::size_t i = find(reinterpret_cast<std::uintptr_t>(block));
    if (i == no_record || owner().record(i).is_freed() || owner().record(i).bytes != bytes)
        [[unlikely]]
      refuse(block, bytes, i);
    owner().record(i).stamp_flags |= BumpRecord::freed_flag;
    ++hole_count_;
    poison(block, bytes);
    settle();
    live_bytes_ -= bytes;
    if (i + 1 == count_) take_back();
  }

  // Forgets the records from index `kept` on and moves the top down to where they began.
  void pop_to(std::size_t kept) noexcept {
    if (kept == count_) return;
    owner().go_back(kept);
    for (std::size_t k = kept; k < count_; ++k) {
      hole_count_ -= owner().record(k).is_freed();
      owner().forget(k);
    }
    popped_count_ += count_ - kept;
    count_ = kept;
  }

  // Takes the memory of freed blocks at the top back.
  void take_back() noexcept {
    std::size_t kept = count_;
    while (kept > 0 && owner().record(kept - 1).is_freed()) --kept;
    pop_to(kept);
  }

  [[noreturn]] TENON_COLD void refuse(void* block, std::size_t bytes, std::size_t i) const {
    if (i != no_record && owner().record(i).is_freed())
      raise<ContractError>(Owner::deallocate_name, "double free of %p, a block of %zu B", block,
                           owner().record(i).bytes);
    if (i != no_record)
      raise<ContractError>(Owner::deallocate_name,
                           "%p is freed with %zu B but was issued with %zu B", block, bytes,
                           owner().record(i).bytes);
    if (owner().has_address(block))
      raise<StaleTensorError>(Owner::deallocate_name,
                              "%p (%zu B) was freed, rewound or reset before (generation %llu, %zu "
                              "live blocks)",
                              block, bytes, static_cast<unsigned long long>(generation_),
                              live_count());
    raise<ContractError>(Owner::deallocate_name,
                         "%p (%zu B) is no block of this resource (generation %llu)", block, bytes,
                         static_cast<unsigned long long>(generation_));
  }

  std::size_t hole_count_ = 0;  // freed records that later blocks keep from being popped
  std::size_t peak_bytes_ = 0;  // of live bytes as requested, up to the last settle
  std::uint64_t generation_ = 1;
  std::uint64_t rewound_count_ = 0;  // blocks that rewinds ended, and their bytes
  std::size_t rewound_bytes_ = 0;
  bool reports_;
};

}  // namespace tenon::detail
