// MemoryPool: what happens off the fast path between a cache and the depot; statistics; names.

#include "pool_core.hpp"

#include <tenon/core/error.hpp>

#include <cstring>

namespace tenon::detail {

namespace {

// Half a cache moves at a time, so that a thread that allocates and frees around the limit does not
// meet the depot each time.
[[nodiscard]] constexpr std::uint32_t batch(std::uint32_t cls) noexcept {
  return std::max(class_tables.limit[cls] / 2, 1U);
}

[[nodiscard]] std::uint64_t new_pool_id() noexcept {
  constinit static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

PoolCore::PoolCore(std::pmr::memory_resource* upstream, bool reports, bool checks_frees) noexcept
    : upstream_(upstream), id_(new_pool_id()), reports_(reports), checks_frees_(checks_frees) {
  uncached_.core = this;
  uncached_.checks_frees = checks_frees;
}

void* PoolCore::allocate_untabled(Cache& cache, std::size_t bytes, std::size_t alignment) {
  const std::uint32_t cls = class_of(bytes, alignment);
  if (cls == exact_class) [[unlikely]]
    return allocate_exact(cache, bytes, alignment);
  return allocate_of(cache, cls, bytes);
}

void PoolCore::deallocate_untabled(Cache& cache, void* block, std::size_t bytes,
                                   std::size_t alignment) {
  const std::uint32_t cls = class_of(bytes, alignment);
  if (cls == exact_class) [[unlikely]]
    return deallocate_exact(cache, block, bytes, alignment);
  deallocate_of(cache, cls, block, bytes);
}

void PoolCore::deallocate_checked(Cache& cache, std::uint32_t cls, void* block, std::size_t bytes) {
  PoolCore& core = *cache.core;
  Shelf& shelf = cache.shelves[cls];
  FreeBlock* place = shelf.top.get();
  if (place->block == block &&
      cache.withdrawals_seen == core.withdrawals_.load(std::memory_order_relaxed) &&
      place->tag->load(std::memory_order_relaxed) == std::uint64_t{bytes} + 1) {
    place->tag->store(0, std::memory_order_relaxed);
    cache.count_return(bytes);
    poison(block, class_bytes(cls));
    shelf.top.set(place + 1);
    return;
  }
  core.deallocate_searched(cache, cls, block, bytes);
}

void PoolCore::deallocate_searched(Cache& cache, std::uint32_t cls, void* block,
                                   std::size_t bytes) {
  const std::uintptr_t base = region_base(block, cls);
  Region* region = table_.find(base);
  const auto offset = reinterpret_cast<std::uintptr_t>(block) - base;
  if (region == nullptr || region->cls != cls || (offset & class_tables.mask[cls]) != 0)
      [[unlikely]]
    return refuse(block, bytes);
  Region::Word& tag = region->tags()[offset >> (cls + 6)];
  const std::uint64_t found = tag.load(std::memory_order_relaxed);
  if (found != std::uint64_t{bytes} + 1) {
    if (found != ((std::uint64_t{bytes} + 1) | Region::stamped)) [[unlikely]]
      return refuse(block, bytes);
    (&tag)[region->count].store(0, std::memory_order_relaxed);  // its stamp
  }
  tag.store(0, std::memory_order_relaxed);
  cache.count_return(bytes);
  poison(block, class_bytes(cls));
  Shelf& shelf = cache.shelves[cls];
  FreeBlock* top = shelf.top.get();
  if (top == shelf.end) [[unlikely]]
    return flush(cache, cls, {block, &tag});
  shelf.top.set(top + 1);
  *top = {block, &tag};
}

// Fills the cache and serves the request that found it empty.
void* PoolCore::refill(Cache& cache, std::uint32_t cls, std::size_t bytes) {
  meet_depot(cache);
  Shelf& shelf = cache.shelves[cls];
  std::uint32_t taken = take(cls, shelf.bottom, batch(cls));
  while (taken == 0) {
    grow(cls, bytes);
    taken = take(cls, shelf.bottom, batch(cls));
  }
  cache.received.set(cache.received.get() + taken);
  shelf.set_count(taken - 1);
  return issue(cache, shelf.bottom[taken - 1], bytes);
}

// Makes room in a full cache for a block. The oldest blocks leave: the newest are in the
// processor's caches.
void PoolCore::flush(Cache& cache, std::uint32_t cls, FreeBlock block) noexcept {
  meet_depot(cache);
  Shelf& shelf = cache.shelves[cls];
  const std::uint32_t leaving = batch(cls);
  const std::uint32_t staying = shelf.count() - leaving;
  give(cls, shelf.bottom, leaving);
  cache.received.set(cache.received.get() - leaving);
  std::memmove(shelf.bottom, shelf.bottom + leaving, staying * sizeof(FreeBlock));
  shelf.bottom[staying] = block;
  shelf.set_count(staying + 1);
}

void PoolCore::flush_all(Cache& cache) noexcept {
  meet_depot(cache);
  for (std::uint32_t cls = 0; cls < class_count; ++cls) {
    Shelf& shelf = cache.shelves[cls];
    const std::uint32_t count = shelf.count();
    give(cls, shelf.bottom, count);
    cache.received.set(cache.received.get() - count);
    shelf.set_count(0);
  }
}

// What is due whenever a cache leaves its fast path.
void PoolCore::meet_depot(Cache& cache) noexcept {
  fold(cache);
  const std::uint64_t withdrawals = withdrawals_.load(std::memory_order_acquire);
  if (cache.withdrawals_seen == withdrawals) return;
  for (const Shelf& shelf : cache.shelves)
    for (FreeBlock* place = shelf.top.get(); place < shelf.bottom + cache_places; ++place)
      *place = {};
  cache.withdrawals_seen = withdrawals;
}

// Moves the cache's live bytes and peak into the pool's.
void PoolCore::fold(Cache& cache) noexcept {
  const auto peak = static_cast<std::int64_t>(cache.peak.get());
  const auto net = peak - static_cast<std::int64_t>(cache.below_peak.get());
  const std::int64_t before = live_bytes_.fetch_add(net, std::memory_order_relaxed);
  std::int64_t highest = peak_bytes_.load(std::memory_order_relaxed);
  while (before + peak > highest &&
         !peak_bytes_.compare_exchange_weak(highest, before + peak, std::memory_order_relaxed)) {
  }
  cache.peak.set(0);
  cache.below_peak.set(0);
}

std::uint32_t PoolCore::take(std::uint32_t cls, FreeBlock* to, std::uint32_t most) noexcept {
  Depot& depot = depots_[cls];
  const std::lock_guard lock(depot.lock);
  const std::size_t taken = std::min<std::size_t>(most, depot.count);
  depot.count -= taken;
  if (taken > 0) std::memcpy(to, depot.blocks + depot.count, taken * sizeof(FreeBlock));
  return static_cast<std::uint32_t>(taken);
}

void PoolCore::give(std::uint32_t cls, const FreeBlock* from, std::uint32_t count) noexcept {
  if (count == 0) return;
  Depot& depot = depots_[cls];
  const std::lock_guard lock(depot.lock);
  std::memcpy(depot.blocks + depot.count, from, count * sizeof(FreeBlock));
  depot.count += count;
}

void* PoolCore::allocate_uncached(std::size_t bytes, std::size_t alignment) {
  const std::lock_guard lock(uncached_lock_);
  return allocate(uncached_, bytes, alignment);
}

void PoolCore::deallocate_uncached(void* block, std::size_t bytes, std::size_t alignment) {
  const std::lock_guard lock(uncached_lock_);
  deallocate(uncached_, block, bytes, alignment);
}

Region::Word* PoolCore::find_tag(std::uintptr_t address, std::size_t& count) const noexcept {
  const std::uintptr_t slab = address & ~(slab_bytes - 1);
  if (Region* region = table_.find(slab); region != nullptr && region->cls < slab_class_count) {
    const std::size_t i = (address - slab) / class_bytes(region->cls);
    count = region->count;
    return (address - slab) % class_bytes(region->cls) == 0 && i < count ? region->tags() + i
                                                                         : nullptr;
  }
  Region* region = table_.find(address);
  if (region == nullptr || region->cls < slab_class_count) return nullptr;
  count = region->count;
  return region->tags();
}

std::uint64_t PoolCore::stamp(std::uintptr_t block) const noexcept {
  if (!checks_frees_) return generation();
  std::size_t count = 0;
  Region::Word* tag = find_tag(block, count);
  if (tag == nullptr) return 0;
  std::uint64_t found = tag->load(std::memory_order_relaxed);
  if (!Region::is_issued(found)) return 0;
  Region::Word& name = tag[count];
  std::uint64_t stamp = name.load(std::memory_order_relaxed);
  if (stamp == 0) {
    const std::uint64_t fresh = stamp_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (name.compare_exchange_strong(stamp, fresh, std::memory_order_relaxed)) stamp = fresh;
  }
  while ((found & Region::stamped) == 0 &&
         !tag->compare_exchange_weak(found, found | Region::stamped, std::memory_order_relaxed)) {
  }
  return stamp;
}

bool PoolCore::is_live(std::uintptr_t block, std::uint64_t stamp) const noexcept {
  if (!checks_frees_) return stamp == generation();
  std::size_t count = 0;
  const Region::Word* tag = find_tag(block, count);
  return tag != nullptr && stamp != 0 && tag[count].load(std::memory_order_relaxed) == stamp;
}

void PoolCore::refuse(const void* block, std::size_t bytes) const {
  std::size_t count = 0;
  const Region::Word* tag = find_tag(reinterpret_cast<std::uintptr_t>(block), count);
  if (tag == nullptr)
    raise<ContractError>("MemoryPool", "free of %p (%zu B), which is no block of this pool", block,
                         bytes);
  const std::uint64_t found = tag->load(std::memory_order_relaxed);
  if (found == Region::cleared)
    raise<StaleTensorError>("MemoryPool", "free of %p (%zu B), which was cleared", block, bytes);
  if (!Region::is_issued(found))
    raise<ContractError>("MemoryPool", "double free of %p (%zu B)", block, bytes);
  if (Region::requested(found) != bytes)
    raise<ContractError>("MemoryPool", "%p is freed with %zu B but was issued with %zu B", block,
                         bytes, Region::requested(found));
  raise<ContractError>("MemoryPool", "%p (%zu B) is freed with another alignment than issued",
                       block, bytes);
}

PoolStats PoolCore::totals() const noexcept {
  const std::lock_guard lock(cache_registry());
  const std::int64_t folded = live_bytes_.load(std::memory_order_relaxed);
  std::int64_t live = folded;
  std::int64_t peak = peak_bytes_.load(std::memory_order_relaxed);
  PoolStats sum{};
  sum.allocations = retired_allocations_;
  sum.deallocations = retired_deallocations_;
  const auto add = [&](const Cache& cache) {
    const auto cache_peak = static_cast<std::int64_t>(cache.peak.get());
    live += cache_peak - static_cast<std::int64_t>(cache.below_peak.get());
    peak = std::max(peak, folded + cache_peak);
    sum.deallocations += cache.deallocations();
    sum.allocations += cache.allocations.get();
  };
  add(uncached_);
  for (const Cache* cache = caches_; cache != nullptr; cache = cache->next_of_pool) add(*cache);
  live = std::max<std::int64_t>(live, 0);
  sum.live_bytes = static_cast<std::size_t>(live);
  sum.peak_bytes = static_cast<std::size_t>(std::max(peak, live));
  sum.live_count = sum.allocations - std::min(sum.deallocations, sum.allocations);
  sum.misses = std::min(misses_.load(std::memory_order_relaxed), sum.allocations);
  sum.hits = sum.allocations - sum.misses;
  sum.owned_bytes = owned_bytes();
  return sum;
}

}  // namespace tenon::detail
