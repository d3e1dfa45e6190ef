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
// x86-64 has no lzcnt, and bsr is eight operations on Zen 4). A program reads the few lines of it that
// belong to its sizes.
struct ClassTables {
  static constexpr std::size_t end = std::size_t{1} << 20;
  std::uint8_t of_units[end / 64];   // by (bytes - 1) / 64
  std::uint64_t mask[class_count];   // what no offset of a block has
  std::uint32_t limit[class_count];  // of free blocks in a cache
};
inline constexpr std::uint32_t cache_places = 64;  // one more than a cache ever holds
inline constexpr ClassTables class_tables = [] {
  ClassTables t{};
  for (std::size_t cls = 0, i = 0; i < t.end / 64; ++cls)
    for (; i < std::size_t{1} << cls; ++i) t.of_units[i] = static_cast<std::uint8_t>(cls);
  for (std::uint32_t cls = 0; cls < class_count; ++cls) {
    t.mask[cls] = class_bytes(cls) - 1;
    t.limit[cls] = static_cast<std::uint32_t>(
        std::clamp<std::size_t>((std::size_t{1} << 20) / class_bytes(cls), 1, cache_places - 1));
  }
  return t;
}();

// The table serves requests of 1 B to 1 MiB without a special alignment.
[[nodiscard]] TENON_INLINE bool has_class_in_table(std::size_t bytes,
                                                   std::size_t alignment) noexcept {
  return bytes - 1 < ClassTables::end && alignment <= 64;
}
[[nodiscard]] TENON_INLINE std::uint32_t class_in_table(std::size_t bytes) noexcept {
  return class_tables.of_units[(bytes - 1) / 64];
}

// The least class whose blocks hold `bytes` at a multiple of `alignment`; exact_class if none does.
// Contract: alignment is a power of two.
[[nodiscard]] inline std::uint32_t class_of(std::size_t bytes, std::size_t alignment) noexcept {
  if (has_class_in_table(bytes, alignment)) return class_in_table(bytes);
  const std::size_t least = std::max({bytes, alignment, std::size_t{64}});
  const auto cls = static_cast<std::uint32_t>(std::bit_width(least - 1)) - 6;
  const bool aligned = alignment <= region_alignment || cls < slab_class_count;
  return cls < class_count && aligned ? cls : exact_class;
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
  Region::Word* tag;  // so that issuing it needs no search; unset where frees are not checked
};

// One thread's free blocks of one class: a stack. Below it lies a place without a block.
struct Shelf {
  Owned<FreeBlock*> top;  // above the newest block
  FreeBlock* bottom = nullptr;
  FreeBlock* end = nullptr;  // top where it is full

  [[nodiscard]] TENON_INLINE std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(top.get() - bottom);
  }
  void set_count(std::uint32_t count) noexcept { top.set(bottom + count); }
};

// One thread's free blocks and counters in one pool.
struct alignas(64) Cache {
  Owned<std::uint64_t> allocations;
  // Blocks received from the depot less those given to it; so deallocations need no counter.
  Owned<std::uint64_t> received;
  // Since the last fold: the highest live bytes, and how far below it they are now. One counter
  // moves on most requests instead of two.
  Owned<std::uint64_t> peak;
  Owned<std::uint64_t> below_peak;
  PoolCore* core = nullptr;
  ThreadCaches* thread = nullptr;
  Cache* next_of_pool = nullptr;
  bool checks_frees = false;  // of the pool
  Shelf shelves[class_count];
  Cache* previous_of_pool = nullptr;
  Cache* next_of_thread = nullptr;
  // Requests above the classes, which no count below shows.
  Owned<std::uint64_t> exact_deallocations;
  Owned<std::uint64_t> exact_allocations;
  // Where frees are checked: above the top lie the blocks issued from there, so that one that comes back
  // to its place need not be searched. Such a memory is void once a region was withdrawn since
  // `withdrawals_seen`.
  std::uint64_t withdrawals_seen = 0;
  FreeBlock blocks[class_count][1 + cache_places] = {};

