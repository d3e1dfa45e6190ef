#pragma once
// MemoryTracker: what an engine takes from its resource, counted and limited.

#include <tenon/memory/budget.hpp>
#include <tenon/memory/layer.hpp>
#include <tenon/memory/tracking_allocator.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>

namespace tenon {

struct MemoryTrackerStats {
  std::size_t current_bytes;  // as requested
  std::size_t current_count;
  std::size_t peak_bytes;  // the highest current_bytes ever
  std::size_t limit_bytes;
  std::uint64_t allocations;
  std::uint64_t deallocations;
  std::uint64_t refusals;  // by the resource below
};

// A Budget over a TrackingAllocator over the caller's resource, as one resource.
// Invariant: current_bytes <= limit_bytes. A request beyond is a BudgetError with requested, used, limit and
// missing bytes, before the resource below is asked.
// Thread rules: those of the resource below; the statistics are atomic.
class MemoryTracker final : public ResourceLayer {
 public:
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

  // Contract: upstream is not null and outlives the tracker.
  explicit MemoryTracker(std::pmr::memory_resource* upstream = system_resource(),
                         std::size_t limit_bytes = no_limit) noexcept
      : ResourceLayer(upstream), tracking_(upstream), budget_(&tracking_, limit_bytes) {}

  [[nodiscard]] MemoryTrackerStats stats() const noexcept {
    const TrackingStats tracked = tracking_.stats();
    return {tracked.live_bytes,  tracked.live_count,    tracked.peak_bytes, budget_.max_bytes(),
            tracked.allocations, tracked.deallocations, tracked.refusals};
  }
  [[nodiscard]] std::size_t limit_bytes() const noexcept { return budget_.max_bytes(); }
  // The peak starts again from what is alive now. Contract: nobody allocates meanwhile.
  void reset_peak() noexcept { tracking_.reset_peak(); }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return budget_.allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    budget_.deallocate(block, bytes, alignment);
  }

  TrackingAllocator tracking_;
  Budget budget_;
};

}  // namespace tenon
