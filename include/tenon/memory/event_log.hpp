#pragma once
// What was asked of memory, event by event: the record that timelines and size classes come from.

#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <mutex>
#include <new>
#include <span>
#include <utility>

namespace tenon {

enum class MemoryEventKind : unsigned char {
  allocate,
  deallocate,
  clear,  // all blocks of the source died at once
  refuse  // a request or a free that was refused; it changed nothing
};

struct MemoryEvent {
  std::uint64_t number;    // 1, 2, 3 …; a gap where events were dropped
  std::uint64_t time_ns;   // since the log was made
  std::uintptr_t address;  // 0 where there is no block
  std::size_t bytes;       // as requested; of a clear: what died
  std::size_t live_bytes;  // after the event, of all sources of the log together
  const void* source;      // the resource that wrote it, told apart by address alone
  const char* label;       // the phase, else the name of the source, else null
  MemoryEventKind kind;
  unsigned char alignment_bits;  // log2 of the alignment asked for
};

// Events in the order in which they happened, in memory of the caller's choice. TrackingAllocators
// write into it; several may share one log. An event that finds no room is counted and dropped; the
// program goes on, and live bytes stay right.
// Cost: a lock and a look at the clock each event, about 30 ns. Memory: 64 B each event.
// Thread-safe but for events(), which nobody may call while events come in.
class EventLog {
 public:
  // Grows by doubling; takes nothing before the first event. What `memory` refuses is dropped.
  // Contract: memory is not null, outlives the log, and is not what the log observes.
  explicit EventLog(std::pmr::memory_resource* memory) noexcept
      : memory_(memory), max_count_(std::numeric_limits<std::size_t>::max()) {}

  // Room for max_count events, taken at once, and never more. Errors: OutOfMemory.
  EventLog(std::pmr::memory_resource* memory, std::size_t max_count)
      : memory_(memory), max_count_(max_count) {
    if (max_count > 0) grow(max_count);
  }

  EventLog(const EventLog&) = delete;  // its memory has one owner
  EventLog& operator=(const EventLog&) = delete;
  ~EventLog() { release(); }

  // Valid until the next event.
  [[nodiscard]] std::span<const MemoryEvent> events() const noexcept { return {data_, count_}; }
  operator std::span<const MemoryEvent>() const noexcept { return events(); }

  [[nodiscard]] std::uint64_t dropped_count() const noexcept {
    const std::lock_guard lock(mutex_);
    return dropped_count_;
  }

  // Forgets the events; keeps memory, time and numbers.
  void clear() noexcept {
    const std::lock_guard lock(mutex_);
    count_ = 0;
  }

  // While it lives, events of every thread bear its name (a string that outlives the log): what the
  // program does.
  class Phase {
   public:
    Phase(EventLog& log, const char* name) noexcept
        : log_(log), before_(log.exchange_phase(name)) {}
    Phase(const Phase&) = delete;  // restores the phase before in the destructor
    Phase& operator=(const Phase&) = delete;
    ~Phase() { log_.exchange_phase(before_); }

   private:
    EventLog& log_;
    const char* before_;
  };
  [[nodiscard]] Phase phase(const char* name) noexcept { return {*this, name}; }

  // Writes an event; number, time and live bytes are the log's. Gives the event's number.
  std::uint64_t record(MemoryEvent event) noexcept {
    const std::lock_guard lock(mutex_);
    event.number = ++number_;
    event.time_ns = now();
    live_bytes_ += event.kind == MemoryEventKind::allocate ? event.bytes : 0;
    live_bytes_ -= event.kind == MemoryEventKind::deallocate || event.kind == MemoryEventKind::clear
                       ? event.bytes
                       : 0;
    event.live_bytes = live_bytes_;
    if (phase_ != nullptr) event.label = phase_;
    if (count_ == capacity_ && !make_room()) {
      ++dropped_count_;
      return event.number;
    }
    ::new (static_cast<void*>(data_ + count_++)) MemoryEvent(event);
    return event.number;
  }

  // The free with that number was refused after all.
  void retract(std::uint64_t number, std::size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    live_bytes_ += bytes;
    for (std::size_t i = count_; i > 0 && data_[i - 1].number >= number; --i) {
      data_[i - 1].live_bytes += bytes;
      if (data_[i - 1].number == number) data_[i - 1].kind = MemoryEventKind::refuse;
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] std::uint64_t now() const noexcept {
    const auto elapsed = Clock::now() - start_;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count());
  }

  const char* exchange_phase(const char* name) noexcept {
    const std::lock_guard lock(mutex_);
    return std::exchange(phase_, name);
  }

  // Doubles the room unless the log is bounded or its memory refuses.
  [[nodiscard]] TENON_COLD bool make_room() noexcept {
    constexpr std::size_t first_count = 64;  // 4 KiB
    const auto doubled = checked_mul(capacity_, std::size_t{2});
    if (capacity_ >= max_count_ || !doubled) return false;
    const std::size_t wanted = *doubled > first_count ? *doubled : first_count;
#ifdef TENON_NO_EXCEPTIONS
    grow(wanted);
#else
    try {
      grow(wanted);
    } catch (const std::bad_alloc&) {
      return false;
    }
#endif
    return true;
  }

  void grow(std::size_t capacity) {
    const auto bytes = checked_mul(capacity, sizeof(MemoryEvent));
    if (!bytes) detail::raise<OutOfMemory>("EventLog", "requested room for %zu events", capacity);
    void* memory = detail::acquire(*memory_, *bytes, alignof(MemoryEvent), "EventLog", *bytes,
                                   capacity_ * sizeof(MemoryEvent));
    if (count_ > 0) std::memcpy(memory, data_, count_ * sizeof(MemoryEvent));
    release();
    data_ = static_cast<MemoryEvent*>(memory);
    capacity_ = capacity;
  }

  void release() noexcept {
    if (data_ != nullptr)
      memory_->deallocate(data_, capacity_ * sizeof(MemoryEvent), alignof(MemoryEvent));
  }

  std::pmr::memory_resource* memory_;
  std::size_t max_count_;
  MemoryEvent* data_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t dropped_count_ = 0;
  std::size_t live_bytes_ = 0;
  const char* phase_ = nullptr;
  Clock::time_point start_ = Clock::now();
  mutable std::mutex mutex_;
};

}  // namespace tenon
