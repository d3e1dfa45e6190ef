#pragma once
// From events to buffers: which block lived from when to when.

#include <tenon/memory/event_log.hpp>
#include <tenon/memory/page_resource.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <span>
#include <unordered_map>
#include <vector>

namespace tenon {

// A block with bytes, and the events between which it lived.
struct BufferLife {
  std::uintptr_t address;
  std::size_t bytes;
  std::size_t first;  // index of the event that issued it; 0 if it was there before the events
  std::size_t last;   // index of the event that ended it; events.size() if it is alive after them
  const char* label;  // of the issuing event
  unsigned char alignment_bits;
};

namespace detail {

struct BufferKey {
  std::uintptr_t address;
  const void* source;
  [[nodiscard]] bool operator==(const BufferKey&) const = default;
};
struct BufferKeyHash {
  [[nodiscard]] std::size_t operator()(const BufferKey& key) const noexcept {
    return std::hash<std::uintptr_t>()(key.address) ^ (std::hash<const void*>()(key.source) << 1);
  }
};

}  // namespace detail

// The buffers of a log in the order of their first events; blocks of 0 bytes are none.
// A free without its allocation belongs to a buffer from before the log. An address that is issued
// again while it is live was given back unseen (a rewind, a dropped event): its first life ends.
// Errors: what `memory` throws. Allocations: from `memory`. Cost: O(events), and O(live buffers)
// for every clear.
[[nodiscard]] inline std::pmr::vector<BufferLife> buffer_lives(
    std::span<const MemoryEvent> events, std::pmr::memory_resource* memory = system_resource()) {
  std::pmr::vector<BufferLife> lives(memory);
  std::pmr::unordered_map<detail::BufferKey, std::size_t, detail::BufferKeyHash> open(memory);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const MemoryEvent& e = events[i];
    const detail::BufferKey key{e.address, e.source};
    if (e.kind == MemoryEventKind::clear) {
      for (auto it = open.begin(); it != open.end();) {
        if (it->first.source != e.source) {
          ++it;
          continue;
        }
        lives[it->second].last = i;
        it = open.erase(it);
      }
    } else if (e.kind == MemoryEventKind::allocate && e.bytes > 0) {
      const auto [known, is_new] = open.try_emplace(key, lives.size());
      if (!is_new) {
        lives[known->second].last = i;
        known->second = lives.size();
      }
      lives.push_back({e.address, e.bytes, i, events.size(), e.label, e.alignment_bits});
    } else if (e.kind == MemoryEventKind::deallocate && e.bytes > 0) {
      const auto known = open.find(key);
      if (known == open.end()) {
        lives.push_back({e.address, e.bytes, 0, i, nullptr, e.alignment_bits});
        continue;
      }
      lives[known->second].last = i;
      open.erase(known);
    }
  }
  return lives;
}

}  // namespace tenon
