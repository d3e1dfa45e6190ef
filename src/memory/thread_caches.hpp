#pragma once
// What a thread knows of its caches.

#include "pool_core.hpp"

#include <cstddef>
#include <cstdint>

namespace tenon::detail {

struct ThreadCaches {
  struct Slot {
    std::uint64_t pool_id = 0;
    Cache* cache = nullptr;
  };
  static constexpr std::size_t slot_count = 8;

  // A pool's place among the eight pools used last. Ids are never used twice, so a slot of a pool
  // that died matches nobody.
  [[nodiscard]] TENON_INLINE Slot& slot(std::uint64_t pool_id) noexcept {
    return slots[pool_id % slot_count];
  }

  // The pool used last; the slots are looked at only where that is another.
  [[nodiscard]] TENON_INLINE Cache* find(std::uint64_t pool_id) noexcept {
    const Slot& found = slot(pool_id);
    if (found.pool_id != pool_id) return nullptr;
    recent = found;
    return found.cache;
  }

  Slot recent;
  Slot slots[slot_count] = {};
  Cache* first = nullptr;  // all caches of the thread; under the registry
  bool ended = false;
};

// initial-exec: a few instructions instead of a call, also within a shared library.
extern constinit thread_local ThreadCaches thread_caches
    [[gnu::tls_model("initial-exec"), gnu::visibility("hidden")]];

}  // namespace tenon::detail
