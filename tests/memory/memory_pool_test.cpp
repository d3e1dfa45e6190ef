#include <tenon/memory/memory_pool.hpp>
#include <tenon/memory/size_classes.hpp>

#include "catch.hpp"
#include "upstream.hpp"

#include <tenon/core/error.hpp>
#include <tenon/tenon.hpp>

#include <cstdint>
#include <cstring>
#include <map>
#include <new>
#include <random>
#include <thread>
#include <vector>

using namespace tenon;
using tenon::test::Upstream;

namespace {

struct Figures {
  std::size_t allocated;
  std::size_t capacity;
  std::uint64_t allocations;
  std::uint64_t deallocations;
  bool operator==(const Figures&) const = default;
};

Figures figures(const MemoryPool& pool) {
  return {pool.get_total_allocated(), pool.get_total_capacity(), pool.get_allocation_count(),
          pool.get_deallocation_count()};
}

}  // namespace

TEST_CASE("The pool's own figures are those of a model", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  static constexpr SizeClasses powers = SizeClasses::powers_of_two();
  struct Block {
    void* data;
    std::size_t bytes;
    std::size_t alignment;
  };
  std::vector<Block> live;
  std::mt19937 random(7);
  Figures expected{};
  std::size_t peak = 0;
  std::size_t real_bytes = 0;
  for (int step = 0; step < 20000; ++step) {
    if (live.size() < 300 && random() % 100 < 52) {
      const std::size_t bytes = random() % (std::size_t{1} << (random() % 20));
      const std::size_t alignment = std::size_t{1} << (random() % 13);
      live.push_back({pool.allocate(bytes, alignment), bytes, alignment});
      REQUIRE(reinterpret_cast<std::uintptr_t>(live.back().data) % alignment == 0);
      expected.allocated += bytes;
      ++expected.allocations;
      real_bytes += powers.footprint(std::max(bytes, alignment));
      peak = std::max(peak, expected.allocated);
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      const Block block = live.back();
      live.pop_back();
      pool.deallocate(block.data, block.bytes, block.alignment);
      expected.allocated -= block.bytes;
      ++expected.deallocations;
      real_bytes -= powers.footprint(std::max(block.bytes, block.alignment));
    }
    expected.capacity = pool.get_total_capacity();
    if (figures(pool) != expected) FAIL("the figures drifted at step " << step);
    if (step % 500 == 0) {
      const PoolStats s = pool.stats();
      CHECK(s.live_count == live.size());
      CHECK(s.peak_bytes == peak);
      CHECK(s.owned_bytes == s.pooled_bytes + real_bytes);
      CHECK(s.hits + s.misses == s.allocations);
      CHECK(s.owned_bytes <= upstream.bytes());
    }
  }
  CHECK(pool.get_utilization_ratio() ==
        Approx(static_cast<double>(expected.allocated) / static_cast<double>(expected.capacity)));
  for (const Block& block : live) pool.deallocate(block.data, block.bytes, block.alignment);
  CHECK(pool.get_total_allocated() == 0);
  CHECK(pool.stats().pooled_bytes == pool.get_total_capacity());
}

TEST_CASE("An initial capacity is there before the first request", "[memory][pool]") {
  Upstream upstream;
  constexpr std::size_t capacity = std::size_t{4} << 20;
  MemoryPool pool(capacity, &upstream);
  CHECK(pool.get_total_capacity() >= capacity);
  CHECK(pool.get_total_capacity() < 2 * capacity);
  {
    void* first = pool.allocate(64);
    pool.deallocate(first, 64);
  }  // the thread's cache
  const std::size_t requests = upstream.requests;
  std::map<void*, std::size_t> blocks;
  for (std::size_t bytes = 64; bytes <= 65536; bytes *= 2) {
    const std::size_t count = capacity / 11 / bytes;
    CHECK(count >= 5);
    for (std::size_t i = 0; i < count; ++i) blocks[pool.allocate(bytes)] = bytes;
  }
  CHECK(upstream.requests == requests);
  CHECK(pool.stats().misses == 0);
  for (const auto& [block, bytes] : blocks) pool.deallocate(block, bytes);
}

