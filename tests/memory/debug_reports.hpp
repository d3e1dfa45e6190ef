#pragma once
// What a DebugAllocator reported, for tests.

#include "catch.hpp"

#include <tenon/memory/debug_allocator.hpp>
#include <tenon/memory/poison.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace tenon::test {

struct Found {
  MemoryFault fault;
  const void* block;
  std::size_t bytes;
  std::ptrdiff_t offset;
  std::size_t damaged_bytes;
  bool has_allocated, has_freed, has_found;
  std::string text;
};

// Collects what an allocator reports.
struct Reports {
  std::vector<Found> all;

  // Declare it before the allocator, which reports until its end.
  void watch(DebugAllocator& allocator) {
    allocator.set_handler(
        [](const FaultReport& r, void* self) {
          static_cast<Reports*>(self)->all.push_back(
              {r.fault, r.block, r.bytes, r.offset, r.damaged_bytes, r.allocated != nullptr,
               r.freed != nullptr, r.found != nullptr, r.text()});
        },
        this);
  }
  // The only report since the last time.
  Found one() {
    REQUIRE(all.size() == 1);
    Found found = all[0];
    all.clear();
    return found;
  }
  [[nodiscard]] bool none() const { return all.empty(); }
};

// A write that the tools are not to see.
[[gnu::noinline]] inline void scribble(void* byte, unsigned char value = 1) {
  detail::unpoison_contents(byte, 1);
  *static_cast<volatile unsigned char*>(byte) = value;
}

[[gnu::noinline]] inline void* allocated_in_here(DebugAllocator& debug, std::size_t bytes) {
  void* block = debug.allocate(bytes);
  asm volatile("" ::: "memory");
  return block;
}
[[gnu::noinline]] inline void freed_in_here(DebugAllocator& debug, void* block, std::size_t bytes) {
  debug.deallocate(block, bytes);
  asm volatile("" ::: "memory");
}

}  // namespace tenon::test
