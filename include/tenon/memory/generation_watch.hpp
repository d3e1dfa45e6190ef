#pragma once
// How a layer that counts learns that blocks below it died without a free.

#include <tenon/memory/resource.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace tenon::detail {

// Remembers the endings of the resource below. A clear, reset or rewind there ends the life of blocks
// without a call through the layer; the layer asks before each of its own steps.
// Thread-safe under the rule of clear itself: nobody else uses the resource meanwhile.
class GenerationWatch {
 public:
  explicit GenerationWatch(const Endings& now) noexcept
      : generation_(now.generation),
        rewound_count_(now.rewound_count),
        rewound_bytes_(now.rewound_bytes) {}

  // Calls forget() once if the generation is not the one seen before, else rewind(blocks, bytes) once if
  // blocks were rewound since.
  template <class Forget, class Rewind>
  void update(const Endings& now, Forget forget, Rewind rewind) noexcept {
    if (is_seen(now)) [[likely]]
      return;
    const std::lock_guard lock(mutex_);
    if (is_seen(now)) return;
    if (generation_.load(std::memory_order_relaxed) != now.generation)
      forget();
    else
      rewind(now.rewound_count - rewound_count_.load(std::memory_order_relaxed),
             now.rewound_bytes - rewound_bytes_);
    rewound_bytes_ = now.rewound_bytes;
    rewound_count_.store(now.rewound_count, std::memory_order_release);
    generation_.store(now.generation, std::memory_order_release);
  }

 private:
  [[nodiscard]] bool is_seen(const Endings& now) const noexcept {
    return generation_.load(std::memory_order_acquire) == now.generation &&
           rewound_count_.load(std::memory_order_acquire) == now.rewound_count;
  }

  std::atomic<std::uint64_t> generation_;
  std::atomic<std::uint64_t> rewound_count_;
  std::size_t rewound_bytes_;
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