  Cache() noexcept {
    for (std::uint32_t cls = 0; cls < class_count; ++cls) {
      Shelf& shelf = shelves[cls];
      shelf.bottom = blocks[cls] + 1;
      shelf.end = shelf.bottom + class_tables.limit[cls];
      shelf.top.set(shelf.bottom);
    }
  }
  Cache(const Cache&) = delete;  // shelves point into it
  Cache& operator=(const Cache&) = delete;

  [[nodiscard]] std::uint64_t deallocations() const noexcept {
    std::uint64_t free_blocks = 0;
    for (const Shelf& shelf : shelves) free_blocks += shelf.count();
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
  mutable SpinLock lock;
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
  PoolCore(std::pmr::memory_resource* upstream, bool reports, bool checks_frees) noexcept;
  ~PoolCore();
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept { return upstream_; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

  // Every way off the fast path is a last call, so that the path itself saves no register.
  TENON_INLINE static void* allocate(Cache& cache, std::size_t bytes, std::size_t alignment) {
    if (!has_class_in_table(bytes, alignment)) [[unlikely]]
      return cache.core->allocate_untabled(cache, bytes, alignment);
    return allocate_of(cache, class_in_table(bytes), bytes);
  }
  TENON_INLINE static void deallocate(Cache& cache, void* block, std::size_t bytes,
                                      std::size_t alignment) {
    if (!has_class_in_table(bytes, alignment)) [[unlikely]]
      return cache.core->deallocate_untabled(cache, block, bytes, alignment);
    deallocate_of(cache, class_in_table(bytes), block, bytes);
  }

  // The same for threads without a cache.
  void* allocate_uncached(std::size_t bytes, std::size_t alignment);
  void deallocate_uncached(void* block, std::size_t bytes, std::size_t alignment);

  void reserve(std::size_t total_bytes);
  void reserve_blocks(std::size_t bytes, std::size_t count);
  void trim(Cache* own) noexcept;
  void clear() noexcept;
  void check_frees(bool on);
  [[nodiscard]] bool checks_frees() const noexcept { return checks_frees_; }

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

  void* allocate_untabled(Cache& cache, std::size_t bytes, std::size_t alignment);
  void deallocate_untabled(Cache& cache, void* block, std::size_t bytes, std::size_t alignment);

  // One block of a pooled class.
  TENON_INLINE static void* allocate_of(Cache& cache, std::uint32_t cls, std::size_t bytes) {
    Shelf& shelf = cache.shelves[cls];
    FreeBlock* newest = shelf.top.get() - 1;
    if (newest->block == nullptr) [[unlikely]]
      return cache.core->refill(cache, cls, bytes);
    shelf.top.set(newest);
    return issue(cache, *newest, bytes);
  }
  TENON_INLINE static void deallocate_of(Cache& cache, std::uint32_t cls, void* block,
                                         std::size_t bytes) {
    if (cache.checks_frees) return deallocate_checked(cache, cls, block, bytes);
    Shelf& shelf = cache.shelves[cls];
    FreeBlock* top = shelf.top.get();
    cache.count_return(bytes);
    poison(block, class_bytes(cls));
    if (top == shelf.end) [[unlikely]]
      return cache.core->flush(cache, cls, {block, nullptr});
    shelf.top.set(top + 1);
    top->block = block;
  }
  static void deallocate_checked(Cache& cache, std::uint32_t cls, void* block, std::size_t bytes);
  // The same for a block that does not come back to its place.
  void deallocate_searched(Cache& cache, std::uint32_t cls, void* block, std::size_t bytes);
  // Hands out a free block, marked as issued where frees are checked.
  TENON_INLINE static void* issue(Cache& cache, FreeBlock free, std::size_t bytes) noexcept {
    if (cache.checks_frees) free.tag->store(std::uint64_t{bytes} + 1, std::memory_order_relaxed);
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
  bool checks_frees_;              // changed only while nobody else is in a call
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
