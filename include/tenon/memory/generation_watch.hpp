#pragma once
// How a layer that counts learns that everything below it died at once.

#include <atomic>
#include <cstdint>
#include <mutex>

namespace tenon::detail {

// Remembers the generation of the resource below. A clear or reset there ends the life of every
// block without a call through the layer; the layer asks before each of its own steps.
// Thread-safe under the rule of clear itself: nobody else uses the resource meanwhile.
class GenerationWatch {
 public:
  explicit GenerationWatch(std::uint64_t generation) noexcept : seen_(generation) {}

  // Calls `forget` once if the generation is not the one seen before.
  template <class Forget>
  void update(std::uint64_t generation, Forget forget) noexcept {
    if (seen_.load(std::memory_order_acquire) == generation) [[likely]]
      return;
    const std::lock_guard lock(mutex_);
    if (seen_.load(std::memory_order_relaxed) == generation) return;
    forget();
    seen_.store(generation, std::memory_order_release);
  }

 private:
  std::atomic<std::uint64_t> seen_;
  std::mutex mutex_;
};

// Formula: highest = max(highest, value).
template <class T>
void raise_to(std::atomic<T>& highest, T value) noexcept {
  T known = highest.load(std::memory_order_relaxed);
  while (known < value && !highest.compare_exchange_weak(known, value, std::memory_order_relaxed)) {
  }
}

}  // namespace tenon::detail
