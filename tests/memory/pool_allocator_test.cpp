#include "heap_trap.hpp"
#include "upstream.hpp"

#include <tenon/memory/pool_allocator.hpp>

#include <cstdint>
#include <memory_resource>
#include <span>
#include <type_traits>
#include <vector>

using namespace tenon;
using tenon::support::HeapTrap;
using tenon::test::Upstream;

static_assert(!std::is_copy_constructible_v<PoolAllocator>);
static_assert(!std::is_move_constructible_v<PoolAllocator>);
static_assert(std::is_final_v<PoolAllocator>);

TEST_CASE("alloc gives typed blocks and free takes them back", "[memory]") {
  Upstream upstream;
  PoolAllocator pool(&upstream);
  pool.check_frees(true);
  std::span<double> numbers = pool.alloc<double>(10);
  REQUIRE(numbers.size() == 10);
  CHECK(reinterpret_cast<std::uintptr_t>(numbers.data()) % 64 == 0);
  for (double& x : numbers) x = 1.5;
  CHECK(pool.stats().live_bytes == 80);
  const std::span<const double> constant = numbers;
  pool.free(constant);
  CHECK(pool.stats().live_bytes == 0);
  CHECK_THROWS_AS(pool.free(numbers), ContractError);
  const auto none = pool.alloc<double>(0);
  CHECK(none.empty());
  pool.free(none);
  pool.free(std::span<double>{});
  CHECK_THROWS_AS(pool.alloc<double>(SIZE_MAX / 4), OutOfMemory);
  struct alignas(256) Wide {
    char bytes[256];
  };
  const auto wide = pool.alloc<Wide>(3);
  CHECK(reinterpret_cast<std::uintptr_t>(wide.data()) % 256 == 0);
  pool.free(wide);
  CHECK(pool.stats().live_count == 0);
}

TEST_CASE("From the second batch on nothing reaches the heap", "[memory]") {
  PoolAllocator pool;
  const auto batch = [&] {
    for (std::size_t n = 1; n < 2'000'000; n *= 3) {
      const auto result = pool.alloc<float>(n);
      const auto workspace = pool.alloc<float>(n / 2);
      result[0] = 1.0F;
      pool.free(workspace);
    }
    pool.clear();
  };
  batch();
  HeapTrap trap;
  for (int i = 0; i < 10; ++i) batch();
  const auto calls = trap.stop();
  CHECK(calls == 0);
  const auto s = pool.stats();
  CHECK(s.live_count == 0);
  CHECK(s.pooled_bytes == s.owned_bytes);
  CHECK(s.hit_rate() > 0.9);
}

TEST_CASE("The polymorphic allocator is the pool", "[memory]") {
  Upstream upstream;
  PoolAllocator pool(&upstream);
  {
    std::pmr::vector<int> numbers(100, 7, pool.allocator());
    CHECK(pool.stats().live_bytes == 400);
    CHECK(pool.allocator().resource() == &pool);
  }
  CHECK(pool.stats().live_bytes == 0);
}

TEST_CASE("trim, reserve and limits reach the pool", "[memory]") {
  Upstream upstream;
  PoolAllocator pool(&upstream);
  pool.reserve(1000, 4);
  CHECK(pool.stats().pooled_bytes == 4096);
  pool.limit_per_bucket(3);
  CHECK(pool.stats().pooled_bytes == 3072);
  pool.trim();
  CHECK(pool.stats().owned_bytes == 0);
}
