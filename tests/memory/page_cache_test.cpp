// Pages stay mapped, and trim gives their physical memory back.

#include "upstream.hpp"

#include <tenon/memory/page_cache.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory_resource>
#include <random>
#include <thread>
#include <vector>

using namespace tenon;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::size_t resident_process_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  REQUIRE(file != nullptr);
  unsigned long all = 0, resident = 0;
  REQUIRE(std::fscanf(file, "%lu %lu", &all, &resident) == 2);
  std::fclose(file);
  return resident * detail::page_bytes();
}

}  // namespace

TEST_CASE("trim gives physical memory back and keeps the address", "[memory][pages]") {
  PageCache pages;
  constexpr std::size_t bytes = 64 * mebibyte;
  auto* block = static_cast<unsigned char*>(pages.allocate(bytes));
  std::memset(block, 7, bytes);
  CHECK(pages.resident_bytes() == bytes);
  CHECK(pages.trim() == 0);  // live blocks stay
  CHECK(block[bytes - 1] == 7);
  pages.deallocate(block, bytes);
  CHECK(pages.resident_bytes() == bytes);
  const std::size_t full = resident_process_bytes();

  CHECK(pages.trim() == bytes);
  CHECK(pages.resident_bytes() == 0);
  CHECK(resident_process_bytes() < full - 60 * mebibyte);
  CHECK(pages.stats().owned_bytes == bytes);
  CHECK(pages.stats().cached_bytes == bytes);
  CHECK(pages.stats().trimmed_bytes == bytes);
  CHECK(pages.trim() == 0);  // nothing is left to give

  CHECK(pages.allocate(bytes) == block);
  CHECK(std::all_of(block, block + bytes, [](auto byte) { return byte == 0; }));
  CHECK(pages.stats().hits == 1);
  pages.deallocate(block, bytes);
  pages.release();
  CHECK(pages.stats().owned_bytes == 0);
}

