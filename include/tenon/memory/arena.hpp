#pragma once
// Bump allocation for blocks that die together.

#include <tenon/memory/bump.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>

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
  std::uint64_t hits;           // allocations served by memory that was there
  std::uint64_t misses;         // allocations that took a chunk from upstream

  // hits / allocations, 0 before the first.
  [[nodiscard]] double hit_rate() const noexcept { return detail::share(hits, allocations); }
  // live_bytes / capacity_bytes, 0 without capacity.
  [[nodiscard]] double utilisation() const noexcept {
    return detail::share(live_bytes, capacity_bytes);
  }
  // (used_bytes - live_bytes) / used_bytes: gaps and holes below the top; 0 while nothing is used.
  [[nodiscard]] double fragmentation() const noexcept {
    return detail::share(used_bytes - live_bytes, used_bytes);
  }
};

// Memory by moving a pointer: blocks lie one after the other in chunks taken from upstream.
// Blocks are 64-byte aligned unless more is asked. A freed block gives its bytes back once all
// blocks issued after it are freed too, so a workspace taken and freed leaves the arena as it was.
// Cost: an allocation moves a pointer and writes one record of 24 bytes beside the chunks; upstream
// is asked only when chunk or records are full. Nothing on the heap once the arena is warm.
// Not thread-safe: one thread at a time.
class Arena final : public detail::BumpResource<Arena> {
 public:
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
    report_handles();
    release_chunks(0);
  }

  // A block of `bytes` (0 is fine) at a multiple of max(64, alignment). Not initialised.
  // Contract: alignment is a power of two.
  // Errors: OutOfMemory; the arena is as it was. Allocations: a chunk or records, when full.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    const std::size_t padding = padding_for(block_alignment);
    const auto available = static_cast<std::size_t>(end_ - top_);
    // Empty requests wrap around; an empty chunk's top is aligned, so padding is 0 there.
    if (padding > available || bytes - 1 >= available - padding || alignment > block_alignment ||
        count_ == records_.capacity()) [[unlikely]]
      return allocate_rare(bytes, alignment);
    std::byte* block = top_ + padding;
    issue(block + bytes, bytes, 0);
    detail::unpoison(block, bytes);
    return block;
  }

  // Everything issued so far dies; the generation changes. Keeps min(capacity, limit) bytes and
  // joins several chunks into one, so that the next round of the same size needs no new chunk.
  // Allocations: at most that one chunk; if upstream refuses it, the largest chunk within the limit
  // is kept instead. free_all gives everything back upstream.
  void reset(Retention retention = retain_capacity) noexcept {
    end_generation();
    retain(retention.limit_bytes);
    enter(0);
  }

  [[nodiscard]] ArenaStats stats() const noexcept {
    ArenaStats s{};
    s.live_bytes = live_bytes_;
    s.live_count = live_count();
    s.peak_bytes = peak_bytes();
    for (std::size_t c = 0; c < chunk_count_; ++c) {
      const Chunk& chunk = chunks_[c];
      if (c < current_) s.used_bytes += static_cast<std::size_t>(chunk.left_top - chunk.data);
      if (c == current_) s.used_bytes += static_cast<std::size_t>(top_ - chunk.data);
    }
    s.capacity_bytes = capacity_bytes();
    s.chunk_count = chunk_count_;
    s.allocations = issued_count();
    s.deallocations = freed_count();
    s.hits = s.allocations - missed_count_;
    s.misses = missed_count_;
    return s;
  }

 private:
  friend class detail::BumpResource<Arena>;

  static constexpr const char* class_name = "Arena";
  static constexpr const char* deallocate_name = "Arena::deallocate";
  static constexpr const char* rewind_name = "Arena::rewind";

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
      : BumpResource(nullptr, nullptr, reports),
        records_(upstream),
        chunks_(upstream),
        upstream_(upstream) {}

  [[nodiscard]] detail::BumpRecord& record(std::size_t i) const noexcept { return records_[i]; }
  void forget(std::size_t) const noexcept {}

  TENON_COLD void* allocate_rare(std::size_t bytes, std::size_t alignment) {
    if (count_ == records_.capacity()) records_.grow(count_, "Arena::allocate");
    if (bytes == 0) return issue_empty(alignment);
    if (const auto available = static_cast<std::size_t>(end_ - top_);
        padding_for(alignment) > available || bytes > available - padding_for(alignment))
      next_chunk(bytes, alignment);
    std::byte* block = top_ + padding_for(alignment);
    issue(block + bytes, bytes, detail::BumpRecord::alignment_bits(alignment));
    detail::unpoison(block, bytes);
    return block;
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
      ++missed_count_;
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

  [[nodiscard]] bool has_address(const void* block) const noexcept {
    for (std::size_t c = 0; c < chunk_count_; ++c)
      if (block >= chunks_[c].data && block < chunks_[c].data + chunks_[c].bytes) return true;
    return false;
  }

  // Makes chunk c the current one, empty. Without chunks there is no memory.
  void enter(std::size_t c) noexcept {
    current_ = c;
    top_ = chunk_count_ > 0 ? chunks_[c].data : nullptr;
    end_ = chunk_count_ > 0 ? top_ + chunks_[c].bytes : nullptr;
  }

  void go_back(std::size_t kept) noexcept {
    std::byte* top = records_[kept].before;
    if (top == nullptr) top = chunk_count_ > 0 ? chunks_[0].data : nullptr;  // before any chunk
    while (current_ > 0 && kept <= chunks_[current_].first_record) {
      if (kept == chunks_[current_].first_record) top = chunks_[current_ - 1].left_top;
      --current_;
    }
    floor_ = current_ > 0 ? chunks_[current_].first_record + 1 : 0;
    top_ = top;
    if (chunk_count_ > 0) end_ = chunks_[current_].data + chunks_[current_].bytes;
  }

  // Chunk by chunk from the current one down.
  [[nodiscard]] std::size_t find_in_chunks(std::uintptr_t block) const noexcept {
    std::size_t last = count_;
    for (std::size_t c = chunk_count_ > 0 ? current_ + 1 : 0; c > 0 && last > 0; --c) {
      const std::size_t first = chunks_[c - 1].first_record;
      const std::size_t i = find_between(first, last, block);
      if (i != detail::no_record) return i;
      last = first;
    }
    return detail::no_record;
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

  detail::UpstreamArray<detail::BumpRecord> records_;
  detail::UpstreamArray<Chunk> chunks_;
  std::size_t chunk_count_ = 0;
  std::size_t current_ = 0;
  std::uint64_t missed_count_ = 0;
  std::pmr::memory_resource* upstream_;
};

}  // namespace tenon
