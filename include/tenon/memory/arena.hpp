#pragma once
// Bump allocation for blocks that die together.

#include <tenon/memory/bump.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>

namespace tenon {

// How much memory Arena::reset keeps.
struct Retention {
  std::size_t limit_bytes;
};
inline constexpr Retention retain_capacity{std::numeric_limits<std::size_t>::max()};
inline constexpr Retention free_all{0};
[[nodiscard]] constexpr Retention retain_limit(std::size_t bytes) noexcept { return {bytes}; }

struct ArenaStats {
  std::size_t live_bytes;  // as requested, of blocks neither freed nor rewound nor reset
  std::size_t live_count;
  std::size_t peak_bytes;      // the highest live_bytes ever
  std::size_t used_bytes;      // below the top: live blocks, alignment gaps and holes
  std::size_t capacity_bytes;  // of all chunks
  std::size_t chunk_count;
  std::uint64_t allocations;
  std::uint64_t deallocations;  // allocations - live_count: freed, rewound or reset
};

// Memory by moving a pointer: blocks lie one after the other in chunks taken from upstream.
// Blocks are 64-byte aligned unless more is asked. A freed block gives its bytes back once all
// blocks issued after it are freed too, so a workspace taken and freed leaves the arena as it was.
// Cost: an allocation moves a pointer and writes one record of 32 bytes beside the chunks; upstream
// is asked only when chunk or records are full. Nothing on the heap once the arena is warm.
// Not thread-safe: one thread at a time.
class Arena final : public StampedResource {
 public:
  // Where the arena stands. Valid until the next reset.
  class Mark {
    friend class Arena;
    Mark(std::uint64_t generation, std::uint64_t stamp) noexcept
        : generation_(generation), stamp_(stamp) {}
    std::uint64_t generation_;
    std::uint64_t stamp_;
  };

  // Takes nothing from upstream before the first allocation.
  template <bool Checked = checked_build>
  Arena() noexcept : Arena(system_resource(), Checked) {}

  // Takes a chunk of `initial_bytes` at once (none for 0). Errors: OutOfMemory.
  // Contract: upstream outlives the arena; the arena outlives every handle to its blocks, which an
  // arena made in a checked build reports when it dies (set_leak_handler).
  template <bool Checked = checked_build>
  explicit Arena(std::size_t initial_bytes, std::pmr::memory_resource* upstream = system_resource())
      : Arena(upstream, Checked) {
    if (initial_bytes > 0) add_chunk(0, initial_bytes, block_alignment, initial_bytes);
  }

  // Takes nothing from this upstream before the first allocation.
  // (A template so that Arena(0) means zero bytes.)
  template <bool Checked = checked_build, std::derived_from<std::pmr::memory_resource> Upstream>
  explicit Arena(Upstream* upstream) noexcept : Arena(upstream, Checked) {}

  ~Arena() override {
    if (reports_) report_handles();
    release_chunks(0);
  }

  // A block of `bytes` (0 is fine) at a multiple of max(64, alignment). Not initialised.
  // Contract: alignment is a power of two.
  // Errors: OutOfMemory; the arena is as it was. Allocations: a chunk or records, when full.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    const std::size_t padding = padding_for(alignment);
    const auto available = static_cast<std::size_t>(end_ - top_);
    if (padding > available || bytes > available - padding || bytes == 0 ||
        count_ == records_.capacity()) [[unlikely]]
      return allocate_slow(bytes, alignment);
    return issue(top_ + padding, bytes);
  }

  // Ends a block's life. Its bytes come back once every later block is freed too.
  // Errors: ContractError (free of a foreign pointer, double free, wrong size), StaleTensorError
  // (block issued before the last reset); nothing is changed then. From a noexcept function such
  // an error ends the program with its text. Cost: O(1) for the last block, else O(log blocks).
  void deallocate(void* block, std::size_t bytes, std::size_t = block_alignment) {
    if (count_ > floor_ && hole_count_ == 0) [[likely]] {
      const BumpRecord& last = records_[count_ - 1];
      if (last.block == block && last.bytes == bytes) [[likely]] {
        detail::poison(block, bytes);
        ++freed_count_;
        below_peak_bytes_ += bytes;
        top_ = last.before;
        --count_;
        return;
      }
    }
    deallocate_slow(block, bytes);
  }

  // Everything issued so far dies; the generation changes. Keeps min(capacity, limit) bytes and
  // joins several chunks into one, so that the next round of the same size needs no new chunk.
  // Allocations: at most that one chunk; if upstream refuses it, the largest chunk within the limit
  // is kept instead. free_all gives everything back upstream.
  void reset(Retention retention = retain_capacity) noexcept {
    freed_count_ = issued_count_;
    below_peak_bytes_ = peak_bytes_;
    count_ = 0;
    floor_ = 0;
    hole_count_ = 0;
    ++generation_;
    retain(retention.limit_bytes);
    enter(0);
  }

