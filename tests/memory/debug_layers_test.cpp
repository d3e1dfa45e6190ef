// DebugAllocator over resources that take memory back, refuse it, or are shared by threads.

#include "debug_reports.hpp"
#include "upstream.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/debug_allocator.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/memory_pool.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <string>
#include <thread>
#include <vector>

using namespace tenon;
using namespace tenon::test;

TEST_CASE("blocks of a cleared upstream are stale, not leaked", "[memory][debug]") {
  std::size_t reported = 0;
  PoolAllocator pool;
  {
    Reports reports;
    DebugAllocator debug(&pool);
    reports.watch(debug);
    const auto generation = debug.generation();
    CHECK(generation == pool.generation());
    void* block = debug.allocate(100);
    void* freed = debug.allocate(200);
    const auto stamp = debug.stamp(block);
    CHECK(debug.is_live(block, stamp));
    debug.deallocate(freed, 200);
    pool.clear();
    CHECK(debug.generation() != generation);
    CHECK_FALSE(debug.is_live(block, stamp));
    CHECK(debug.stamp(block) == 0);
    void* again = debug.allocate(100);  // the pool may issue the same memory
    CHECK(debug.check() == 0);
    CHECK(debug.stats().live_count == 1);
    CHECK(debug.stats().stale_count == 1);
    CHECK(debug.stats().quarantined_count == 0);
    if (again != block) {
      debug.deallocate(block, 100);
      const Found found = reports.one();
      CHECK(found.fault == MemoryFault::stale_free);
      CHECK(found.has_allocated);
      CHECK_FALSE(found.has_freed);
      CHECK_THAT(found.text, Catch::Contains("a block of 100 B") &&
                                 Catch::Contains("upstream took its memory back before"));
    }
    debug.deallocate(again, 100);
    reported = reports.all.size();
    static_cast<void>(debug.allocate(10));
    pool.clear();
    debug.set_handler([](const FaultReport&, void* n) { ++*static_cast<std::size_t*>(n); },
                      &reported);
  }
  CHECK(reported == 0);
}

TEST_CASE("rewound blocks are stale too", "[memory][debug]") {
  Arena arena;
  Reports reports;
  DebugAllocator debug(&arena);
  reports.watch(debug);
  void* kept = debug.allocate(100);
  const auto mark = arena.mark();
  void* block = debug.allocate(100);
  void* freed = debug.allocate(100);
  debug.deallocate(freed, 100);
  arena.rewind(mark);
  std::memset(arena.allocate(1000), 0xFF, 1000);  // over what lay there
  CHECK(debug.check() == 0);
  CHECK(debug.stats().stale_count == 1);
  debug.deallocate(block, 100);
  CHECK(reports.one().fault == MemoryFault::stale_free);
  debug.deallocate(kept, 100);
  CHECK(reports.none());
  CHECK(debug.stats().live_count == 0);
}

TEST_CASE("the block of a stale handle is told, though its address has a new block",
          "[memory][debug]") {
  PoolAllocator pool;
  Reports reports;
  DebugAllocator debug(&pool);
  reports.watch(debug);
  void* block = allocated_in_here(debug, 100);
  const auto stamp = debug.stamp(block);
  pool.clear();
  debug.report_stale(block, stamp);
  Found found = reports.one();
  CHECK(found.fault == MemoryFault::stale_handle);
  CHECK(found.bytes == 100);
  CHECK(found.has_allocated);
  CHECK_FALSE(found.has_freed);
  CHECK_THAT(found.text, Catch::Contains("upstream took its memory back before"));

  void* again = debug.allocate(90);
  REQUIRE(again == block);
  debug.report_stale(block, stamp);
  found = reports.one();
  CHECK(found.bytes == 100);
  CHECK(found.has_allocated);

  const auto second = debug.stamp(again);
  freed_in_here(debug, again, 90);
  debug.report_stale(again, second);
  found = reports.one();
  CHECK(found.bytes == 90);
  CHECK(found.has_freed);
  CHECK_THAT(found.text, Catch::Contains("it was freed before"));

  debug.report_stale(block, 12345);
  found = reports.one();
  CHECK(found.bytes == 0);
  CHECK_FALSE(found.has_allocated);
}

