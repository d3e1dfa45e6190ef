// A budget: exact to the byte, refused before anybody is asked, unchanged by failure.

#include "heap_trap.hpp"
#include "upstream.hpp"

#include <tenon/memory.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory_resource>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace tn = tenon;
using tenon::test::Upstream;

static_assert(std::is_final_v<tn::Budget>);
static_assert(std::is_base_of_v<tn::ResourceLayer, tn::Budget>);
static_assert(!std::is_copy_constructible_v<tn::Budget>);

TEST_CASE("a budget serves the last byte and refuses one more, with numbers", "[memory][budget]") {
  Upstream upstream;
  auto limited = tn::budget(&upstream, 4096);
  CHECK(limited.max_bytes() == 4096);
  CHECK(limited.available_bytes() == 4096);
  void* a = limited.allocate(3072);
  CHECK(limited.used_bytes() == 3072);
  CHECK(limited.available_bytes() == 1024);
  const auto requests = upstream.requests;
  CHECK_THROWS_WITH(limited.allocate(4096),
                    "budget: requested 4096 B, used 3072 B of 4096 B, missing 3072 B");
  CHECK_THROWS_AS(limited.allocate(1025), tn::BudgetError);
  CHECK_THROWS_AS(limited.allocate(1025), std::bad_alloc);
  CHECK_THROWS_AS(limited.allocate(SIZE_MAX), tn::BudgetError);
  CHECK(upstream.requests == requests);  // it was not even asked
  CHECK(upstream.refused == 0);
  CHECK(limited.used_bytes() == 3072);
  CHECK(limited.peak_bytes() == 3072);
  void* b = limited.allocate(1024);
  CHECK(limited.available_bytes() == 0);
  void* empty = limited.allocate(0);
  limited.deallocate(empty, 0);
  limited.deallocate(a, 3072);
  CHECK(limited.used_bytes() == 1024);
  const tn::BudgetStats s = limited.stats();
  CHECK(s.live_bytes == 1024);
  CHECK(s.live_count == 1);
  CHECK(s.peak_bytes == 4096);
  CHECK(s.max_bytes == 4096);
  CHECK(s.allocations == 3);
  CHECK(s.deallocations == 2);
  CHECK_THROWS_AS(limited.deallocate(nullptr, 1024), tn::ContractError);
  limited.deallocate(b, 1024);
  CHECK(limited.used_bytes() == 0);
  CHECK(limited.peak_bytes() == 4096);
}

TEST_CASE("what upstream refuses does not count", "[memory][budget]") {
  Upstream upstream;
  tn::Budget limited(&upstream, 1000);
  upstream.fail_at(0, true);
  CHECK_THROWS_AS(limited.allocate(1000), std::bad_alloc);
  CHECK(limited.used_bytes() == 0);
  CHECK(limited.peak_bytes() == 0);
  upstream.heal();
  void* block = limited.allocate(1000);
  limited.deallocate(block, 1000);

  tn::PoolAllocator pool(&upstream);
  pool.check_frees(true);
  tn::Budget over_pool(&pool, 1000);
  block = over_pool.allocate(100);
  CHECK_THROWS_AS(over_pool.deallocate(block, 99), tn::ContractError);
  CHECK(over_pool.used_bytes() == 100);
  over_pool.deallocate(block, 100);
  CHECK_THROWS_AS(over_pool.deallocate(block, 100), tn::ContractError);
  CHECK(over_pool.used_bytes() == 0);
}

TEST_CASE("a clear below gives the budget back", "[memory][budget]") {
  tn::PoolAllocator pool;
  pool.check_frees(true);
  auto limited = tn::budget(pool, 1000);
  void* stale = limited.allocate(600);
  const auto stamp = limited.stamp(stale);
  CHECK(limited.is_live(stale, stamp));
  pool.clear();
  CHECK(limited.used_bytes() == 0);
  CHECK_FALSE(limited.is_live(stale, stamp));
  void* block = limited.allocate(1000);
  CHECK(limited.available_bytes() == 0);
  CHECK_THROWS(limited.deallocate(stale, 600));
  CHECK(limited.used_bytes() == 1000);
  limited.deallocate(block, 1000);
  CHECK(limited.peak_bytes() == 1000);
}

TEST_CASE("a pool over a budget never takes more than the budget", "[memory][budget]") {
  auto limited = tn::budget(tn::page_resource(), 64 * 1024);
  {
    tn::PoolAllocator pool(&limited);
    std::vector<std::span<float>> blocks;
    CHECK_THROWS_AS(
        [&] {
          for (;;) blocks.push_back(pool.alloc<float>(1024));
        }(),
        tn::BudgetError);
    CHECK(limited.used_bytes() <= 64 * 1024);
    CHECK(blocks.size() >= 12);  // 4 KiB each; records and table take their share
    CHECK(pool.stats().owned_bytes == 4096 * blocks.size());
    CHECK(pool.stats().live_count == blocks.size());
    for (auto block : blocks) pool.free(block);
    pool.trim();
    CHECK(pool.alloc<float>(1024).size() == 1024);  // and goes on afterwards
    pool.clear();
  }
  CHECK(limited.used_bytes() == 0);
}

TEST_CASE("containers over a budget stay as they were when it ends", "[memory][budget]") {
  Upstream upstream;
  auto limited = tn::budget(&upstream, 10'000);
  {
    std::pmr::vector<int> numbers(&limited);
    std::pmr::list<std::pmr::string> words(&limited);
    words.emplace_back(std::string(200, 'x'));
    try {
      for (int i = 0;; ++i) numbers.push_back(i);
    } catch (const tn::BudgetError&) {
    }
    CHECK(words.front().size() == 200);
    REQUIRE(numbers.size() >= 512);
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (numbers[i] != static_cast<int>(i)) FAIL("an element changed");
    CHECK(limited.used_bytes() == upstream.bytes());
  }
  CHECK(limited.used_bytes() == 0);
}

TEST_CASE("a budget asks no heap of its own", "[memory][budget]") {
  alignas(64) static std::byte buffer[4096];
  tn::FixedBufferAllocator fixed(buffer);
  tenon::support::HeapTrap trap;
  {
    auto limited = tn::budget(fixed, 2048);
    void* block = limited.allocate(2048, 64);
    limited.deallocate(block, 2048, 64);
  }
  CHECK(trap.stop() == 0);
}

TEST_CASE("threads never pass a budget together", "[memory][budget][threads]") {
  constexpr std::size_t block_bytes = 256, limit = 10 * block_bytes;
  auto limited = tn::budget(std::pmr::new_delete_resource(), limit);
  std::atomic<std::size_t> refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      std::vector<void*> mine;
      for (int i = 0; i < 2000; ++i) {
        try {
          mine.push_back(limited.allocate(block_bytes));
        } catch (const tn::BudgetError&) {
          ++refused;
          for (void* block : mine) limited.deallocate(block, block_bytes);
          mine.clear();
        }
      }
      for (void* block : mine) limited.deallocate(block, block_bytes);
    });
  for (auto& thread : threads) thread.join();
  CHECK(refused > 0);
  CHECK(limited.used_bytes() == 0);
  CHECK(limited.peak_bytes() == limit);
}