TEST_CASE("reserve brings the capacity to a total", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  CHECK(pool.get_total_capacity() == 0);
  CHECK(pool.get_utilization_ratio() == 0);
  pool.reserve(std::size_t{2} << 20);
  const std::size_t capacity = pool.get_total_capacity();
  CHECK(capacity >= std::size_t{2} << 20);
  pool.reserve(std::size_t{1} << 20);
  CHECK(pool.get_total_capacity() == capacity);
  CHECK_THROWS_AS(pool.reserve(SIZE_MAX), OutOfMemory);
  CHECK(pool.get_total_capacity() == capacity);
  pool.trim();
  CHECK(pool.get_total_capacity() == 0);
}

TEST_CASE("reserve makes hits of the next requests of any thread", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  void* warm = pool.allocate(1);
  for (const std::size_t bytes :
       {std::size_t{64}, std::size_t{5000}, std::size_t{100000}, std::size_t{3} << 20}) {
    CAPTURE(bytes);
    const std::size_t count = bytes > 1000000 ? 3 : 200;
    pool.reserve(bytes, count);
    const std::size_t requests = upstream.requests;
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(pool.allocate(bytes));
    CHECK(upstream.requests == requests);
    for (void* block : blocks) pool.deallocate(block, bytes);
  }
  CHECK_THROWS_AS(pool.reserve(MemoryPool::max_block_bytes + 1, 1), ContractError);
  CHECK_THROWS_AS(pool.reserve(64, SIZE_MAX / 32), OutOfMemory);
  pool.deallocate(warm, 1);
}

TEST_CASE("trim gives back what nobody uses, and no more", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  pool.check_frees(true);
  std::vector<void*> small;
  for (int i = 0; i < 5000; ++i) small.push_back(pool.allocate(1024));
  void* large = pool.allocate(std::size_t{1} << 20);
  void* other = pool.allocate(std::size_t{1} << 20);
  std::memset(small[17], 5, 1024);
  pool.deallocate(other, std::size_t{1} << 20);
  for (std::size_t i = 0; i < small.size(); ++i)
    if (i != 17) pool.deallocate(small[i], 1024);
  const std::size_t before = upstream.bytes();
  pool.trim();
  CHECK(pool.get_total_capacity() == (std::size_t{1} << 20) + 65536);
  CHECK(upstream.bytes() < before - 4900 * 1024 - (std::size_t{1} << 20));
  CHECK(static_cast<unsigned char*>(small[17])[1023] == 5);
  CHECK_THROWS_AS(pool.deallocate(small[18], 1024), ContractError);  // gone, and not read
  for (int i = 0; i < 100; ++i)
    small[static_cast<std::size_t>(i == 17 ? 0 : i)] = pool.allocate(1024);
  pool.clear();
  CHECK(pool.get_total_allocated() == 0);
  pool.trim();
  CHECK(pool.get_total_capacity() == 0);
  CHECK(large != nullptr);
}

TEST_CASE("Blocks beyond the classes go to upstream and back", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  pool.check_frees(true);
  constexpr std::size_t huge = MemoryPool::max_block_bytes + 1;
  void* block = pool.allocate(huge);
  void* aligned = pool.allocate(20000, 16384);
  CHECK(reinterpret_cast<std::uintptr_t>(aligned) % 16384 == 0);
  CHECK(pool.get_total_allocated() == huge + 20000);
  CHECK(pool.get_total_capacity() == huge + 20000);
  const std::uint64_t stamp = pool.stamp(block);
  CHECK(stamp != 0);
  CHECK(pool.is_live(block, stamp));
  CHECK_THROWS_AS(pool.deallocate(block, huge + 1), ContractError);
  CHECK_THROWS_AS(pool.deallocate(aligned, 20000, 64), ContractError);
  CHECK_THROWS_AS(pool.deallocate(aligned, 20000, 32768), ContractError);
  pool.deallocate(block, huge);
  pool.deallocate(aligned, 20000, 16384);
  CHECK_FALSE(pool.is_live(block, stamp));
  CHECK(pool.get_total_capacity() == 0);
  CHECK(pool.get_deallocation_count() == 2);
  CHECK(pool.stats().live_count == 0);
  CHECK_THROWS_AS(pool.deallocate(block, huge), ContractError);
}

