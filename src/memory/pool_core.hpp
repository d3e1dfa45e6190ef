#pragma once
// The inside of MemoryPool: thread caches over a depot over regions over upstream.
//
// Locks, in the order in which they may be taken: the registry of caches (one for the program),
// the pool's uncached lock, its growth lock (upstream, regions, table), a depot's spin lock. The
// registry is never held while upstream is called.

#include "region_table.hpp"
#include "spin_lock.hpp"

#include <tenon/memory/buffer_pool.hpp>
#include <tenon/memory/poison.hpp>

#include <tenon/core/config.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>

namespace tenon::detail {

class PoolCore;
struct ThreadCaches;

// Per class, by table: a shift and a bit scan more on each side of a pair cost 0.8 ns (baseline
// x86-64 has no lzcnt, and bsr is eight operations on Zen 4).
struct ClassTables {
  static constexpr std::size_t largest_small = class_bytes(slab_class_count - 1);
  std::uint8_t of_small[largest_small / 64 + 1];  // by the number of 64-byte units
  std::uint64_t mask[class_count];                // what no offset of a block has
  std::uint32_t limit[class_count];               // of free blocks in a cache
};
inline constexpr std::uint32_t cache_places = 64;  // one more than a cache ever holds
constexpr ClassTables class_tables = [] {
  ClassTables t{};
  for (std::uint32_t cls = 0, i = 0; cls < slab_class_count; ++cls)
    for (; i * 64 <= class_bytes(cls); ++i) t.of_small[i] = static_cast<std::uint8_t>(cls);
  for (std::uint32_t cls = 0; cls < class_count; ++cls) {
    t.mask[cls] = class_bytes(cls) - 1;
    t.limit[cls] = static_cast<std::uint32_t>(
        std::clamp<std::size_t>((std::size_t{1} << 20) / class_bytes(cls), 1, cache_places - 1));
  }
  return t;
}();

// Slabs serve a request of `least` = max(bytes, alignment) bytes up to here.
[[nodiscard]] TENON_INLINE bool is_small(std::size_t bytes, std::size_t alignment) noexcept {
  return std::max(bytes, alignment) <= ClassTables::largest_small;
}

// The least class whose blocks hold `bytes` at a multiple of `alignment`; exact_class if none does.
// Contract: alignment is a power of two.
[[nodiscard]] TENON_INLINE std::uint32_t small_class_of(std::size_t bytes,
                                                        std::size_t alignment) noexcept {
  return class_tables.of_small[(std::max(bytes, alignment) + 63) / 64];
}
[[nodiscard]] inline std::uint32_t class_of(std::size_t bytes, std::size_t alignment) noexcept {
  if (is_small(bytes, alignment)) return small_class_of(bytes, alignment);
  const auto cls = static_cast<std::uint32_t>(std::bit_width(std::max(bytes, alignment) - 1)) - 6;
  return cls < class_count && alignment <= region_alignment ? cls : exact_class;
}

// Where the region of a block of this class begins.
[[nodiscard]] TENON_INLINE std::uintptr_t region_base(const void* block,
                                                      std::uint32_t cls) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  return cls < slab_class_count ? address & ~(slab_bytes - 1) : address;
}

// A number that one thread writes and others may read: no atomic read-modify-write.
template <class T>
class Owned {
 public:
  [[nodiscard]] TENON_INLINE T get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }
  TENON_INLINE void set(T value) noexcept { value_.store(value, std::memory_order_relaxed); }

 private:
  std::atomic<T> value_{0};
};

struct FreeBlock {
  void* block;
  Region::Word* tag;  // so that issuing it needs no search
};

// One thread's free blocks and counters in one pool.
struct alignas(64) Cache {
  Owned<std::uint64_t> allocations;
  // Blocks received from the depot less those given to it; so deallocations need no counter.
  Owned<std::uint64_t> received;
  // Since the last fold: the highest live bytes, and how far below it they are now. One counter
  // moves on most requests instead of two, as in BufferPool.
  Owned<std::uint64_t> peak;
  Owned<std::uint64_t> below_peak;
  PoolCore* core = nullptr;
  ThreadCaches* thread = nullptr;
  Cache* next_of_pool = nullptr;
  Cache* previous_of_pool = nullptr;
  Cache* next_of_thread = nullptr;
  // Requests above the classes, which no count below shows.
  Owned<std::uint64_t> exact_deallocations;
  Owned<std::uint64_t> exact_allocations;
  Owned<std::uint32_t> counts[class_count];
  // Above the count lie the blocks issued from there, so that one that comes back to its place need
  // not be searched. Such a memory is void once a region was withdrawn since `withdrawals_seen`.
  std::uint64_t withdrawals_seen = 0;
  FreeBlock blocks[class_count][cache_places] = {};

