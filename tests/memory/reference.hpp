#pragma once
// The obviously right model of a memory resource, for tests that run random operations. What it finds is
// thrown, so that it serves Catch2 and RapidCheck alike.

#include <tenon/memory/resource.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace tenon::test {

struct Violation : std::logic_error {
  using std::logic_error::logic_error;
};

inline void require(bool holds, const char* what) {
  if (!holds) throw Violation(what);
}

// A map of what is alive, and the names of what died.
class Reference {
 public:
  // Whether every block of the resource has a name of its own.
  explicit Reference(bool names = true) noexcept : has_names(names) {}

  struct Block {
    std::size_t bytes;
    std::size_t alignment;
    std::uint64_t stamp;
    unsigned char fill;
  };
  struct Name {
    void* block;
    std::uint64_t stamp;
  };
  using Place = std::multimap<std::byte*, Block>::iterator;

  bool has_names;
  std::multimap<std::byte*, Block> live;
  std::vector<Name> dead;
  std::size_t live_bytes = 0;
  std::size_t peak_bytes = 0;
  std::uint64_t allocations = 0;
  std::uint64_t last_stamp = 0;

  // Checks a new block against all live ones, fills it, and notes it.
  void issue(void* pointer, Block block) {
    auto* start = static_cast<std::byte*>(pointer);
    const std::size_t alignment = std::max(block.alignment, std::size_t{64});
    require(start != nullptr, "a block is null");
    require(reinterpret_cast<std::uintptr_t>(start) % alignment == 0, "a block is misaligned");
    require(block.stamp > last_stamp || (!has_names && block.stamp != 0),
            "a stamp did not increase");
    if (block.bytes > 0) {
      auto next = live.lower_bound(start);
      while (next != live.end() && next->second.bytes == 0) ++next;
      require(next == live.end() || start + block.bytes <= next->first,
              "a block overlaps the next");
      auto before = live.lower_bound(start);
      while (before != live.begin()) {
        --before;
        if (before->second.bytes == 0) continue;
        require(before->first + before->second.bytes <= start, "a block overlaps the one before");
        break;
      }
      std::memset(start, block.fill, block.bytes);
    }
    last_stamp = block.stamp;
    live.emplace(start, block);
    live_bytes += block.bytes;
    peak_bytes = std::max(peak_bytes, live_bytes);
    ++allocations;
  }

  static void check_contents(Place it) {
    const auto fill = std::byte{it->second.fill};
    require(std::all_of(it->first, it->first + it->second.bytes, [&](auto b) { return b == fill; }),
            "a block lost its contents");
  }

  void forget(Place it) {
    if (has_names) dead.push_back({it->first, it->second.stamp});
    live_bytes -= it->second.bytes;
    live.erase(it);
  }

  // Everything dies, contents intact.
  void forget_all() {
    while (!live.empty()) {
      check_contents(live.begin());
      if (!has_names) dead.push_back({live.begin()->first, live.begin()->second.stamp});
      forget(live.begin());
    }
  }
};

template <class Resource>
void compare(const Resource& resource, const Reference& reference) {
  const auto s = resource.stats();
  const auto equal = [](const char* what, std::uint64_t is, std::uint64_t expected) {
    if (is != expected)
      throw Violation(std::string(what) + " is " + std::to_string(is) + ", by the model " +
                      std::to_string(expected));
  };
  equal("live_bytes", s.live_bytes, reference.live_bytes);
  equal("live_count", s.live_count, reference.live.size());
  equal("peak_bytes", s.peak_bytes, reference.peak_bytes);
  equal("allocations", s.allocations, reference.allocations);
  equal("deallocations", s.deallocations, reference.allocations - reference.live.size());
}

inline void check_names(const StampedResource& resource, const Reference& reference) {
  for (const auto& [start, block] : reference.live)
    require(resource.is_live(start, block.stamp), "a live block is said to be dead");
  for (const auto& name : reference.dead)
    require(!resource.is_live(name.block, name.stamp), "a dead block is said to be live");
}

}  // namespace tenon::test
