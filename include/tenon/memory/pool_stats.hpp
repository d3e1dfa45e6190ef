#pragma once
// What pools count.

#include <tenon/memory/resource.hpp>

#include <cstddef>
#include <cstdint>

namespace tenon {

struct PoolStats {
  std::size_t live_bytes;  // as requested, of blocks given out
  std::size_t live_count;
  std::size_t peak_bytes;    // the highest live_bytes ever
  std::size_t pooled_bytes;  // real capacity of free blocks kept for reuse
  std::size_t pooled_count;
  std::size_t owned_bytes;    // real capacity of all blocks, taken from upstream and not given back
  std::uint64_t allocations;  // requests served
  std::uint64_t deallocations;  // allocations - live_count: freed or cleared
  std::uint64_t hits;           // requests served by a pooled block
  std::uint64_t misses;  // requests that found none: served by upstream or answered with empty

  // hits / (hits + misses), 0 before the first request.
  [[nodiscard]] double hit_rate() const noexcept { return detail::share(hits, hits + misses); }
  // live_bytes / owned_bytes: how much of what the pool took is asked for now; 0 for an empty pool.
  [[nodiscard]] double utilisation() const noexcept {
    return detail::share(live_bytes, owned_bytes);
  }
  // 1 - live_bytes / (capacity of the live blocks): what rounding up to classes costs; 0 without them.
  [[nodiscard]] double fragmentation() const noexcept {
    const std::size_t capacity = owned_bytes - pooled_bytes;
    return detail::share(capacity - live_bytes, capacity);
  }
};

}  // namespace tenon