  [[nodiscard]] std::uint64_t deallocations() const noexcept {
    std::uint64_t free_blocks = 0;
    for (const auto& count : counts) free_blocks += count.get();
    return (allocations.get() - exact_allocations.get()) + free_blocks - received.get() +
           exact_deallocations.get();
  }

  TENON_INLINE void count_issue(std::size_t bytes) noexcept {
    allocations.set(allocations.get() + 1);
    const std::uint64_t below = below_peak.get();
    if (bytes > below) {
      peak.set(peak.get() + (bytes - below));
      below_peak.set(0);
    } else {
      below_peak.set(below - bytes);
    }
  }
  TENON_INLINE void count_return(std::size_t bytes) noexcept {
    below_peak.set(below_peak.get() + bytes);
  }
};

// Free blocks of one class for all threads. The array has room for every block of the class that
// the pool owns, so a return never needs memory.
struct alignas(64) Depot {
  SpinLock lock;
  std::size_t count = 0;
  FreeBlock* blocks = nullptr;
  // What follows belongs to the growth lock; growing the array takes both.
  std::size_t capacity = 0;
  std::size_t owned_count = 0;  // blocks of the class, issued or free
  Region* regions = nullptr;
  Region* spares = nullptr;  // descriptors without blocks
};

class PoolCore {
 public:
  PoolCore(std::pmr::memory_resource* upstream, bool reports) noexcept;
  ~PoolCore();
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept { return upstream_; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

  // Every way off the fast path is a last call, so that the path itself saves no register.
  TENON_INLINE void* allocate(Cache& cache, std::size_t bytes, std::size_t alignment) {
    if (!is_small(bytes, alignment)) return allocate_large(cache, bytes, alignment);
    return allocate_of(cache, small_class_of(bytes, alignment), bytes);
  }
  TENON_INLINE void deallocate(Cache& cache, void* block, std::size_t bytes,
                               std::size_t alignment) {
    if (!is_small(bytes, alignment)) return deallocate_large(cache, block, bytes, alignment);
    deallocate_of(cache, small_class_of(bytes, alignment), block, bytes);
  }

  // The same for threads without a cache.
  void* allocate_uncached(std::size_t bytes, std::size_t alignment);
  void deallocate_uncached(void* block, std::size_t bytes, std::size_t alignment);

  void reserve(std::size_t total_bytes);
  void reserve_blocks(std::size_t bytes, std::size_t count);
  void trim(Cache* own) noexcept;
  void clear() noexcept;

  [[nodiscard]] PoolStats totals() const noexcept;  // all but what is pooled
  [[nodiscard]] PoolStats stats() const noexcept;
  [[nodiscard]] std::size_t owned_bytes() const noexcept {
    return owned_bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t generation() const noexcept {
    return generation_.load(std::memory_order_relaxed);
  }
  // Addresses as numbers: nothing of the block is read.
  [[nodiscard]] std::uint64_t stamp(std::uintptr_t block) const noexcept;
  [[nodiscard]] bool is_live(std::uintptr_t block, std::uint64_t stamp) const noexcept;

  // Threads (thread_caches.cpp). A cache from the pool's spare ones or from upstream, entered in
  // the caller's list; null if upstream refuses. Contract: the registry is not held.
  [[nodiscard]] Cache* adopt(ThreadCaches& thread) noexcept;
  // Takes the cache of a thread that ends. Contract: the registry is held.
  void retire(Cache& cache) noexcept;

 private:
  struct Prepared;

  void* allocate_large(Cache& cache, std::size_t bytes, std::size_t alignment);
  void deallocate_large(Cache& cache, void* block, std::size_t bytes, std::size_t alignment);

  // One block of a pooled class.
  TENON_INLINE void* allocate_of(Cache& cache, std::uint32_t cls, std::size_t bytes) {
    const std::uint32_t count = cache.counts[cls].get();
    if (count == 0) [[unlikely]]
      return refill(cache, cls, bytes);
    cache.counts[cls].set(count - 1);
    return issue(cache, cache.blocks[cls][count - 1], bytes);
  }
  TENON_INLINE void deallocate_of(Cache& cache, std::uint32_t cls, void* block, std::size_t bytes) {
    const std::uint32_t count = cache.counts[cls].get();
    const FreeBlock place = cache.blocks[cls][count];
    if (place.block == block &&
        cache.withdrawals_seen == withdrawals_.load(std::memory_order_relaxed) &&
        place.tag->load(std::memory_order_relaxed) == std::uint64_t{bytes} + 1) {
      place.tag->store(0, std::memory_order_relaxed);
      cache.count_return(bytes);
      poison(block, class_bytes(cls));
      cache.counts[cls].set(count + 1);
      return;
    }
    deallocate_searched(cache, cls, block, bytes);
  }
  // The same for a block that does not come back to its place.
  void deallocate_searched(Cache& cache, std::uint32_t cls, void* block, std::size_t bytes);
  // Marks a free block as issued.
  TENON_INLINE static void* issue(Cache& cache, FreeBlock free, std::size_t bytes) noexcept {
    free.tag->store(std::uint64_t{bytes} + 1, std::memory_order_relaxed);
    cache.count_issue(bytes);
    unpoison(free.block, bytes);
    return free.block;
  }
  // The tag of a block of this pool, whatever its class; null if it is none. `count`, if a tag is
  // found, is the distance to its stamp.
  [[nodiscard]] Region::Word* find_tag(std::uintptr_t block, std::size_t& count) const noexcept;

  // Cache and depot (pool_core.cpp).
  TENON_COLD void* refill(Cache& cache, std::uint32_t cls, std::size_t bytes);
  TENON_COLD void flush(Cache& cache, std::uint32_t cls, FreeBlock block) noexcept;
  void flush_all(Cache& cache) noexcept;
  void meet_depot(Cache& cache) noexcept;
  void fold(Cache& cache) noexcept;
  [[nodiscard]] std::uint32_t take(std::uint32_t cls, FreeBlock* to, std::uint32_t most) noexcept;
  void give(std::uint32_t cls, const FreeBlock* from, std::uint32_t count) noexcept;
  TENON_COLD void* allocate_exact(Cache& cache, std::size_t bytes, std::size_t alignment);
  TENON_COLD void deallocate_exact(Cache& cache, void* block, std::size_t bytes,
                                   std::size_t alignment);
  TENON_COLD void refuse(const void* block, std::size_t bytes) const;

  // Regions and upstream (pool_regions.cpp); all under the growth lock.
  void grow(std::uint32_t cls, std::size_t requested);
  void add_regions(const std::size_t (&wanted)[class_count], bool touch, std::size_t requested);
  void make_room(std::uint32_t cls, std::size_t blocks, std::size_t requested);
  void make_room_in_table(std::size_t regions, std::size_t requested);
  [[nodiscard]] Region* prepare(std::uint32_t cls, std::size_t bytes, std::size_t alignment,
                                std::size_t requested);
  void publish(Region& region) noexcept;
  void give_region(Region& region) noexcept;
  void withdraw(Region& region) noexcept;
  void dismiss(Region& region) noexcept;
  void* acquire_upstream(std::size_t bytes, std::size_t alignment, std::size_t requested);

  RegionTable table_;
  std::atomic<std::uint64_t> withdrawals_{0};  // of regions with classes
  std::pmr::memory_resource* upstream_;
  std::uint64_t id_;  // never used twice in a program
  bool reports_;
  Depot depots_[class_count + 1];  // the last one only owns regions of exact size
  mutable std::mutex growth_;
  std::atomic<std::size_t> owned_bytes_{0};
  std::atomic<std::uint64_t> misses_{0};
  std::atomic<std::uint64_t> generation_{1};
  mutable std::atomic<std::uint64_t> stamp_{0};
  alignas(64) std::atomic<std::int64_t> live_bytes_{0};  // as folded
  std::atomic<std::int64_t> peak_bytes_{0};
  // Under the registry:
  Cache* caches_ = nullptr;        // of running threads
  Cache* spare_caches_ = nullptr;  // of threads that ended
  std::uint64_t retired_allocations_ = 0;
  std::uint64_t retired_deallocations_ = 0;
  mutable std::mutex uncached_lock_;
  Cache uncached_;
};

// The lock of all lists of caches in the program.
[[nodiscard]] std::mutex& cache_registry() noexcept;

// The caller's cache of a pool; null in a thread that has ended its caches, or if upstream refuses.
[[nodiscard]] Cache* find_cache(PoolCore& core) noexcept;

// Takes the caches of a dying pool out of the lists of their threads. Contract: registry is held.
void unlink_from_threads(Cache* caches) noexcept;

}  // namespace tenon::detail
