#pragma once
// Counts, logs and announces what is asked of the resource below.

#include <tenon/memory/event_log.hpp>
#include <tenon/memory/generation_watch.hpp>
#include <tenon/memory/layer.hpp>
#include <tenon/memory/page_resource.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tenon {

// What a profiler wants to be told, on the thread that asks. Any function may be null; none may use
// the tracker.
struct AllocationHooks {
  // After a block was issued.
  void (*on_allocate)(void* context, const void* block, std::size_t bytes) noexcept = nullptr;
  // Before a block goes back, while no other thread can get its address. If the resource below
  // refuses the free, on_allocate follows for the same block.
  void (*on_deallocate)(void* context, const void* block, std::size_t bytes) noexcept = nullptr;
  // After the resource below was cleared or reset, when the tracker is next used: what died.
  void (*on_clear)(void* context, std::size_t bytes) noexcept = nullptr;
  void* context = nullptr;
};

struct TrackingOptions {
  EventLog* log = nullptr;     // outlives the tracker
  AllocationHooks hooks = {};  // their context outlives the tracker
  const char* name = nullptr;  // the label of its events outside of any phase; outlives the log
};

struct TrackingStats {
  std::size_t live_bytes;  // as requested
  std::size_t live_count;
  std::size_t peak_bytes;   // the highest live_bytes ever
  std::size_t total_bytes;  // of all allocations ever
  std::uint64_t allocations;
  std::uint64_t deallocations;  // allocations - live_count: freed or cleared
  std::uint64_t refusals;       // requests and frees that the resource below refused

  // total_bytes / allocations, 0 before the first one.
  [[nodiscard]] double mean_bytes() const noexcept {
    return allocations > 0 ? static_cast<double>(total_bytes) / static_cast<double>(allocations)
                           : 0.0;
  }
};

// Forwards to the resource below and counts. With a log, every event is written into it; with
// hooks, every event is announced.
// A clear or reset of the resource below is noticed at the next use: what was live counts as
// deallocated and the log gets a `clear`. An Arena::rewind below the tracker is not seen; put the
// tracker below the arena, or reset.
// Allocations: none of its own (the log's are the log's). Cost: a few atomic additions each way.
// Thread-safe if the resource below is. Statistics read while others allocate are of about now.
class TrackingAllocator final : public ResourceLayer {
 public:
  // Contract: upstream is not null and outlives the tracker.
  explicit TrackingAllocator(std::pmr::memory_resource* upstream = system_resource(),
                             const TrackingOptions& options = {}) noexcept
      : ResourceLayer(upstream), options_(options), watch_(endings()) {}

