// MemoryPool: finding the caller's cache, and one line for everything else.

#include <tenon/memory/memory_pool.hpp>

#include "thread_caches.hpp"

#include <tenon/memory/upstream.hpp>

#include <new>

namespace tenon {

MemoryPool::MemoryPool(detail::PoolCore& core) noexcept : core_(&core), id_(core.id()) {}

MemoryPool::MemoryPool(std::size_t initial_capacity_bytes, std::pmr::memory_resource* upstream,
                       bool reports)
    : MemoryPool(*::new(detail::acquire(
          *upstream, sizeof(detail::PoolCore), alignof(detail::PoolCore), "MemoryPool",
          sizeof(detail::PoolCore), 0)) detail::PoolCore(upstream, reports, reports)) {
  core_->reserve(initial_capacity_bytes);
}

MemoryPool::~MemoryPool() {
  std::pmr::memory_resource* upstream = core_->upstream();
  core_->~PoolCore();
  upstream->deallocate(core_, sizeof(detail::PoolCore), alignof(detail::PoolCore));
}

void* MemoryPool::allocate(std::size_t bytes, std::size_t alignment) {
  const auto& recent = detail::thread_caches.recent;
  if (recent.pool_id != id_) [[unlikely]]
    return allocate_elsewhere(bytes, alignment);
  return detail::PoolCore::allocate(*recent.cache, bytes, alignment);
}

void MemoryPool::deallocate(void* block, std::size_t bytes, std::size_t alignment) {
  const auto& recent = detail::thread_caches.recent;
  if (recent.pool_id != id_) [[unlikely]]
    return deallocate_elsewhere(block, bytes, alignment);
  detail::PoolCore::deallocate(*recent.cache, block, bytes, alignment);
}

void* MemoryPool::allocate_elsewhere(std::size_t bytes, std::size_t alignment) {
  detail::Cache* cache = detail::thread_caches.find(id_);
  if (cache == nullptr) cache = detail::find_cache(*core_);
  if (cache != nullptr) return detail::PoolCore::allocate(*cache, bytes, alignment);
  return core_->allocate_uncached(bytes, alignment);
}

void MemoryPool::deallocate_elsewhere(void* block, std::size_t bytes, std::size_t alignment) {
  detail::Cache* cache = detail::thread_caches.find(id_);
  if (cache == nullptr) cache = detail::find_cache(*core_);
  if (cache != nullptr) return detail::PoolCore::deallocate(*cache, block, bytes, alignment);
  core_->deallocate_uncached(block, bytes, alignment);
}

void* MemoryPool::do_allocate(std::size_t bytes, std::size_t alignment) {
  return MemoryPool::allocate(bytes, alignment);
}
void MemoryPool::do_deallocate(void* block, std::size_t bytes, std::size_t alignment) {
  MemoryPool::deallocate(block, bytes, alignment);
}

void MemoryPool::reserve(std::size_t total_capacity_bytes) { core_->reserve(total_capacity_bytes); }
void MemoryPool::reserve(std::size_t bytes, std::size_t count) {
  core_->reserve_blocks(bytes, count);
}
std::size_t MemoryPool::footprint(std::size_t bytes, std::size_t alignment) const noexcept {
  const std::uint32_t cls = detail::class_of(bytes, alignment);
  return cls != detail::exact_class ? detail::class_bytes(cls) : bytes;
}
void MemoryPool::trim() noexcept { core_->trim(detail::find_cache(*core_)); }
void MemoryPool::clear() noexcept { core_->clear(); }
void MemoryPool::check_frees(bool on) { core_->check_frees(on); }
bool MemoryPool::checks_frees() const noexcept { return core_->checks_frees(); }

std::size_t MemoryPool::get_total_allocated() const noexcept { return core_->totals().live_bytes; }
std::size_t MemoryPool::get_total_capacity() const noexcept { return core_->owned_bytes(); }
double MemoryPool::get_utilization_ratio() const noexcept {
  const auto capacity = static_cast<double>(get_total_capacity());
  return capacity > 0 ? static_cast<double>(get_total_allocated()) / capacity : 0.0;
}
std::uint64_t MemoryPool::get_allocation_count() const noexcept {
  return core_->totals().allocations;
}
std::uint64_t MemoryPool::get_deallocation_count() const noexcept {
  return core_->totals().deallocations;
}
PoolStats MemoryPool::stats() const noexcept { return core_->stats(); }

std::uint64_t MemoryPool::generation() const noexcept { return core_->generation(); }
std::uint64_t MemoryPool::stamp(const void* block) const noexcept {
  return core_->stamp(reinterpret_cast<std::uintptr_t>(block));
}
bool MemoryPool::is_live(const void* block, std::uint64_t stamp) const noexcept {
  return core_->is_live(reinterpret_cast<std::uintptr_t>(block), stamp);
}

MemoryPool& detail::global_memory_pool(bool checks_frees) noexcept {
  alignas(detail::PoolCore) static std::byte core[sizeof(detail::PoolCore)];
  alignas(MemoryPool) static std::byte storage[sizeof(MemoryPool)];
  static MemoryPool* const pool = ::new (static_cast<void*>(storage)) MemoryPool(
      *::new (static_cast<void*>(core)) detail::PoolCore(system_resource(), false, checks_frees));
  return *pool;
}

}  // namespace tenon