  [[nodiscard]] Mark mark() const noexcept { return Mark(generation_, issued_count_); }

  // Everything issued after the mark dies; blocks from before it stay as they are. Chunks are kept.
  // Contract: the mark is of this arena. Errors: ContractError if it was reset since.
  // Cost: O(log blocks + blocks that die).
  void rewind(Mark mark) {
    if (mark.generation_ != generation_)
      detail::raise<ContractError>("Arena::rewind",
                                   "the mark is of generation %llu, the arena was reset and is of "
                                   "generation %llu",
                                   static_cast<unsigned long long>(mark.generation_),
                                   static_cast<unsigned long long>(generation_));
    const std::size_t kept = detail::partition_point(
        0, count_, [&](std::size_t k) { return records_[k].stamp() <= mark.stamp_; });
    for (std::size_t k = kept; k < count_; ++k) {
      if (records_[k].is_freed()) continue;
      detail::poison(records_[k].block, records_[k].bytes);
      ++freed_count_;
      below_peak_bytes_ += records_[k].bytes;
    }
    pop_to(kept);
    take_back();
  }

  [[nodiscard]] std::uint64_t generation() const noexcept override { return generation_; }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    std::size_t i = count_;
    if (i > 0 && records_[i - 1].block == block)
      i = i - 1;
    else if (i = find(reinterpret_cast<std::uintptr_t>(block), false); i == detail::no_record)
      i = find(reinterpret_cast<std::uintptr_t>(block), true);
    if (i == detail::no_record || records_[i].is_freed()) return 0;
    records_[i].stamp_flags |= BumpRecord::handle_flag;
    return records_[i].stamp();
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    const std::size_t i = detail::find_stamp(records_, count_, stamp);
    return i != detail::no_record && records_[i].block == block && !records_[i].is_freed();
  }

  [[nodiscard]] ArenaStats stats() const noexcept {
    ArenaStats s{};
    s.live_bytes = peak_bytes_ - below_peak_bytes_;
    s.live_count = static_cast<std::size_t>(issued_count_ - freed_count_);
    s.peak_bytes = peak_bytes_;
    for (std::size_t c = 0; c < chunk_count_; ++c) {
      const Chunk& chunk = chunks_[c];
      if (c < current_) s.used_bytes += static_cast<std::size_t>(chunk.left_top - chunk.data);
      if (c == current_) s.used_bytes += static_cast<std::size_t>(top_ - chunk.data);
    }
    s.capacity_bytes = capacity_bytes();
    s.chunk_count = chunk_count_;
    s.allocations = issued_count_;
    s.deallocations = freed_count_;
    return s;
  }

 private:
  using BumpRecord = detail::BumpRecord;

  struct Chunk {
    std::byte* data;
    std::size_t bytes;
    std::size_t alignment;
    std::byte* left_top;       // the top when the next chunk was begun
    std::size_t first_record;  // index of its first block
  };

  // 64 KiB: small beside any model, large beside the cost of one upstream call.
  static constexpr std::size_t first_chunk_bytes = std::size_t{64} << 10;

  Arena(std::pmr::memory_resource* upstream, bool reports) noexcept
      : records_(upstream), chunks_(upstream), upstream_(upstream), reports_(reports) {}

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  [[nodiscard]] std::size_t padding_for(std::size_t alignment) const noexcept {
    const std::size_t multiple = alignment > block_alignment ? alignment : block_alignment;
    return (0 - reinterpret_cast<std::uintptr_t>(top_)) & (multiple - 1);
  }

  void* issue(std::byte* block, std::size_t bytes) noexcept {
    records_[count_] = {top_, block, bytes, ++issued_count_};
    ++count_;
    if (bytes > 0) top_ = block + bytes;
    if (__builtin_sub_overflow(below_peak_bytes_, bytes, &below_peak_bytes_)) [[unlikely]] {
      peak_bytes_ -= below_peak_bytes_;  // live bytes passed the peak by that much
      below_peak_bytes_ = 0;
    }
    detail::unpoison(block, bytes);
    return block;
  }

  TENON_COLD void* allocate_slow(std::size_t bytes, std::size_t alignment) {
    if (count_ == records_.capacity()) records_.grow(count_, "Arena::allocate");
    if (bytes == 0) return issue(detail::empty_block(issued_count_ + 1, alignment), 0);
    if (const auto available = static_cast<std::size_t>(end_ - top_);
        padding_for(alignment) > available || bytes > available - padding_for(alignment))
      next_chunk(bytes, alignment);
    return issue(top_ + padding_for(alignment), bytes);
  }

  [[gnu::noinline]] void deallocate_slow(void* block, std::size_t bytes) {
    const std::size_t i = find(reinterpret_cast<std::uintptr_t>(block), bytes == 0);
    if (i == detail::no_record || records_[i].is_freed() || records_[i].bytes != bytes) [[unlikely]]
      refuse(block, bytes, i);
    BumpRecord& record = records_[i];
    record.stamp_flags |= BumpRecord::freed_flag;
    ++hole_count_;
    detail::poison(block, bytes);
    ++freed_count_;
    below_peak_bytes_ += bytes;
    if (i + 1 == count_) take_back();
  }

  // Moves on to a chunk with room for the block: one kept from before a rewind, or a new one.
  void next_chunk(std::size_t bytes, std::size_t alignment) {
    const std::size_t next = chunk_count_ == 0 ? 0 : current_ + 1;
    const bool fits = next < chunk_count_ && chunks_[next].bytes >= bytes &&
                      (reinterpret_cast<std::uintptr_t>(chunks_[next].data) & (alignment - 1)) == 0;
    if (!fits) {
      std::size_t capacity = first_chunk_bytes;
      for (std::size_t c = 0; c < chunk_count_; ++c)
        capacity = std::max(capacity, chunks_[c].bytes);
      // Doubling the largest chunk bounds their number by the logarithm of the memory.
      const bool grows = chunk_count_ > 0 && capacity <= detail::largest_block_bytes / 2;
      add_chunk(next, std::max(bytes, grows ? 2 * capacity : capacity),
                std::max(alignment, block_alignment), bytes);
    }
    if (next > 0) chunks_[current_].left_top = top_;
    enter(next);
    chunks_[next].first_record = next > 0 ? count_ : 0;
    floor_ = next > 0 ? count_ + 1 : 0;
  }

  // Puts a new chunk at index `place`; unchanged on failure.
  TENON_COLD void add_chunk(std::size_t place, std::size_t bytes, std::size_t alignment,
                            std::size_t requested) {
    if (chunk_count_ == chunks_.capacity()) chunks_.grow(chunk_count_, "Arena::allocate");
    void* data = detail::acquire(*upstream_, bytes, alignment, "Arena::allocate", requested,
                                 capacity_bytes());
    detail::poison(data, bytes);
    for (std::size_t c = chunk_count_; c > place; --c) chunks_[c] = chunks_[c - 1];
    chunks_[place] = {static_cast<std::byte*>(data), bytes, alignment, nullptr, 0};
    ++chunk_count_;
    if (chunk_count_ == 1) enter(0);
  }

  [[nodiscard]] std::size_t capacity_bytes() const noexcept {
    std::size_t sum = 0;  // cannot overflow: all of it is mapped
    for (std::size_t c = 0; c < chunk_count_; ++c) sum += chunks_[c].bytes;
    return sum;
  }

  // Makes chunk c the current one, empty. Without chunks there is no memory.
  void enter(std::size_t c) noexcept {
    current_ = c;
    top_ = chunk_count_ > 0 ? chunks_[c].data : nullptr;
    end_ = chunk_count_ > 0 ? top_ + chunks_[c].bytes : nullptr;
  }

  // Forgets the records from index `kept` on and moves the top down to where they began.
  void pop_to(std::size_t kept) noexcept {
    if (kept == count_) return;
    for (std::size_t k = kept; k < count_ && hole_count_ > 0; ++k)
      hole_count_ -= records_[k].is_freed();
    std::byte* top = records_[kept].before;
    if (top == nullptr) top = chunk_count_ > 0 ? chunks_[0].data : nullptr;  // before any chunk
    while (current_ > 0 && kept <= chunks_[current_].first_record) {
      if (kept == chunks_[current_].first_record) top = chunks_[current_ - 1].left_top;
      --current_;
    }
    floor_ = current_ > 0 ? chunks_[current_].first_record + 1 : 0;
    top_ = top;
    if (chunk_count_ > 0) end_ = chunks_[current_].data + chunks_[current_].bytes;
    count_ = kept;
  }

  // Takes the memory of freed blocks at the top back.
  void take_back() noexcept {
    std::size_t kept = count_;
    while (kept > 0 && records_[kept - 1].is_freed()) --kept;
    pop_to(kept);
  }

  // The record of the block at an address, chunk by chunk from the current one down.
  [[nodiscard]] std::size_t find(std::uintptr_t block, bool is_empty) const noexcept {
    if (is_empty) return detail::find_empty_block(records_, count_, block);
    std::size_t last = count_;
    for (std::size_t c = chunk_count_ > 0 ? current_ + 1 : 0; c > 0 && last > 0; --c) {
      const std::size_t first = chunks_[c - 1].first_record;
      const std::size_t i = detail::find_block(records_, first, last, block);
      if (i != detail::no_record) return i;
      last = first;
    }
    return detail::no_record;
  }

  [[noreturn]] TENON_COLD void refuse(void* block, std::size_t bytes, std::size_t i) const {
    if (i != detail::no_record && records_[i].is_freed())
      detail::raise<ContractError>("Arena::deallocate", "double free of %p, a block of %zu B",
                                   block, records_[i].bytes);
    if (i != detail::no_record)
      detail::raise<ContractError>("Arena::deallocate",
                                   "%p is freed with %zu B but was issued with %zu B", block, bytes,
                                   records_[i].bytes);
    for (std::size_t c = 0; c < chunk_count_; ++c)
      if (block >= chunks_[c].data && block < chunks_[c].data + chunks_[c].bytes)
        detail::raise<StaleTensorError>("Arena::deallocate",
                                        "%p (%zu B) was freed, rewound or reset before "
                                        "(generation %llu, %zu live blocks)",
                                        block, bytes, static_cast<unsigned long long>(generation_),
                                        stats().live_count);
    detail::raise<ContractError>("Arena::deallocate",
                                 "%p (%zu B) is no block of this arena (generation %llu)", block,
                                 bytes, static_cast<unsigned long long>(generation_));
  }

  void release_chunks(std::size_t kept) noexcept {
    while (chunk_count_ > kept) {
      const Chunk& chunk = chunks_[--chunk_count_];
      detail::unpoison(chunk.data, chunk.bytes);
      upstream_->deallocate(chunk.data, chunk.bytes, chunk.alignment);
    }
  }

  // Keeps one chunk of min(capacity, limit) bytes.
  void retain(std::size_t limit_bytes) noexcept {
    const std::size_t wanted = std::min(capacity_bytes(), limit_bytes);
    std::size_t largest = 0;  // index of the largest chunk within the limit, moved to the front
    bool fits = false;
    for (std::size_t c = 0; c < chunk_count_; ++c) {
      if (chunks_[c].bytes > limit_bytes) continue;
      if (!fits || chunks_[c].bytes > chunks_[largest].bytes) largest = c;
      fits = true;
    }
    if (fits) std::swap(chunks_[0], chunks_[largest]);
    release_chunks(fits ? 1 : 0);
    if (chunk_count_ > 0) {
      detail::poison(chunks_[0].data, chunks_[0].bytes);
      chunks_[0].first_record = 0;
    }
    if (wanted == 0) {
      records_.release();
      chunks_.release();
    } else if (chunk_count_ == 0 || chunks_[0].bytes < wanted) {
      join(wanted);
    }
  }

  // Replaces what is left by one chunk of `bytes`, or leaves it if upstream refuses.
  TENON_COLD void join(std::size_t bytes) noexcept {
#ifdef TENON_NO_EXCEPTIONS
    add_chunk(0, bytes, block_alignment, bytes);
#else
    try {
      add_chunk(0, bytes, block_alignment, bytes);
    } catch (...) {
      return;
    }
#endif
    release_chunks(1);
  }

  TENON_COLD void report_handles() const noexcept {
    LeakReport report{"Arena", 0, 0};
    for (std::size_t k = 0; k < count_; ++k) {
      if (records_[k].is_freed() || !records_[k].has_handle()) continue;
      ++report.block_count;
      report.live_bytes += records_[k].bytes;
    }
    if (report.block_count > 0) detail::leak_handler()(report);
  }

  std::byte* top_ = nullptr;
  std::byte* end_ = nullptr;
  detail::UpstreamArray<BumpRecord> records_;
  std::size_t count_ = 0;           // records
  std::size_t floor_ = 0;           // records from here on are popped without leaving the chunk
  std::size_t hole_count_ = 0;      // freed records that later blocks keep from being popped
  std::uint64_t issued_count_ = 0;  // also the last stamp
  std::uint64_t freed_count_ = 0;
  std::size_t peak_bytes_ = 0;        // of live bytes as requested
  std::size_t below_peak_bytes_ = 0;  // peak minus live: one counter on the fast path, not two
  std::uint64_t generation_ = 1;
  detail::UpstreamArray<Chunk> chunks_;
  std::size_t chunk_count_ = 0;
  std::size_t current_ = 0;
  std::pmr::memory_resource* upstream_;
  bool reports_;
};

}  // namespace tenon
