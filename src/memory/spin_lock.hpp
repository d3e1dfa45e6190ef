#pragma once
// A lock for sections of some hundred nanoseconds that never call anything that may block.

#include <tenon/core/config.hpp>

#include <atomic>
#include <thread>

namespace tenon::detail {

// Uncontended it costs one exchange. A waiter reads until the lock looks free; after some
// microseconds it yields, because the holder may have been preempted.
class SpinLock {
 public:
  void lock() noexcept {
    if (held_.exchange(true, std::memory_order_acquire)) [[unlikely]]
      wait();
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  TENON_COLD void wait() noexcept {
    constexpr int reads = 200;
    for (;;) {
      for (int i = 0; i < reads; ++i) {
        if (!held_.load(std::memory_order_relaxed) &&
            !held_.exchange(true, std::memory_order_acquire))
          return;
        pause();
      }
      std::this_thread::yield();
    }
  }

  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    asm volatile("yield");
#endif
  }

  std::atomic<bool> held_{false};
};

}  // namespace tenon::detail
