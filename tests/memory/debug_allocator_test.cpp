// DebugAllocator finds every kind of memory error, once, and says where the block came from.

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

namespace {

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
[[gnu::noinline]] void scribble(void* byte, unsigned char value = 1) {
  detail::unpoison_contents(byte, 1);
  *static_cast<volatile unsigned char*>(byte) = value;
}

[[gnu::noinline]] void* allocated_in_here(DebugAllocator& debug, std::size_t bytes) {
  void* block = debug.allocate(bytes);
  asm volatile("" ::: "memory");
  return block;
}
[[gnu::noinline]] void freed_in_here(DebugAllocator& debug, void* block, std::size_t bytes) {
  debug.deallocate(block, bytes);
  asm volatile("" ::: "memory");
}

}  // namespace

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