TEST_CASE("reserve_for makes hits of the requests of eval in a pool for all threads",
          "[memory][pool]") {
  StaticTensor<float, 40, 50> x{};
  StaticTensor<float, 50, 60> w{};
  const auto e = softmax<-1>(matmul(x, w));
  using E = decltype(e);
  MemoryPool pool;
  CHECK(footprint_of<E>(pool) ==
        pool.footprint(plan_of<E>.result_bytes) +
            (plan_of<E>.workspace_bytes > 0 ? pool.footprint(plan_of<E>.workspace_bytes) : 0));
  CHECK(pool.footprint(65) == 128);
  CHECK(pool.footprint(65, 4096) == 4096);
  CHECK(pool.footprint(MemoryPool::max_block_bytes + 1) == MemoryPool::max_block_bytes + 1);
  reserve_for<E>(pool);
  const auto owned = pool.get_total_capacity();
  const auto y = eval(e, pool);
  CHECK(pool.get_total_capacity() == owned);
  CHECK(pool.stats().misses == 0);
}

TEST_CASE("Frees are checked where the pool was told so", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  CHECK(pool.checks_frees() == checked_build);
  for (int round = 0; round < 4; ++round) {
    CAPTURE(round);
    pool.check_frees(round % 2 == 0);
    CHECK(pool.checks_frees() == (round % 2 == 0));
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 300; ++i)
      blocks.push_back(pool.allocate(i, i % 2 == 0 ? 64 : 1024));
    CHECK_THROWS_WITH(pool.check_frees(true), Catch::Contains("300 blocks in use"));
    CHECK(pool.stamp(blocks[1]) != 0);
    const auto stamp = pool.stamp(blocks[2]);
    CHECK(pool.is_live(blocks[2], stamp));
    std::thread([&] {
      for (std::size_t i = 0; i < 150; ++i) pool.deallocate(blocks[i], i, i % 2 == 0 ? 64 : 1024);
    }).join();
    const auto s = pool.stats();
    CHECK(s.live_count == 150);
    for (std::size_t i = 150; i < 300; ++i) pool.deallocate(blocks[i], i, i % 2 == 0 ? 64 : 1024);
    CHECK(pool.stats().live_count == 0);
    CHECK(pool.stats().pooled_bytes == pool.stats().owned_bytes);
    void* last = pool.allocate(100);
    const auto last_stamp = pool.stamp(last);
    pool.clear();
    CHECK_FALSE(pool.is_live(last, last_stamp));
  }
}

TEST_CASE("Misuse is told apart", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  pool.check_frees(true);
  auto* block = static_cast<std::byte*>(pool.allocate(1000));
  CHECK_THROWS_WITH(pool.deallocate(block + 64, 1000), Catch::Contains("no block"));
  CHECK_THROWS_WITH(pool.deallocate(block, 999), Catch::Contains("issued with 1000 B"));
  CHECK_THROWS_WITH(pool.deallocate(block, 100), Catch::Contains("issued with 1000 B"));
  CHECK_THROWS_WITH(pool.deallocate(block, 1000, 4096), Catch::Contains("another alignment"));
  CHECK(pool.get_total_allocated() == 1000);
  void* stamped = pool.allocate(1000);
  const std::uint64_t stamp = pool.stamp(stamped);
  CHECK(pool.stamp(stamped) == stamp);
  CHECK_FALSE(pool.is_live(block, stamp));
  CHECK_FALSE(pool.is_live(block, 0));
  pool.deallocate(stamped, 1000);
  CHECK_THROWS_WITH(pool.deallocate(stamped, 1000), Catch::Contains("double free"));
  pool.clear();
  CHECK_THROWS_AS(pool.deallocate(block, 1000), StaleTensorError);
}

