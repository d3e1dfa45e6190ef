#pragma once
// A byte limit on whatever lies below.

#include <tenon/memory/generation_watch.hpp>
#include <tenon/memory/layer.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tenon {

struct BudgetStats {
  std::size_t live_bytes;  // as requested: what is used of the budget
  std::size_t live_count;
  std::size_t peak_bytes;  // the highest live_bytes ever
  std::size_t max_bytes;
  std::uint64_t allocations;
  std::uint64_t deallocations;  // allocations - live_count: freed or cleared
};

// Invariant: the bytes of all live blocks, as requested, never exceed max_bytes. A request beyond
// is refused before the resource below is asked. To limit what is really taken from the system,
// bookkeeping and rounding included, put the budget below the pool.
// A clear or reset of the resource below gives the whole budget back; an Arena::rewind below it is
// not seen (rewound bytes count until the next reset).
// Allocations: none of its own. Cost: a few atomic additions and a generation() call each way.
// Thread-safe if the resource below is; a request counts while it is in flight.
class Budget final : public ResourceLayer {
 public:
  // Contract: upstream is not null and outlives the budget.
  Budget(std::pmr::memory_resource* upstream, std::size_t max_bytes) noexcept
      : ResourceLayer(upstream), max_bytes_(max_bytes), watch_(endings()) {}

  // A block from the resource below, 64-byte aligned unless more is asked.
  // Errors: BudgetError with requested, used, limit and missing bytes; what upstream throws.
  // Nothing is changed then.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    update();
    std::size_t used = used_bytes_.load(std::memory_order_relaxed);
    do {
      if (bytes > max_bytes_ - used) [[unlikely]]
        refuse(bytes, used);
    } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    Claim claim{used_bytes_, bytes};
    void* block = upstream()->allocate(bytes, std::max(alignment, block_alignment));
    claim.bytes = 0;
    detail::raise_to(peak_bytes_, used + bytes);
    allocations_.fetch_add(1, std::memory_order_relaxed);
    return block;
  }

  // Errors: what upstream throws, ContractError for null; nothing is changed then.
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = block_alignment) {
    if (block == nullptr) [[unlikely]]
      detail::raise<ContractError>("budget", "free of a null pointer (%zu B)", bytes);
    update();
    upstream()->deallocate(block, bytes, std::max(alignment, block_alignment));
    used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    deallocations_.fetch_add(1, std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t max_bytes() const noexcept { return max_bytes_; }
  [[nodiscard]] std::size_t used_bytes() const noexcept {
    update();
    return used_bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t available_bytes() const noexcept { return max_bytes_ - used_bytes(); }
  // The highest used_bytes ever.
  [[nodiscard]] std::size_t peak_bytes() const noexcept {
    return peak_bytes_.load(std::memory_order_relaxed);
  }
  // Read while others allocate, the numbers are of about now.
  [[nodiscard]] BudgetStats stats() const noexcept {
    update();
    BudgetStats s{};
    s.deallocations = deallocations_.load(std::memory_order_relaxed);
    s.allocations = allocations_.load(std::memory_order_relaxed);
    s.live_bytes = used_bytes_.load(std::memory_order_relaxed);
    s.live_count = static_cast<std::size_t>(s.allocations - s.deallocations);
    s.peak_bytes = peak_bytes();
    s.max_bytes = max_bytes_;
    return s;
  }

 private:
  // Gives the bytes of a request back that upstream refused.
  struct Claim {
    std::atomic<std::size_t>& used;
    std::size_t bytes;
    ~Claim() {
      if (bytes > 0) used.fetch_sub(bytes, std::memory_order_relaxed);
    }
  };

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }

  void update() const noexcept {
    watch_.update(
        endings(),
        [this] {
          used_bytes_.store(0, std::memory_order_relaxed);
          deallocations_.store(allocations_.load(std::memory_order_relaxed),
                               std::memory_order_relaxed);
        },
        [this](std::uint64_t count, std::size_t bytes) {
          used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
          deallocations_.fetch_add(count, std::memory_order_relaxed);
        });
  }

  [[noreturn]] TENON_COLD void refuse(std::size_t bytes, std::size_t used) const {
    detail::raise<BudgetError>("budget", "requested %zu B, used %zu B of %zu B, missing %zu B",
                               bytes, used, max_bytes_, bytes - (max_bytes_ - used));
  }

  std::size_t max_bytes_;
  mutable std::atomic<std::size_t> used_bytes_{0};
  std::atomic<std::size_t> peak_bytes_{0};
  std::atomic<std::uint64_t> allocations_{0};
  mutable std::atomic<std::uint64_t> deallocations_{0};
  mutable detail::GenerationWatch watch_;
};

// At most max_bytes alive at a time in `resource`: auto limited = budget(page_resource(), 1 << 20);
// Contract: resource is not null and outlives the budget.
[[nodiscard]] inline Budget budget(std::pmr::memory_resource* resource,
                                   std::size_t max_bytes) noexcept {
  return {resource, max_bytes};
}
[[nodiscard]] inline Budget budget(std::pmr::memory_resource& resource,
                                   std::size_t max_bytes) noexcept {
  return {&resource, max_bytes};
}

}  // namespace tenon
