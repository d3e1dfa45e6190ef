// MemoryPool: how regions come from upstream and go back.

#include "pool_core.hpp"

#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include <cstring>
#include <limits>
#include <new>

namespace tenon::detail {

namespace {

[[nodiscard]] constexpr std::size_t region_bytes(std::uint32_t cls) noexcept {
  return cls < slab_class_count ? slab_bytes : class_bytes(cls);
}

[[nodiscard]] constexpr std::uint32_t blocks_per_region(std::uint32_t cls) noexcept {
  return cls < class_count ? static_cast<std::uint32_t>(region_bytes(cls) / class_bytes(cls)) : 1;
}

// The system maps a page when it is first written.
void touch_pages(void* block, std::size_t bytes) noexcept {
  auto* bytes_of = static_cast<volatile unsigned char*>(block);
  for (std::size_t i = 0; i < bytes; i += 4096) bytes_of[i] = 0;
}

}  // namespace

// Regions that are not the pool's yet; they go back if not all can be had.
struct PoolCore::Prepared {
  PoolCore& core;
  Region* first = nullptr;

  explicit Prepared(PoolCore& pool) noexcept : core(pool) {}
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  ~Prepared() {
    while (first != nullptr) core.dismiss(*pop());
  }
  Region* pop() noexcept {
    Region* region = first;
    first = region->next;
    return region;
  }
};

PoolCore::~PoolCore() {
  if (const PoolStats s = totals(); reports_ && s.live_count > 0)
    leak_handler()({"MemoryPool", s.live_count, s.live_bytes});
  {
    const std::lock_guard lock(cache_registry());
    unlink_from_threads(caches_);
  }
  for (Cache* list : {caches_, spare_caches_})
    while (list != nullptr) {
      Cache* cache = list;
      list = cache->next_of_pool;
      upstream_->deallocate(cache, sizeof(Cache), alignof(Cache));
    }
  for (Depot& depot : depots_) {
    while (depot.regions != nullptr) {
      Region* region = depot.regions;
      depot.regions = region->next;
      dismiss(*region);
    }
    while (depot.spares != nullptr) {
      Region* region = depot.spares;
      depot.spares = region->next;
      upstream_->deallocate(region, Region::descriptor_bytes(region->count), alignof(Region));
    }
    if (depot.blocks != nullptr)
      upstream_->deallocate(depot.blocks, depot.capacity * sizeof(FreeBlock), alignof(FreeBlock));
  }
  for (RegionTable::Storage* table = table_.newest(); !table_.is_first(table);) {
    RegionTable::Storage* older = table->older;
    upstream_->deallocate(table, RegionTable::storage_bytes(table->mask + 1),
                          alignof(RegionTable::Storage));
    table = older;
  }
}

void* PoolCore::acquire_upstream(std::size_t bytes, std::size_t alignment, std::size_t requested) {
  return acquire(*upstream_, bytes, alignment, "MemoryPool", requested, owned_bytes());
}

void PoolCore::grow(std::uint32_t cls, std::size_t requested) {
  const std::lock_guard lock(growth_);
  {
    const std::lock_guard depot_lock(depots_[cls].lock);
    if (depots_[cls].count > 0) return;  // another thread was here, or freed meanwhile
  }
  std::size_t wanted[class_count] = {};
  wanted[cls] = 1;
  add_regions(wanted, false, requested);
  misses_.fetch_add(1, std::memory_order_relaxed);
}

// All or nothing: what can fail comes first, and nothing of it shows.
void PoolCore::add_regions(const std::size_t (&wanted)[class_count], bool touch,
                           std::size_t requested) {
  std::size_t regions = 0;
  for (std::uint32_t cls = 0; cls < class_count; ++cls) {
    if (wanted[cls] == 0) continue;
    make_room(cls, wanted[cls] * blocks_per_region(cls), requested);
    regions += wanted[cls];
  }
  make_room_in_table(regions, requested);
  Prepared prepared(*this);
  for (std::uint32_t cls = 0; cls < class_count; ++cls)
    for (std::size_t i = 0; i < wanted[cls]; ++i) {
      const std::size_t bytes = region_bytes(cls);
      Region* region =
          prepare(cls, bytes, cls < slab_class_count ? slab_bytes : region_alignment, requested);
      region->next = prepared.first;
      prepared.first = region;
      if (touch) touch_pages(region->block(0), bytes);
    }
  while (prepared.first != nullptr) publish(*prepared.pop());
}

// Room in the depot for `blocks` more blocks of a class.
void PoolCore::make_room(std::uint32_t cls, std::size_t blocks, std::size_t requested) {
  Depot& depot = depots_[cls];
  const std::size_t needed = depot.owned_count + blocks;
  if (needed <= depot.capacity) return;
  const std::size_t capacity = std::max<std::size_t>(std::bit_ceil(needed), 16);
  auto* larger = static_cast<FreeBlock*>(
      acquire_upstream(capacity * sizeof(FreeBlock), alignof(FreeBlock), requested));
  FreeBlock* smaller = depot.blocks;
  {
    const std::lock_guard lock(depot.lock);
    if (depot.count > 0) std::memcpy(larger, smaller, depot.count * sizeof(FreeBlock));
    depot.blocks = larger;
  }
  if (smaller != nullptr)
    upstream_->deallocate(smaller, depot.capacity * sizeof(FreeBlock), alignof(FreeBlock));
  depot.capacity = capacity;
}

void PoolCore::make_room_in_table(std::size_t regions, std::size_t requested) {
  if (table_.has_room(regions)) return;
  const std::size_t slots =
      std::bit_ceil(std::max(2 * (table_.used() + regions), 2 * (table_.newest()->mask + 1)));
  const std::size_t bytes = RegionTable::storage_bytes(slots);
  void* memory = acquire_upstream(bytes, alignof(RegionTable::Storage), requested);
  table_.move_to(std::memset(memory, 0, bytes), slots);
}

// A region of fresh memory that is not published yet.
Region* PoolCore::prepare(std::uint32_t cls, std::size_t bytes, std::size_t alignment,
                          std::size_t requested) {
  Depot& depot = depots_[cls];
  if (depot.spares == nullptr) {
    const std::uint32_t count = blocks_per_region(cls);
    const std::size_t descriptor_bytes = Region::descriptor_bytes(count);
    void* memory = acquire_upstream(descriptor_bytes, alignof(Region), requested);
    auto* region = static_cast<Region*>(std::memset(memory, 0, descriptor_bytes));
    region->cls = cls;
    region->count = count;
    depot.spares = region;
  }
  void* memory = acquire_upstream(bytes, alignment, requested);
  Region* region = depot.spares;
  depot.spares = region->next;
  region->base = reinterpret_cast<std::uintptr_t>(memory);
  region->bytes = bytes;
  region->alignment = alignment;
  return region;
}

void PoolCore::publish(Region& region) noexcept {
  Depot& depot = depots_[region.cls];
  region.previous = nullptr;
  region.next = depot.regions;
  if (depot.regions != nullptr) depot.regions->previous = &region;
  depot.regions = &region;
  table_.insert(region);
  owned_bytes_.fetch_add(region.bytes, std::memory_order_relaxed);
  poison(region.block(0), region.bytes);
  if (region.cls == exact_class) return;
  depot.owned_count += region.count;
  const std::lock_guard lock(depot.lock);
  give_region(region);
}

// All blocks of a region into the depot, the lowest on top. Contract: the depot's lock is held.
void PoolCore::give_region(Region& region) noexcept {
  Depot& depot = depots_[region.cls];
  for (std::size_t i = region.count; i > 0; --i)
    depot.blocks[depot.count++] = {region.block(i - 1), region.tags() + (i - 1)};
}

// Takes a region without issued or free blocks out of the pool.
void PoolCore::withdraw(Region& region) noexcept {
  Depot& depot = depots_[region.cls];
  (region.previous != nullptr ? region.previous->next : depot.regions) = region.next;
  if (region.next != nullptr) region.next->previous = region.previous;
  table_.erase(region.base);
  owned_bytes_.fetch_sub(region.bytes, std::memory_order_relaxed);
  if (region.cls != exact_class) {
    depot.owned_count -= region.count;
    withdrawals_.fetch_add(1, std::memory_order_release);
  }
  dismiss(region);
}

// The memory goes back upstream, the descriptor waits for other memory.
void PoolCore::dismiss(Region& region) noexcept {
  unpoison(region.block(0), region.bytes);
  upstream_->deallocate(region.block(0), region.bytes, region.alignment);
  for (std::size_t i = 0; i < 2 * std::size_t{region.count}; ++i)
    region.tags()[i].store(0, std::memory_order_relaxed);
  region.next = depots_[region.cls].spares;
  depots_[region.cls].spares = &region;
}

void* PoolCore::allocate_exact(Cache& cache, std::size_t bytes, std::size_t alignment) {
  const std::lock_guard lock(growth_);
  make_room_in_table(1, bytes);
  Region* region = prepare(exact_class, std::max<std::size_t>(bytes, 1),
                           std::max<std::size_t>(alignment, 64), bytes);
  publish(*region);
  region->tags()->store(std::uint64_t{bytes} + 1, std::memory_order_relaxed);
  misses_.fetch_add(1, std::memory_order_relaxed);
  cache.exact_allocations.set(cache.exact_allocations.get() + 1);
  cache.count_issue(bytes);
  unpoison(region->block(0), bytes);
  return region->block(0);
}

void PoolCore::deallocate_exact(Cache& cache, void* block, std::size_t bytes,
                                std::size_t alignment) {
  const std::lock_guard lock(growth_);
  Region* region = table_.find(reinterpret_cast<std::uintptr_t>(block));
  if (region == nullptr || region->cls != exact_class ||
      region->alignment != std::max<std::size_t>(alignment, 64) ||
      Region::requested(region->tags()->load(std::memory_order_relaxed)) != bytes) [[unlikely]]
    return refuse(block, bytes);
  withdraw(*region);
  cache.exact_deallocations.set(cache.exact_deallocations.get() + 1);
  cache.count_return(bytes);
}

void PoolCore::reserve(std::size_t total_bytes) {
  constexpr std::uint32_t common_sizes = 11;  // 64 B ... 64 KiB
  const std::lock_guard lock(growth_);
  if (total_bytes <= owned_bytes()) return;
  if (total_bytes > largest_block_bytes) [[unlikely]]
    raise<OutOfMemory>("MemoryPool::reserve", "requested %zu B, more than any memory (%zu B)",
                       total_bytes, largest_block_bytes);
  const std::size_t share = (total_bytes - owned_bytes() + common_sizes - 1) / common_sizes;
  std::size_t wanted[class_count] = {};
  for (std::uint32_t cls = 0; cls < common_sizes; ++cls)
    wanted[cls] = (share + region_bytes(cls) - 1) / region_bytes(cls);
  add_regions(wanted, true, total_bytes);
}

void PoolCore::reserve_blocks(std::size_t bytes, std::size_t count) {
  const std::uint32_t cls = class_of(bytes, 64);
  if (cls == exact_class) [[unlikely]]
    raise<ContractError>("MemoryPool::reserve",
                         "blocks of %zu B are not pooled, the largest that are have %zu B", bytes,
                         largest_pooled_bytes);
  if (!checked_mul(count, class_bytes(cls)) || count * class_bytes(cls) > largest_block_bytes)
      [[unlikely]]
    raise<OutOfMemory>("MemoryPool::reserve",
                       "requested %zu blocks of %zu B, more than an address can count", count,
                       class_bytes(cls));
  const std::lock_guard lock(growth_);
  std::size_t there = 0;
  {
    const std::lock_guard depot_lock(depots_[cls].lock);
    there = depots_[cls].count;
  }
  if (there >= count) return;
  std::size_t wanted[class_count] = {};
  wanted[cls] = (count - there + blocks_per_region(cls) - 1) / blocks_per_region(cls);
  add_regions(wanted, true, count * class_bytes(cls));
}

void PoolCore::trim(Cache* own) noexcept {
  if (own != nullptr) flush_all(*own);
  const std::lock_guard uncached_lock(uncached_lock_);
  flush_all(uncached_);
  const std::lock_guard lock(growth_);
  for (std::uint32_t cls = 0; cls < class_count; ++cls) {
    Depot& depot = depots_[cls];
    for (Region* r = depot.regions; r != nullptr; r = r->next) r->idle = 0;
    {
      const std::lock_guard depot_lock(depot.lock);
      const auto region_of = [&](const FreeBlock& free) {
        return table_.find(region_base(free.block, cls));
      };
      for (std::size_t i = 0; i < depot.count; ++i) ++region_of(depot.blocks[i])->idle;
      std::size_t kept = 0;
      for (std::size_t i = 0; i < depot.count; ++i)
        if (const Region* r = region_of(depot.blocks[i]); r->idle < r->count)
          depot.blocks[kept++] = depot.blocks[i];
      depot.count = kept;
    }
    for (Region *r = depot.regions, *next = nullptr; r != nullptr; r = next) {
      next = r->next;
      if (r->idle == r->count) withdraw(*r);
    }
  }
}

void PoolCore::clear() noexcept {
  const PoolStats before = totals();
  const std::lock_guard registry(cache_registry());
  const std::lock_guard uncached_lock(uncached_lock_);
  const std::lock_guard lock(growth_);
  const auto forget = [this](Cache& cache) {
    fold(cache);
    for (Shelf& shelf : cache.shelves) {
      cache.received.set(cache.received.get() - shelf.count());
      shelf.set_count(0);
    }
  };
  forget(uncached_);
  for (Cache* cache = caches_; cache != nullptr; cache = cache->next_of_pool) forget(*cache);
  live_bytes_.store(0, std::memory_order_relaxed);
  retired_deallocations_ += before.live_count;
  generation_.fetch_add(1, std::memory_order_relaxed);
  for (std::uint32_t cls = 0; cls < class_count; ++cls) {
    Depot& depot = depots_[cls];
    const std::lock_guard depot_lock(depot.lock);
    depot.count = 0;
    for (Region* r = depot.regions; r != nullptr; r = r->next) {
      for (std::size_t i = 0; i < r->count; ++i) {
        if (Region::is_issued(r->tags()[i].load(std::memory_order_relaxed)))
          r->tags()[i].store(Region::cleared, std::memory_order_relaxed);
        r->stamps()[i].store(0, std::memory_order_relaxed);
      }
      poison(r->block(0), r->bytes);
      give_region(*r);
    }
  }
  while (depots_[exact_class].regions != nullptr) withdraw(*depots_[exact_class].regions);
}

void PoolCore::check_frees(bool on) {
  if (const PoolStats s = totals(); s.live_count > 0)
    raise<ContractError>("MemoryPool", "check_frees with %zu blocks in use", s.live_count);
  clear();  // every block into the depot, with its tag
  const std::lock_guard registry(cache_registry());
  for (Cache* list : {&uncached_, caches_, spare_caches_})
    for (Cache* cache = list; cache != nullptr; cache = cache->next_of_pool) {
      cache->checks_frees = on;
      for (auto& places : cache->blocks)
        for (FreeBlock& place : places) place = {};
    }
  checks_frees_ = on;
}

PoolStats PoolCore::stats() const noexcept {
  PoolStats s = totals();
  const std::lock_guard registry(cache_registry());
  for (std::uint32_t cls = 0; cls < class_count; ++cls) {
    std::size_t count = uncached_.shelves[cls].count();
    for (const Cache* cache = caches_; cache != nullptr; cache = cache->next_of_pool)
      count += cache->shelves[cls].count();
    {
      const std::lock_guard depot_lock(depots_[cls].lock);
      count += depots_[cls].count;
    }
    s.pooled_count += count;
    s.pooled_bytes += count * class_bytes(cls);
  }
  return s;
}

}  // namespace tenon::detail
