// DebugAllocator finds every kind of memory error, once, and says where the block came from.

#include "debug_reports.hpp"
#include "upstream.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/debug_allocator.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
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

TEST_CASE("a program without errors is not reported", "[memory][debug]") {
  test::Upstream upstream;
  {
    Reports reports;
    DebugAllocator debug(&upstream);
    reports.watch(debug);
    for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2)
      for (const std::size_t bytes : {0UL, 1UL, 63UL, 64UL, 100UL, 5000UL}) {
        auto* block = static_cast<unsigned char*>(debug.allocate(bytes, alignment));
        CHECK(reinterpret_cast<std::uintptr_t>(block) % (alignment > 64 ? alignment : 64) == 0);
        for (std::size_t i = 0; i < bytes; ++i) {
          if (block[i] != 0xAA) FAIL("a fresh block holds something else");
          block[i] = 7;
        }
        debug.deallocate(block, bytes, alignment);
      }
    CHECK(debug.check() == 0);
    CHECK(reports.none());
    CHECK(debug.stats().live_count == 0);
    CHECK(debug.stats().allocations == 13 * 6);
    CHECK(debug.stats().fault_count == 0);
    CHECK(debug.stats().quarantined_count == 13 * 6);
    debug.flush();
    CHECK(debug.stats().quarantined_count == 0);
    CHECK(debug.stats().quarantined_bytes == 0);
    CHECK(upstream.blocks.empty());
  }
}

TEST_CASE("a leak is reported at destruction, with its call stack", "[memory][debug]") {
  test::Upstream upstream;  // checks that the memory went back nevertheless
  std::vector<Found> found;
  {
    DebugAllocator debug(&upstream);
    debug.set_handler(
        [](const FaultReport& r, void* list) {
          static_cast<std::vector<Found>*>(list)->push_back(
              {r.fault, r.block, r.bytes, 0, 0, true, false, r.found != nullptr, r.text()});
        },
        &found);
    static_cast<void>(allocated_in_here(debug, 123));
    debug.deallocate(debug.allocate(50), 50);
  }
  REQUIRE(found.size() == 1);
  CHECK(found[0].fault == MemoryFault::leak);
  CHECK(found[0].bytes == 123);
  CHECK_FALSE(found[0].has_found);
  CHECK_THAT(found[0].text, Catch::Contains("a block of 123 B (alignment 64, allocation 1)"));
  CHECK_THAT(found[0].text, Catch::Contains("allocated by:\n"));
}

TEST_CASE("a double free is reported with both call stacks", "[memory][debug]") {
  for (const std::size_t quarantine : {std::size_t{0}, std::size_t{1} << 20}) {
    test::Upstream upstream;
    DebugOptions options;
    options.quarantine_bytes = quarantine;  // with none, the block is upstream's at once
    Reports reports;
    DebugAllocator debug(&upstream, options);
    reports.watch(debug);
    void* block = allocated_in_here(debug, 100);
    freed_in_here(debug, block, 100);
    CHECK(reports.none());
    debug.deallocate(block, 100);
    const Found found = reports.one();
    CHECK(found.fault == MemoryFault::double_free);
    CHECK(found.block == block);
    CHECK(found.bytes == 100);
    CHECK(found.has_allocated);
    CHECK(found.has_freed);
    CHECK(found.has_found);
    CHECK_THAT(found.text, Catch::Contains("freed by:\n"));
    CHECK_THAT(found.text, Catch::Contains("found in:\n"));
    CHECK(debug.stats().deallocations == 1);
  }
}

TEST_CASE("only so many frees are remembered", "[memory][debug]") {
  test::Upstream upstream;
  DebugOptions options;
  options.quarantine_bytes = 0;
  options.remembered_frees = 2;
  Reports reports;
  DebugAllocator debug(&upstream, options);
  reports.watch(debug);
  void* blocks[3];
  for (auto& block : blocks) block = debug.allocate(1000);
  for (auto& block : blocks) debug.deallocate(block, 1000);
  debug.deallocate(blocks[2], 1000);
  CHECK(reports.one().fault == MemoryFault::double_free);
  debug.deallocate(blocks[0], 1000);
  CHECK(reports.one().fault == MemoryFault::foreign_free);
}

TEST_CASE("what is no block is no block", "[memory][debug]") {
  test::Upstream upstream;
  Reports reports;
  DebugAllocator debug(&upstream);
  reports.watch(debug);
  int local = 0;
  debug.deallocate(&local, sizeof local);
  Found found = reports.one();
  CHECK(found.fault == MemoryFault::foreign_free);
  CHECK(found.bytes == 0);
  CHECK_THAT(found.text, Catch::Contains("freed with 4 B: no block of this allocator"));

  auto* block = static_cast<std::byte*>(debug.allocate(100));
  debug.deallocate(block + 16, 84);
  found = reports.one();
  CHECK(found.fault == MemoryFault::foreign_free);
  CHECK(found.offset == 16);
  CHECK(found.bytes == 100);
  CHECK_THAT(found.text, Catch::Contains("it points 16 B into that block"));
  CHECK(debug.stats().live_count == 1);
  debug.deallocate(block, 100);
  CHECK(reports.none());
}

TEST_CASE("size and alignment have to be those of the allocation", "[memory][debug]") {
  test::Upstream upstream;
  Reports reports;
  DebugAllocator debug(&upstream);
  reports.watch(debug);
  void* block = debug.allocate(100, 128);
  debug.deallocate(block, 99, 128);
  CHECK(reports.one().fault == MemoryFault::size_mismatch);
  debug.deallocate(block, 100, 64);
  const Found found = reports.one();
  CHECK(found.fault == MemoryFault::alignment_mismatch);
  CHECK_THAT(found.text, Catch::Contains("(alignment 128, allocation 1): freed with alignment 64"));
  CHECK(debug.stats().live_bytes == 100);
  debug.deallocate(block, 100, 128);
  CHECK(reports.none());
}