TEST_CASE("freed pages serve the next request without asking upstream", "[memory][pages]") {
  test::Upstream upstream;
  PageCache pages(&upstream);
  void* block = pages.allocate(100'000);
  const std::size_t requests = upstream.requests;
  CHECK(upstream.last_bytes % 4096 == 0);
  pages.deallocate(block, 100'000);
  for (const std::size_t bytes : {100'000UL, 99'000UL, 95'000UL}) {
    CHECK(pages.allocate(bytes) == block);
    pages.deallocate(block, bytes);
  }
  CHECK(upstream.requests == requests);
  void* smaller = pages.allocate(50'000);  // too much would be wasted
  CHECK(smaller != block);
  CHECK(upstream.requests == requests + 1);
  void* larger = pages.allocate(200'000);
  CHECK(larger != block);
  const auto s = pages.stats();
  CHECK(s.hits == 3);
  CHECK(s.misses == 3);
  CHECK(s.live_bytes == 250'000);
  CHECK(s.cached_count == 1);
  pages.release();
  CHECK(pages.stats().cached_count == 0);
  CHECK(pages.stats().owned_bytes == upstream.bytes() - 1000);  // and the records
  pages.deallocate(smaller, 50'000);
  pages.deallocate(larger, 200'000);
}

TEST_CASE("reserve puts memory behind the pages", "[memory][pages]") {
  PageCache pages;
  pages.reserve(4 * mebibyte, 3);
  CHECK(pages.stats().cached_count == 3);
  CHECK(pages.resident_bytes() == 12 * mebibyte);
  pages.trim();
  pages.reserve(4 * mebibyte, 2);
  CHECK(pages.stats().cached_count == 3);
  CHECK(pages.resident_bytes() == 8 * mebibyte);
  void* blocks[3];
  for (auto& block : blocks) block = pages.allocate(4 * mebibyte);
  CHECK(pages.stats().hits == 3);
  CHECK(pages.stats().misses == 0);
  for (auto& block : blocks) pages.deallocate(block, 4 * mebibyte);
}

TEST_CASE("page frees are checked and clear makes handles stale", "[memory][pages]") {
  test::Upstream upstream;
  PageCache pages(&upstream);
  void* block = pages.allocate(1000);
  const auto stamp = pages.stamp(block);
  CHECK(pages.is_live(block, stamp));
  int local = 0;
  CHECK_THROWS_WITH(pages.deallocate(&local, 4), Catch::Contains("no block of this cache"));
  CHECK_THROWS_WITH(pages.deallocate(block, 999),
                    Catch::Contains("freed with 999 B") && Catch::Contains("issued with 1000 B"));
  CHECK(pages.stats().live_bytes == 1000);
  pages.deallocate(block, 1000);
  CHECK_THROWS_WITH(pages.deallocate(block, 1000), Catch::Contains("double free"));
  CHECK_FALSE(pages.is_live(block, stamp));
  block = pages.allocate(1000);
  const auto generation = pages.generation();
  pages.clear();
  CHECK(pages.generation() != generation);
  CHECK(pages.stamp(block) == 0);
  CHECK_THROWS_AS(pages.deallocate(block, 1000), StaleTensorError);
  CHECK(pages.stats().live_count == 0);
  CHECK(pages.stats().live_bytes == 0);
}

TEST_CASE("a cache of pages keeps blocks apart", "[memory][pages]") {
  test::Upstream upstream;
  PageCache pages(&upstream);
  struct Live {
    unsigned char* data;
    std::size_t bytes, alignment;
    unsigned char fill;
  };
  std::vector<Live> live;
  std::mt19937 random(5);
  std::size_t live_bytes = 0, peak_bytes = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto action = random() % 100;
    if (action < 50 || live.empty()) {
      const std::size_t bytes = random() % 40'000;
      const std::size_t alignment = std::size_t{1} << (random() % 15);
      auto* data = static_cast<unsigned char*>(pages.allocate(bytes, alignment));
      REQUIRE(reinterpret_cast<std::uintptr_t>(data) % std::max(alignment, detail::page_bytes()) ==
              0);
      const auto fill = static_cast<unsigned char>(random());
      std::memset(data, fill, bytes);
      live.push_back({data, bytes, alignment, fill});
      live_bytes += bytes;
    } else if (action < 98) {
      const std::size_t i = random() % live.size();
      const Live block = live[i];
      if (!std::all_of(block.data, block.data + block.bytes,
                       [&](auto byte) { return byte == block.fill; }))
        FAIL("a block lost its contents");
      pages.deallocate(block.data, block.bytes, block.alignment);
      live_bytes -= block.bytes;
      live[i] = live.back();
      live.pop_back();
    } else if (action == 98) {
      pages.trim();
    } else {
      pages.release();
      REQUIRE(pages.stats().cached_count == 0);
    }
    peak_bytes = std::max(peak_bytes, live_bytes);
    if (step % 100 == 0) {
      const auto s = pages.stats();
      REQUIRE(s.live_bytes == live_bytes);
      REQUIRE(s.live_count == live.size());
      REQUIRE(s.peak_bytes == peak_bytes);
      REQUIRE(s.hits + s.misses == s.allocations);
    }
  }
  pages.clear();
}

TEST_CASE("a refused page changes nothing", "[memory][pages]") {
  test::Upstream upstream;
  PageCache pages(&upstream);
  for (std::size_t n = 0; n < 2; ++n) {  // the records, then the block
    upstream.fail_at(n);
    CHECK_THROWS_WITH(pages.allocate(5000), Catch::Contains("PageCache: requested"));
    CHECK(pages.stats().owned_bytes == 0);
    CHECK(pages.stats().allocations == 0);
    upstream.heal();
  }
  CHECK_THROWS_AS(pages.allocate(SIZE_MAX), OutOfMemory);
  pages.reserve(5000, 2);
  upstream.fail_at(0, true);
  pages.deallocate(pages.allocate(5000), 5000);
  upstream.heal();
}

TEST_CASE("a pool on a cache of pages keeps its addresses through trims", "[memory][pages]") {
  PageCache pages;
  PoolAllocator pool(&pages);
  void* block = pool.allocate(8 * mebibyte);
  std::memset(block, 1, 8 * mebibyte);
  pool.clear();
  pool.trim();
  CHECK(pages.trim() >= 8 * mebibyte);
  CHECK(pages.resident_bytes() < mebibyte);
  CHECK(pool.allocate(8 * mebibyte) == block);
  pool.clear();
}

TEST_CASE("threads share a cache of pages", "[memory][pages]") {
  PageCache pages;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&pages, t] {
      for (std::size_t i = 0; i < 200; ++i) {
        auto* block = static_cast<unsigned char*>(pages.allocate(5000 * (1 + i % 4)));
        block[0] = static_cast<unsigned char>(t);
        if (i % 50 == 0) pages.trim();
        pages.deallocate(block, 5000 * (1 + i % 4));
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(pages.stats().allocations == 800);
  CHECK(pages.stats().live_count == 0);
}