  // A block from the resource below, 64-byte aligned unless more is asked.
  // Errors: what upstream throws; counted as a refusal, nothing else is changed then.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    update();
    Refusal refusal{*this, nullptr, bytes, alignment, 0, false};
    void* block = upstream()->allocate(bytes, std::max(alignment, block_alignment));
    refusal.is_settled = true;
    const std::size_t live = live_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    detail::raise_to(peak_bytes_, live);
    total_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    allocations_.fetch_add(1, std::memory_order_relaxed);
    record(MemoryEventKind::allocate, block, bytes, alignment);
    if (options_.hooks.on_allocate != nullptr)
      options_.hooks.on_allocate(options_.hooks.context, block, bytes);
    return block;
  }

  // Errors: what upstream throws, counted as a refusal, and ContractError for null; nothing else is
  // changed then.
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = block_alignment) {
    if (block == nullptr) [[unlikely]]
      detail::raise<ContractError>("TrackingAllocator", "free of a null pointer (%zu B)", bytes);
    update();
    // Before the block goes back, so that the next owner of the address comes later in the log.
    live_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    deallocations_.fetch_add(1, std::memory_order_relaxed);
    if (options_.hooks.on_deallocate != nullptr)
      options_.hooks.on_deallocate(options_.hooks.context, block, bytes);
    Refusal refusal{*this,
                    block,
                    bytes,
                    alignment,
                    record(MemoryEventKind::deallocate, block, bytes, alignment),
                    true};
    upstream()->deallocate(block, bytes, std::max(alignment, block_alignment));
    refusal.is_settled = true;
  }

  [[nodiscard]] TrackingStats stats() const noexcept {
    update();
    TrackingStats s{};
    s.deallocations = deallocations_.load(std::memory_order_relaxed);
    s.allocations = allocations_.load(std::memory_order_relaxed);
    s.live_bytes = live_bytes_.load(std::memory_order_relaxed);
    s.live_count = static_cast<std::size_t>(s.allocations - s.deallocations);
    s.peak_bytes = peak_bytes_.load(std::memory_order_relaxed);
    s.total_bytes = total_bytes_.load(std::memory_order_relaxed);
    s.refusals = refusals_.load(std::memory_order_relaxed);
    return s;
  }

  // The peak starts again from what is live now, to measure one part of a program.
  // Contract: nobody allocates meanwhile.
  void reset_peak() noexcept {
    update();
    peak_bytes_.store(live_bytes_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }

  [[nodiscard]] EventLog* log() const noexcept { return options_.log; }

 private:
  // Takes back what was counted for a request or free that upstream refuses by an exception.
  struct Refusal {
    TrackingAllocator& tracker;
    void* block;
    std::size_t bytes;
    std::size_t alignment;
    std::uint64_t event;
    bool is_free;
    bool is_settled = false;
    ~Refusal() {
      if (!is_settled) tracker.take_back(*this);
    }
  };

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }

  std::uint64_t record(MemoryEventKind kind, const void* block, std::size_t bytes,
                       std::size_t alignment) const noexcept {
    if (options_.log == nullptr) return 0;
    MemoryEvent event{};
    event.kind = kind;
    event.address = reinterpret_cast<std::uintptr_t>(block);
    event.bytes = bytes;
    event.source = this;
    event.label = options_.name;
    event.alignment_bits = static_cast<unsigned char>(std::countr_zero(alignment));
    return options_.log->record(event);
  }

  TENON_COLD void take_back(const Refusal& refused) noexcept {
    refusals_.fetch_add(1, std::memory_order_relaxed);
    if (!refused.is_free) {
      record(MemoryEventKind::refuse, nullptr, refused.bytes, refused.alignment);
      return;
    }
    live_bytes_.fetch_add(refused.bytes, std::memory_order_relaxed);
    deallocations_.fetch_sub(1, std::memory_order_relaxed);
    if (options_.log != nullptr) options_.log->retract(refused.event, refused.bytes);
    if (options_.hooks.on_allocate != nullptr)
      options_.hooks.on_allocate(options_.hooks.context, refused.block, refused.bytes);
  }

  void update() const noexcept {
    watch_.update(
        endings(),
        [this] {
          const std::size_t died = live_bytes_.exchange(0, std::memory_order_relaxed);
          deallocations_.store(allocations_.load(std::memory_order_relaxed),
                               std::memory_order_relaxed);
          record(MemoryEventKind::clear, nullptr, died, 1);
          if (options_.hooks.on_clear != nullptr)
            options_.hooks.on_clear(options_.hooks.context, died);
        },
        [this](std::uint64_t count, std::size_t bytes) {  // which ones, only the resource knows
          live_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
          deallocations_.fetch_add(count, std::memory_order_relaxed);
        });
  }

  TrackingOptions options_;
  mutable std::atomic<std::size_t> live_bytes_{0};
  std::atomic<std::size_t> peak_bytes_{0};
  std::atomic<std::size_t> total_bytes_{0};
  std::atomic<std::uint64_t> allocations_{0};
  mutable std::atomic<std::uint64_t> deallocations_{0};
  std::atomic<std::uint64_t> refusals_{0};
  mutable detail::GenerationWatch watch_;
};

}  // namespace tenon