TEST_CASE("addresses issued again and again are remembered only so often", "[memory][debug]") {
  PoolAllocator pool;
  DebugOptions options;
  options.remembered_frees = 8;
  test::Upstream records;
  options.records = &records;
  DebugAllocator debug(&pool, options);
  std::size_t most = 0;
  for (int i = 0; i < 200; ++i) {
    static_cast<void>(debug.allocate(100));
    static_cast<void>(debug.allocate(1000));
    pool.clear();
    if (i == 20) most = records.blocks.size();
  }
  CHECK(records.blocks.size() == most);
  CHECK(debug.stats().stale_count == 400);
}

TEST_CASE("held memory goes back before a request fails", "[memory][debug]") {
  alignas(64) std::byte buffer[2048];
  FixedBufferAllocator fixed(buffer);
  DebugAllocator debug(&fixed);
  for (int i = 0; i < 20; ++i) debug.deallocate(debug.allocate(1000), 1000);
  const auto before = debug.stats();
  CHECK_THROWS_AS(debug.allocate(2000), OutOfMemory);
  CHECK(debug.stats().allocations == before.allocations);
  CHECK(debug.stats().live_count == 0);
  debug.deallocate(debug.allocate(1000), 1000);
}

TEST_CASE("a refused request or record changes nothing", "[memory][debug]") {
  test::Upstream upstream, records;
  DebugOptions options;
  options.records = &records;
  Reports reports;
  DebugAllocator debug(&upstream, options);
  reports.watch(debug);
  void* block = debug.allocate(100);
  const auto before = debug.stats();
  for (test::Upstream* failing : {&upstream, &records}) {
    failing->fail_at(0, true);
    CHECK_THROWS_WITH(debug.allocate(77), Catch::Contains("requested 77 B"));
    failing->heal();
    CHECK(debug.stats().allocations == before.allocations);
    CHECK(debug.stats().live_bytes == before.live_bytes);
    CHECK(upstream.blocks.size() == 1);
  }
  CHECK_THROWS_AS(debug.allocate(SIZE_MAX), OutOfMemory);
  CHECK_THROWS_AS(debug.allocate(SIZE_MAX - 200), OutOfMemory);
  records.fail_at(0, true);
  debug.deallocate(block, 100);  // a free needs no memory
  records.heal();
  CHECK(reports.none());
}

TEST_CASE("threads share one allocator", "[memory][debug]") {
  DebugOptions options;
  options.quarantine_bytes = 4096;
  Reports reports;
  DebugAllocator debug(std::pmr::new_delete_resource(), options);
  reports.watch(debug);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&debug, t] {
      for (std::size_t i = 0; i < 200; ++i) {
        void* a = debug.allocate(i + t);
        void* b = debug.allocate(2 * i + 1);
        debug.deallocate(a, i + t);
        debug.deallocate(b, 2 * i + 1);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(debug.stats().allocations == 1600);
  CHECK(debug.stats().live_count == 0);
  CHECK(debug.check() == 0);
  CHECK(reports.none());
}

TEST_CASE("threads pass blocks through a debugged pool, and what one leaves is reported",
          "[memory][debug]") {
  Reports reports;
  MemoryPool pool;
  {
    DebugAllocator debug(&pool);
    reports.watch(debug);
    std::vector<void*> blocks(400);
    std::thread([&] {
      for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = debug.allocate(i + 1);
    }).join();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < blocks.size(); i += 4)
          if (i != 123) debug.deallocate(blocks[i], i + 1);
      });
    for (auto& thread : threads) thread.join();
    CHECK(debug.stats().live_count == 1);
    CHECK(debug.stats().live_bytes == 124);
    CHECK(reports.none());
  }
  const Found found = reports.one();
  CHECK(found.fault == MemoryFault::leak);
  CHECK_THAT(found.text, Catch::Contains("124 B"));
  CHECK(pool.get_total_allocated() == 0);
}