TEST_CASE("every byte around a block is watched", "[memory][debug]") {
  test::Upstream upstream;
  Reports reports;
  DebugAllocator debug(&upstream);
  reports.watch(debug);
  for (std::ptrdiff_t offset = -64; offset < 164; ++offset) {
    if (offset == 0) offset = 100;
    CAPTURE(offset);
    const auto expected = offset < 0 ? MemoryFault::underrun : MemoryFault::overrun;
    auto* block = static_cast<std::byte*>(debug.allocate(100));
    scribble(block + offset);
    CHECK(debug.check() == 1);
    Found found = reports.one();
    CHECK(found.fault == expected);
    CHECK(found.offset == offset);
    CHECK(found.damaged_bytes == 1);
    CHECK(found.has_allocated);
    CHECK_FALSE(found.has_found);
    CHECK(debug.check() == 0);  // reported once
    scribble(block + offset);
    debug.deallocate(block, 100);
    found = reports.one();
    CHECK(found.fault == expected);
    CHECK(found.offset == offset);
    CHECK(found.has_found);
  }
}

TEST_CASE("the first and the last damaged byte are told", "[memory][debug]") {
  test::Upstream upstream;
  Reports reports;
  DebugAllocator debug(&upstream);
  reports.watch(debug);
  auto* block = static_cast<std::byte*>(debug.allocate(100));
  for (const int offset : {102, 105, 110, -3, -9}) scribble(block + offset);
  debug.deallocate(block, 100);
  REQUIRE(reports.all.size() == 2);
  CHECK(reports.all[0].fault == MemoryFault::underrun);
  CHECK(reports.all[0].offset == -9);
  CHECK(reports.all[0].damaged_bytes == 7);
  CHECK(reports.all[1].offset == 102);
  CHECK(reports.all[1].damaged_bytes == 9);
  CHECK_THAT(reports.all[1].text, Catch::Contains("9 B from byte 102 on were written"));
  CHECK(debug.stats().fault_count == 2);
  CHECK(debug.stats().live_count == 0);  // freed nevertheless
}

TEST_CASE("guards grow with the options and with the alignment", "[memory][debug]") {
  test::Upstream upstream;
  DebugOptions options;
  options.guard_bytes = 200;
  Reports reports;
  DebugAllocator debug(&upstream, options);
  reports.watch(debug);
  auto* block = static_cast<std::byte*>(debug.allocate(10, 4096));
  CHECK(upstream.bytes() == 4096 + 10 + 200);
  scribble(block - 4096);
  scribble(block + 10 + 199);
  CHECK(debug.check() == 2);
  debug.deallocate(block, 10, 4096);
}

TEST_CASE("writes to a freed block are found", "[memory][debug]") {
  test::Upstream upstream;
  std::vector<std::string> late;
  {
    DebugOptions options;
    options.quarantine_bytes = 1000;
    Reports reports;
    DebugAllocator debug(&upstream, options);
    reports.watch(debug);
    const auto written_after_free = [&] {
      auto* block = static_cast<std::byte*>(allocated_in_here(debug, 100));
      freed_in_here(debug, block, 100);
      scribble(block + 42);
      return block;
    };
    const auto* first = written_after_free();
    CHECK(debug.check() == 1);
    Found found = reports.one();
    CHECK(found.fault == MemoryFault::use_after_free);
    CHECK(found.block == first);
    CHECK(found.offset == 42);
    CHECK(found.has_allocated);
    CHECK(found.has_freed);
    CHECK_FALSE(found.has_found);

    const auto* second = written_after_free();
    CHECK(reports.none());
    for (int i = 0; i < 10; ++i) debug.deallocate(debug.allocate(500), 500);  // pushes it out
    found = reports.one();
    CHECK(found.fault == MemoryFault::use_after_free);
    CHECK(found.block == second);
    CHECK(debug.stats().quarantined_bytes <= 1000);

    written_after_free();
    debug.set_handler(
        [](const FaultReport& r, void* list) {
          static_cast<std::vector<std::string>*>(list)->push_back(r.summary());
        },
        &late);
  }
  REQUIRE(late.size() == 1);
  CHECK_THAT(late[0], Catch::Contains("use after free") &&
                          Catch::Contains("1 B from byte 42 on were written"));
}

TEST_CASE("the first handler raises where a free is at fault", "[memory][debug]") {
  PoolAllocator pool;
  DebugAllocator debug(&pool);
  void* block = allocated_in_here(debug, 100);
  CHECK_THROWS_AS(debug.deallocate(block, 99), ContractError);
  CHECK_THROWS_WITH(debug.deallocate(block, 99),
                    Catch::Contains("DebugAllocator::deallocate: size mismatch of") &&
                        Catch::Contains("100 B") && Catch::Contains("freed with 99 B") &&
                        Catch::Contains("allocated in "));
  scribble(static_cast<std::byte*>(block) + 100);
  CHECK_THROWS_WITH(debug.check(), Catch::Contains("overrun"));
  CHECK(debug.check() == 0);
  debug.deallocate(block, 100);
  CHECK_THROWS_AS(debug.deallocate(block, 100), ContractError);
  block = debug.allocate(100);
  pool.clear();
  CHECK_THROWS_AS(debug.deallocate(block, 100), StaleTensorError);
  CHECK(debug.stats().fault_count == 5);
}
