// N bytes inline, then the fallback: exact, and every block back to its side.

#include "heap_trap.hpp"
#include "upstream.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/memory/stack_fallback_allocator.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <new>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tn = tenon;
using tenon::test::Upstream;

static_assert(std::is_final_v<tn::StackFallbackAllocator<64>>);
static_assert(!std::is_copy_constructible_v<tn::StackFallbackAllocator<64>>);
static_assert(tn::StackFallbackAllocator<256>::inline_capacity_bytes == 256);

TEST_CASE("exactly N bytes are inline, one more is not", "[memory][stack_fallback]") {
  Upstream upstream;
  tn::StackFallbackAllocator<1024> memory(&upstream);
  void* all = memory.allocate(1024);
  CHECK(memory.is_inline(all));
  CHECK(upstream.requests == 0);
  std::memset(all, 1, 1024);
  void* more = memory.allocate(1);
  CHECK_FALSE(memory.is_inline(more));
  memory.deallocate(all, 1024);
  memory.deallocate(more, 1);
  void* larger = memory.allocate(1025);
  CHECK_FALSE(memory.is_inline(larger));
  CHECK(upstream.last_bytes == 1025);
  memory.deallocate(larger, 1025);
  // 64-byte steps, and more where asked.
  void* a = memory.allocate(1);
  void* b = memory.allocate(1);
  CHECK(static_cast<std::byte*>(b) - static_cast<std::byte*>(a) == 64);
  void* c = memory.allocate(1, 512);
  CHECK(reinterpret_cast<std::uintptr_t>(c) % 512 == 0);
  memory.deallocate(c, 1, 512);
  memory.deallocate(a, 1);  // a hole
  CHECK(memory.stats().inline_bytes == 65);
  memory.deallocate(b, 1);
  CHECK(memory.stats().inline_bytes == 0);
}

TEST_CASE("statistics of both sides are exact", "[memory][stack_fallback]") {
  Upstream upstream;
  tn::StackFallbackAllocator<256> memory(&upstream);
  void* a = memory.allocate(200);
  void* b = memory.allocate(100);
  auto s = memory.stats();
  CHECK(s.live_bytes == 300);
  CHECK(s.live_count == 2);
  CHECK(s.inline_bytes == 200);
  CHECK(s.fallback_bytes == 100);
  CHECK(s.fallback_count == 1);
  CHECK(s.hits == 1);
  CHECK(s.misses == 1);
  CHECK(s.hit_rate() == 0.5);
  CHECK(s.utilisation() == Approx(static_cast<double>(s.live_bytes - s.fallback_bytes) /
                                  static_cast<double>(s.capacity_bytes)));
  CHECK(s.fragmentation() ==
        Approx(1 - static_cast<double>(s.live_bytes - s.fallback_bytes) / 200));
  memory.deallocate(a, 200);
  s = memory.stats();
  CHECK(s.live_bytes == 100);
  CHECK(s.inline_bytes == 0);
  CHECK(s.peak_bytes == 300);
  CHECK(s.deallocations == 1);
  memory.deallocate(b, 100);
  s = memory.stats();
  CHECK(s.live_count == 0);
  CHECK(s.fallback_bytes == 0);
}

TEST_CASE("names hold on both sides", "[memory][stack_fallback]") {
  tn::PoolAllocator pool;
  tn::StackFallbackAllocator<128> memory(&pool);
  void* a = memory.allocate(100);
  void* b = memory.allocate(100);
  const auto a_stamp = memory.stamp(a), b_stamp = memory.stamp(b);
  CHECK(a_stamp != 0);
  CHECK(b_stamp > a_stamp);
  CHECK(memory.is_live(a, a_stamp));
  CHECK(memory.is_live(b, b_stamp));
  CHECK_FALSE(memory.is_live(a, b_stamp));
  CHECK_FALSE(memory.is_live(b, a_stamp));
  memory.deallocate(b, 100);
  CHECK_FALSE(memory.is_live(b, b_stamp));
  memory.deallocate(a, 100);
  void* again = memory.allocate(100);
  CHECK(again == a);
  CHECK_FALSE(memory.is_live(a, a_stamp));
  const auto generation = memory.generation();
  const auto again_stamp = memory.stamp(again);
  memory.reset();
  CHECK(memory.generation() != generation);
  CHECK_FALSE(memory.is_live(again, again_stamp));
  CHECK(pool.stats().live_count == 0);
}

TEST_CASE("misuse is reported on either side and changes nothing", "[memory][stack_fallback]") {
  Upstream upstream;
  tn::StackFallbackAllocator<128> memory(&upstream);
  void* a = memory.allocate(60);
  void* hole = memory.allocate(60);
  void* far = memory.allocate(200);
  CHECK_THROWS_WITH(memory.deallocate(a, 61), Catch::Contains("61 B but was issued with 60 B"));
  CHECK_THROWS_WITH(memory.deallocate(far, 1), Catch::Contains("1 B but was issued with 200 B"));
  memory.deallocate(a, 60);
  CHECK_THROWS_WITH(memory.deallocate(a, 60), Catch::Contains("double free"));
  memory.deallocate(hole, 60);
  CHECK_THROWS_AS(memory.deallocate(a, 60), tn::StaleTensorError);
  CHECK(memory.stats().live_bytes == 200);
  memory.deallocate(far, 200);
  CHECK_THROWS_AS(memory.deallocate(far, 200), tn::ContractError);
  CHECK(memory.stats().live_bytes == 0);
}

