// Layers over pools over layers over pages: each property asserted where they meet, in every order
// that makes sense, and unchanged by a failure at any place.

#include "upstream.hpp"

#include <tenon/memory.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace tn = tenon;
using tenon::test::Upstream;

namespace {

using Blocks = std::vector<std::pair<void*, std::size_t>>;

// Allocates blocks of many sizes until done or refused; true when done.
bool fill(std::pmr::memory_resource& resource, Blocks& blocks) {
  blocks.reserve(100);
  try {
    for (std::size_t bytes = 1; bytes < 100'000; bytes = bytes * 3 / 2 + 7)
      blocks.emplace_back(resource.allocate(bytes, 64), bytes);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void give_back(std::pmr::memory_resource& resource, Blocks& blocks) {
  for (const auto& [block, bytes] : blocks) resource.deallocate(block, bytes, 64);
  blocks.clear();
}

std::size_t sum(const Blocks& blocks) {
  std::size_t bytes = 0;
  for (const auto& block : blocks) bytes += block.second;
  return bytes;
}

}  // namespace

TEST_CASE("tracking over pool over budget over pages", "[memory][stack]") {
  auto limited = tn::budget(tn::page_resource(), std::size_t{1} << 20);
  Blocks blocks;
  {
    tn::TrackingAllocator below(&limited);
    tn::PoolAllocator pool(&below);
    tn::TrackingAllocator above(&pool);
    REQUIRE(fill(above, blocks));
    CHECK(above.stats().live_bytes == sum(blocks));
    CHECK(above.stats().live_bytes == pool.stats().live_bytes);
    CHECK(below.stats().live_bytes == limited.used_bytes());
    CHECK(below.stats().live_bytes >= pool.stats().owned_bytes);  // and its bookkeeping
    for (const auto& [block, bytes] : blocks) {
      CHECK(above.stamp(block) == pool.stamp(block));
      CHECK(above.is_live(block, pool.stamp(block)));
    }
    const std::size_t used = limited.used_bytes();
    give_back(above, blocks);
    CHECK(above.stats().live_bytes == 0);
    CHECK(limited.used_bytes() == used);  // the pool keeps it
    REQUIRE(fill(above, blocks));
    CHECK(limited.used_bytes() == used);
    CHECK(below.stats().allocations == below.stats().live_count);  // nothing was asked twice
    pool.clear();
    CHECK(above.stats().live_bytes == 0);
    CHECK(limited.used_bytes() == used);
    pool.trim();
    CHECK(limited.used_bytes() < used);
  }
  CHECK(limited.used_bytes() == 0);
}

TEST_CASE("budget over tracking over arena, and tracking over budget over arena",
          "[memory][stack]") {
  Upstream upstream;
  tn::Arena arena(&upstream);
  tn::TrackingAllocator inner(&arena);
  tn::Budget limited(&inner, 50'000);
  tn::TrackingAllocator outer(&limited);
  Blocks blocks;
  CHECK_FALSE(fill(outer, blocks));
  CHECK(limited.used_bytes() == sum(blocks));
  CHECK(inner.stats().live_bytes == sum(blocks));
  CHECK(outer.stats().live_bytes == sum(blocks));
  CHECK(arena.stats().live_bytes == sum(blocks));
  CHECK(outer.stats().refusals == 1);
  CHECK(inner.stats().refusals == 0);  // refused above it
  CHECK(outer.generation() == arena.generation());
  arena.reset();
  CHECK(limited.used_bytes() == 0);
  CHECK(inner.stats().live_bytes == 0);
  CHECK(outer.stats().live_bytes == 0);
  blocks.clear();
}

TEST_CASE("handles see a rewind through every layer", "[memory][stack]") {
  tn::Arena arena;
  tn::TrackingAllocator inner(&arena);
  tn::Budget limited(&inner, 50'000);
  tn::TrackingAllocator outer(&limited);
  void* before = outer.allocate(100);
  const auto mark = arena.mark();
  void* after = outer.allocate(100);
  const auto before_stamp = outer.stamp(before), after_stamp = outer.stamp(after);
  arena.rewind(mark);
  CHECK(outer.is_live(before, before_stamp));
  CHECK_FALSE(outer.is_live(after, after_stamp));
  CHECK_THROWS(outer.deallocate(after, 100));
  outer.deallocate(before, 100);
}

TEST_CASE("any upstream request may fail, once or from then on, through every stack",
          "[memory][stack]") {
  for (const bool onwards : {false, true}) {
    for (std::size_t n = 0; n < 40; ++n) {
      Upstream upstream;
      tn::Budget limited(&upstream, std::size_t{1} << 30);
      tn::TrackingAllocator below(&limited);
      tn::PoolAllocator pool(&below);
      tn::Budget requests(&pool, std::size_t{1} << 30);
      tn::EventLog log(&upstream);  // its memory fails too
      tn::TrackingAllocator above(&requests, {.log = &log});
      upstream.fail_at(n, onwards);
      Blocks blocks;
      const bool done = fill(above, blocks);
      const bool is_hit = upstream.refused > 0;
      CHECK((done || is_hit));
      CHECK(above.stats().live_bytes == sum(blocks));
      CHECK(above.stats().live_count == blocks.size());
      CHECK(above.stats().peak_bytes == sum(blocks));
      CHECK(above.stats().refusals == (done ? 0 : 1));
      CHECK(requests.used_bytes() == sum(blocks));
      CHECK(pool.stats().live_bytes == sum(blocks));
      CHECK(below.stats().live_bytes == limited.used_bytes());
      CHECK(limited.used_bytes() + log.events().size_bytes() <= upstream.bytes());
      upstream.heal();
      give_back(above, blocks);
      CHECK(fill(above, blocks));
      give_back(above, blocks);
      CHECK(above.stats().live_bytes == 0);
      CHECK(requests.used_bytes() == 0);
    }
  }
}

TEST_CASE("layers over and under a pool for all threads", "[memory][stack][threads]") {
  constexpr std::size_t thread_count = 4, rounds = 2000;
  tn::Budget system(tn::system_resource(), std::size_t{256} << 20);
  tn::TrackingAllocator below(&system);
  {
    tn::MemoryPool pool(&below);
    tn::Budget limited(&pool, 4 * 64 * 1024);
    tn::EventLog log(tn::system_resource(), 1000);  // full long before the end
    tn::TrackingAllocator above(&limited, {.log = &log});
    std::atomic<std::uint64_t> refused{0};
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < thread_count; ++t)
      threads.emplace_back([&, t] {
        Blocks mine;
        std::mt19937 random(static_cast<unsigned>(t));
        for (std::size_t i = 0; i < rounds; ++i) {
          const std::size_t bytes = random() % 8192;
          try {
            mine.emplace_back(above.allocate(bytes, 64), bytes);
          } catch (const tn::BudgetError&) {
            ++refused;
            give_back(above, mine);
          }
        }
        give_back(above, mine);
      });
    for (auto& thread : threads) thread.join();
    const auto s = above.stats();
    CHECK(refused > 0);
    CHECK(s.refusals == refused);
    CHECK(s.live_bytes == 0);
    CHECK(s.live_count == 0);
    CHECK(s.allocations == thread_count * rounds - refused);
    CHECK(s.peak_bytes <= limited.max_bytes());
    CHECK(limited.used_bytes() == 0);
    CHECK(limited.peak_bytes() <= limited.max_bytes());
    CHECK(pool.get_allocation_count() == s.allocations);
    CHECK(pool.get_total_allocated() == 0);
    CHECK(below.stats().live_bytes == system.used_bytes());
    CHECK(below.stats().live_bytes >= pool.get_total_capacity());
    CHECK(log.events().size() == 1000);
    CHECK(log.dropped_count() == 2 * s.allocations + refused - 1000);
  }
  CHECK(below.stats().live_bytes == 0);
}