TEST_CASE("Whichever upstream request fails, nothing changes and nothing leaks", "[memory][pool]") {
  const auto work = [](MemoryPool& pool) {
    std::vector<std::pair<void*, std::size_t>> blocks;
    std::size_t live = 0;
    int refusals = 0;
    const auto checked = [&](auto&& call) {
      const Figures before = figures(pool);
      try {
        call();
      } catch (const OutOfMemory&) {
        ++refusals;
        CHECK(figures(pool) == before);
      }
    };
    for (std::size_t bytes = 64; bytes <= std::size_t{1} << 20; bytes *= 2)
      for (int i = 0; i < 70; ++i)
        checked([&] {
          blocks.emplace_back(pool.allocate(bytes), bytes);
          live += bytes;
        });
    checked([&] { pool.reserve(std::size_t{100} << 20); });
    checked([&] { pool.reserve(1000, 500); });
    checked([&] {
      blocks.emplace_back(pool.allocate(200 << 20), 200 << 20);
      live += 200 << 20;
    });
    CHECK(pool.get_total_allocated() == live);
    for (const auto& [block, bytes] : blocks) pool.deallocate(block, bytes);
    CHECK(pool.get_total_allocated() == 0);
    CHECK(pool.get_allocation_count() == pool.get_deallocation_count());
    return refusals;
  };
  std::size_t requests = 0;
  {
    Upstream upstream;
    MemoryPool pool(&upstream);
    const std::size_t before = upstream.requests;
    CHECK(work(pool) == 0);
    requests = upstream.requests - before;
  }
  CHECK(requests > 200);
  for (const bool onwards : {false, true})
    for (std::size_t n = 0; n < requests; n += n < 60 ? 1 : 37) {
      CAPTURE(n, onwards);
      Upstream upstream;
      MemoryPool pool(&upstream);
      upstream.fail_at(n, onwards);
      const int refusals = work(pool);
      // The first request is for the thread's cache, which the pool can do without.
      CHECK(refusals >= (n == 0 && !onwards ? 0 : 1));
      CHECK(upstream.refused >= 1);
    }
  for (std::size_t n = 0; n < 20; ++n) {
    Upstream upstream;
    upstream.fail_at(n);
    CHECK_THROWS_AS(MemoryPool(std::size_t{4} << 20, &upstream), OutOfMemory);
  }
}

TEST_CASE("Pools beyond the slots of a thread keep their caches apart", "[memory][pool]") {
  Upstream upstream;
  std::vector<std::unique_ptr<MemoryPool>> pools;
  for (int i = 0; i < 20; ++i) {
    pools.push_back(std::make_unique<MemoryPool>(&upstream));
    pools.back()->check_frees(true);
  }
  std::vector<void*> blocks(pools.size());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < pools.size(); ++i) blocks[i] = pools[i]->allocate(100 * (i + 1));
    for (std::size_t i = 0; i < pools.size(); ++i) {
      CHECK(pools[i]->get_total_allocated() == 100 * (i + 1));
      CHECK_THROWS_AS(pools[i]->deallocate(blocks[(i + 1) % pools.size()], 100), ContractError);
      pools[i]->deallocate(blocks[i], 100 * (i + 1));
    }
    pools.erase(pools.begin() + 5);
    blocks.pop_back();
  }
}

namespace {
// Uses the global pool before main and after it.
struct Static {
  void* block = global_memory_pool().allocate(300);
  ~Static() {
    global_memory_pool().deallocate(block, 300);
    void* late = global_memory_pool().allocate(77);
    global_memory_pool().deallocate(late, 77);
  }
} at_the_ends;
}  // namespace

TEST_CASE("The global pool serves static objects", "[memory][pool]") {
  CHECK(&global_memory_pool() == &global_memory_pool());
  CHECK(global_memory_pool().get_total_allocated() >= 300);
  CHECK(global_memory_pool().stamp(at_the_ends.block) != 0);
}

TEST_CASE("a literal zero is an initial capacity, not an upstream", "[memory][pool]") {
  MemoryPool pool(0);
  CHECK(pool.stats().live_bytes == 0);
}
