#include "catch.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/debug_allocator.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/memory_pool.hpp>
#include <tenon/memory/memory_report.hpp>
#include <tenon/memory/page_cache.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace tenon;

static_assert(ReportsUse<Arena> && ReportsUse<BufferPool> && ReportsUse<PoolAllocator> &&
              ReportsUse<FixedBufferAllocator> && ReportsUse<PageCache> &&
              ReportsUse<DebugAllocator> && ReportsUse<MemoryPool>);
static_assert(!ReportsUse<std::pmr::memory_resource>);

TEST_CASE("the report knows the process", "[memory][report]") {
  constexpr std::size_t bytes = std::size_t{64} << 20;
  const MemoryReport before = memory_report();
  CHECK(before.virtual_bytes > before.resident_bytes);
  CHECK(before.peak_resident_bytes >= before.resident_bytes);
  CHECK(before.resident_bytes > 0);
  CHECK(before.stack_bytes > 0);
  CHECK(before.data_bytes > 0);
  PageCache pages;
  void* block = pages.allocate(bytes);
  std::memset(block, 1, bytes);
  const MemoryReport full = memory_report();
  CHECK(full.virtual_bytes >= before.virtual_bytes + bytes);
  CHECK(full.resident_bytes >= before.resident_bytes + bytes - (std::size_t{4} << 20));
  CHECK(full.peak_resident_bytes >= full.resident_bytes - (std::size_t{1} << 20));
  rusage usage{};
  REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
  const auto system_peak = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
  CHECK(full.peak_resident_bytes <= system_peak + (std::size_t{8} << 20));
  pages.deallocate(block, bytes);
  pages.trim();
  const MemoryReport trimmed = memory_report();
  CHECK(trimmed.resident_bytes <= full.resident_bytes - bytes + (std::size_t{4} << 20));
  CHECK(trimmed.peak_resident_bytes >= full.resident_bytes - (std::size_t{1} << 20));
}

TEST_CASE("the report of a process by its number", "[memory][report]") {
  const MemoryReport own = memory_report();
  const MemoryReport same = memory_report(::getpid());
  CHECK(same.stack_bytes >= own.stack_bytes);
  CHECK(same.resident_bytes > 0);
  CHECK(same.peak_resident_bytes >= own.peak_resident_bytes);
  CHECK(same.heap_used_bytes == 0);
  CHECK(same.resources.empty());
  CHECK_THROWS_WITH(memory_report(2'000'000'000), "memory_report: no process 2000000000");
  CHECK_THROWS_WITH(memory_report(0), "memory_report: no process 0");
  CHECK_THROWS_WITH(memory_report(-1), "memory_report: no process -1");
}

TEST_CASE("registered resources have a line while they are registered", "[memory][report]") {
  PoolAllocator pool;
  Arena arena(10'000);
  const std::size_t others = memory_report().resources.size();
  {
    const auto pool_line = register_resource("batch", pool);
    static_cast<void>(pool.allocate(1000));
    {
      const auto arena_line =
          register_resource("a name that is longer than what is kept of a name", arena);
      static_cast<void>(arena.allocate(300));
      const auto lines = memory_report().resources;
      REQUIRE(lines.size() == others + 2);
      CHECK(lines[others].name == "batch");
      CHECK(lines[others].use.live_bytes == 1000);
      CHECK(lines[others].use.live_count == 1);
      CHECK(lines[others].use.peak_bytes == 1000);
      CHECK(lines[others].use.held_bytes == 1024);
      CHECK(lines[others + 1].name == "a name that is longer than what is kept of a na");
      CHECK(lines[others + 1].use.live_bytes == 300);
      CHECK(lines[others + 1].use.held_bytes == 10'000);
    }
    pool.clear();
    const auto lines = memory_report().resources;
    REQUIRE(lines.size() == others + 1);
    CHECK(lines[others].use.live_bytes == 0);
    CHECK(lines[others].use.peak_bytes == 1000);
  }
  CHECK(memory_report().resources.size() == others);
}

TEST_CASE("the report prints as a table", "[memory][report]") {
  MemoryReport report;
  report.virtual_bytes = 1'234'567;
  report.resident_bytes = 999;
  std::ostringstream alone;
  alone << report;
  CHECK_THAT(alone.str(), Catch::Contains("  virtual                   1,234,567 B\n"));
  CHECK_THAT(alone.str(), Catch::Contains("  resident                        999 B\n"));
  CHECK_THAT(alone.str(), Catch::EndsWith("no resource is registered\n"));
  report.resources.push_back({"weights", {61'520, 2, 61'520, 65'536}});
  report.resources.push_back({"scratch of one request", {0, 0, 80, 1'000'000}});
  std::ostringstream out;
  out << report;
  const std::string text = out.str();
  const std::string table = text.substr(text.find("resource  "));
  std::istringstream lines(table);
  std::string line;
  std::size_t width = 0, count = 0;
  for (; std::getline(lines, line); ++count) {
    if (width == 0) width = line.size();
    CHECK(line.size() == width);  // columns end together
  }
  CHECK(count == 3);
  CHECK_THAT(table,
             Catch::Contains("weights ") && Catch::Contains("             61,520            2 "
                                                            "            61,520"));
  CHECK_THAT(table, Catch::EndsWith("1,000,000\n"));
}

TEST_CASE("threads register and report", "[memory][report]") {
  const std::size_t others = memory_report().resources.size();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      PageCache pages;  // thread-safe, so that others may read it
      for (int i = 0; i < 50; ++i) {
        const auto line = register_resource("thread", pages);
        const auto lines = memory_report().resources;
        if (std::none_of(lines.begin(), lines.end(),
                         [](const auto& one) { return one.name == "thread"; }))
          std::abort();
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(memory_report().resources.size() == others);
}