TEST_CASE("a refusal of the fallback changes nothing", "[memory][stack_fallback]") {
  for (std::size_t n = 0; n < 8; ++n) {
    Upstream upstream;
    tn::StackFallbackAllocator<256> memory(&upstream);
    std::vector<std::pair<void*, std::size_t>> blocks;
    upstream.fail_at(n);
    for (std::size_t i = 0; i < 40; ++i) {
      const auto before = memory.stats();
      try {
        blocks.emplace_back(memory.allocate(50 + i), 50 + i);
      } catch (const tn::OutOfMemory&) {
        const auto after = memory.stats();
        CHECK(after.live_bytes == before.live_bytes);
        CHECK(after.live_count == before.live_count);
        CHECK(after.peak_bytes == before.peak_bytes);
        CHECK(after.allocations == before.allocations);
        CHECK(after.misses == before.misses);
      }
    }
    CHECK(upstream.refused == 1);
    CHECK(blocks.size() == 39);
    for (const auto& [block, bytes] : blocks) memory.deallocate(block, bytes);
    CHECK(memory.stats().live_bytes == 0);
  }
}

TEST_CASE("reset and destruction give the fallback's blocks back", "[memory][stack_fallback]") {
  Upstream upstream;
  {
    tn::StackFallbackAllocator<64> memory(&upstream);
    for (std::size_t i = 0; i < 50; ++i) static_cast<void>(memory.allocate(100 + i, 128));
    CHECK(upstream.blocks.size() >= 50);
    memory.reset();
    CHECK(upstream.blocks.empty());
    CHECK(memory.stats().live_bytes == 0);
    CHECK(memory.stats().deallocations == 50);
    for (std::size_t i = 0; i < 50; ++i) static_cast<void>(memory.allocate(100 + i));
  }
  CHECK(upstream.blocks.empty());
}

TEST_CASE("a clear of the fallback ends its blocks and no others", "[memory][stack_fallback]") {
  tn::PoolAllocator pool;
  pool.check_frees(true);
  tn::StackFallbackAllocator<128> memory(&pool);
  void* near = memory.allocate(100);
  void* far = memory.allocate(300);
  const auto near_stamp = memory.stamp(near), far_stamp = memory.stamp(far);
  pool.clear();
  CHECK(memory.is_live(near, near_stamp));
  CHECK_FALSE(memory.is_live(far, far_stamp));
  CHECK(memory.stamp(far) == 0);
  CHECK(memory.stats().live_bytes == 100);
  CHECK(memory.stats().fallback_count == 0);
  CHECK_THROWS_AS(memory.deallocate(far, 300), tn::ContractError);
  void* other = memory.allocate(300);  // the table is built anew
  CHECK(memory.stats().live_bytes == 400);
  memory.deallocate(other, 300);
  memory.deallocate(near, 100);
  CHECK(memory.stats().live_count == 0);
}

TEST_CASE("small work on the stack asks nobody", "[memory][stack_fallback]") {
  tenon::support::HeapTrap trap;
  std::size_t sum = 0;
  {
    tn::StackFallbackAllocator<4096> memory(std::pmr::null_memory_resource());
    std::pmr::vector<std::size_t> numbers(&memory);
    numbers.reserve(100);
    for (std::size_t i = 0; i < 100; ++i) numbers.push_back(i);
    for (const std::size_t n : numbers) sum += n;
  }
  CHECK(trap.stop() == 0);
  CHECK(sum == 4950);
}

TEST_CASE("containers grow from the stack into the fallback", "[memory][stack_fallback]") {
  Upstream upstream;
  tn::StackFallbackAllocator<1024> memory(&upstream);
  {
    std::pmr::vector<std::pmr::string> words(&memory);
    for (std::size_t i = 0; i < 300; ++i) words.emplace_back(i % 70, 'x');
    for (std::size_t i = 0; i < 300; ++i)
      if (words[i].size() != i % 70) FAIL("a word changed");
    CHECK(memory.stats().fallback_count > 0);
  }
  CHECK(memory.stats().live_count == 0);
  CHECK(memory.stats().inline_bytes == 0);
}

TEST_CASE("more blocks than records go to the fallback", "[memory][stack_fallback]") {
  Upstream upstream;
  tn::StackFallbackAllocator<16384> memory(&upstream);
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(memory.allocate(8));
  CHECK(memory.stats().hits == 64);
  CHECK(memory.stats().misses == 36);
  for (void* block : blocks) memory.deallocate(block, 8);  // oldest first
  CHECK(memory.stats().live_count == 0);
  CHECK(memory.stats().inline_bytes == 0);
}
