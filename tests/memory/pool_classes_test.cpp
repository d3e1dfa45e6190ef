// Pools made from size classes, and what pools say of what they take.

#include "upstream.hpp"

#include <tenon/memory/buffer_pool.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/memory/size_classes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

using namespace tenon;
using tenon::test::Upstream;

namespace {

constexpr SizeClass three[] = {{192, 2}, {1000, 3}, {5000, 0}};

}  // namespace

TEST_CASE("A pool with size classes serves from the least that holds the request", "[memory]") {
  Upstream upstream;
  const SizeClasses classes(three);
  BufferPool pool(classes, &upstream);
  CHECK(pool.size_classes() == classes);
  CHECK(upstream.requests == 0);
  for (const std::size_t bytes : {0U, 1U, 64U, 192U, 193U, 1000U, 1024U, 1025U, 5000U, 5056U}) {
    CAPTURE(bytes);
    const std::size_t rounded = bytes <= 192 ? 192 : bytes <= 1024 ? 1024 : 5056;
    CHECK(pool.footprint(bytes) == rounded);
    const auto block = pool.get_or_alloc(bytes);
    CHECK(block.size() == rounded);
    pool.put(block);
    const auto again = pool.get(bytes);
    CHECK(again.data() == block.data());
    pool.put(again);
  }
  // Above the last class by exact size, aligned ones by powers of two.
  CHECK(pool.footprint(5057) == 5120);
  const auto large = pool.get_or_alloc(5057);
  CHECK(large.size() == 5120);
  pool.put(large);
  CHECK(pool.get(5121).empty());
  CHECK(pool.get(5100).data() == large.data());
  CHECK(pool.footprint(300, 256) == 512);
  CHECK(pool.get_or_alloc(300, 256).size() == 512);
  pool.clear();
}

TEST_CASE("A pool without classes keeps every size by itself", "[memory]") {
  Upstream upstream;
  BufferPool pool(SizeClasses(), &upstream);
  CHECK(pool.footprint(1) == 64);
  CHECK(pool.footprint(100) == 128);
  void* a = pool.allocate(100);
  void* empty = pool.allocate(0);
  pool.deallocate(a, 100);
  CHECK(pool.allocate(65) == a);
  pool.deallocate(empty, 0);
  pool.clear();
}

TEST_CASE("reserve_classes holds what the classes count, or changes nothing", "[memory]") {
  Upstream upstream;
  PoolAllocator pool(SizeClasses(three), &upstream);
  pool.reserve_classes();
  CHECK(pool.stats().pooled_count == 5);
  CHECK(pool.stats().pooled_bytes == 2 * 192 + 3 * 1024);
  CHECK(pool.stats().owned_bytes == pool.size_classes().held_bytes());
  const auto requests = upstream.requests;
  pool.reserve_classes();
  std::vector<void*> blocks;
  for (int i = 0; i < 2; ++i) blocks.push_back(pool.allocate(150));
  for (int i = 0; i < 3; ++i) blocks.push_back(pool.allocate(1024));
  CHECK(upstream.requests == requests);
  CHECK(pool.stats().hit_rate() == 1.0);
  pool.clear();

  bool failed = true;
  for (std::size_t n = 0; failed; ++n) {
    CAPTURE(n);
    Upstream refusing;
    PoolAllocator other(SizeClasses(three), &refusing);
    refusing.fail_at(n);
    failed = false;
    try {
      other.reserve_classes();
    } catch (const OutOfMemory&) {
      failed = true;
      CHECK(other.stats().owned_bytes == 0);
      CHECK(other.stats().pooled_count == 0);
    }
  }
}

TEST_CASE("The rates of a pool are what their names say", "[memory]") {
  Upstream upstream;
  PoolAllocator pool(&upstream);
  CHECK(pool.stats().utilisation() == 0.0);
  CHECK(pool.stats().fragmentation() == 0.0);
  void* a = pool.allocate(96);
  void* b = pool.allocate(256);
  pool.deallocate(b, 256);
  const auto s = pool.stats();
  CHECK(s.utilisation() == Approx(96.0 / (128 + 256)));
  CHECK(s.fragmentation() == Approx(1 - 96.0 / 128));
  pool.deallocate(a, 96);
}

TEST_CASE("Ten thousand blocks are found in every order", "[memory]") {
  Upstream upstream;
  PoolAllocator pool(&upstream);
  pool.check_frees(true);
  std::mt19937 random(11);
  struct Block {
    void* data;
    std::size_t bytes;
    std::uint64_t stamp;
  };
  std::vector<Block> blocks;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 10'000; ++i) {
      const std::size_t bytes = random() % 300;
      void* data = pool.allocate(bytes);
      blocks.push_back({data, bytes, pool.stamp(data)});
    }
    if (round == 1) std::shuffle(blocks.begin(), blocks.end(), random);
    if (round == 2) std::reverse(blocks.begin(), blocks.end());
    for (const Block& b : blocks)
      if (!pool.is_live(b.data, b.stamp)) FAIL("a live block is not found");
    for (const Block& b : blocks) {
      pool.deallocate(b.data, b.bytes);
      if (pool.is_live(b.data, b.stamp)) FAIL("a freed block is live");
    }
    CHECK(pool.stats().live_count == 0);
    blocks.clear();
    if (round == 2) pool.trim();  // the records of dropped blocks are used again
  }
  CHECK_THROWS_AS(pool.deallocate(nullptr, 0), ContractError);
}

TEST_CASE("Guesses about the next free never pass for knowledge", "[memory]") {
  Upstream upstream;
  PoolAllocator pool(&upstream);
  pool.check_frees(true);
  void* a = pool.allocate(100);
  pool.deallocate(a, 100);
  CHECK_THROWS_AS(pool.deallocate(a, 100), ContractError);
  a = pool.allocate(100);
  CHECK_THROWS_AS(pool.deallocate(a, 101), ContractError);
  pool.clear();
  CHECK_THROWS_AS(pool.deallocate(a, 100), StaleTensorError);
  a = pool.allocate(100);
  pool.limit_per_bucket(0);
  pool.deallocate(a, 100);  // goes upstream at once
  CHECK(pool.stats().owned_bytes == 0);
  CHECK_THROWS_AS(pool.deallocate(a, 100), ContractError);
  pool.limit_per_bucket(BufferPool::unlimited);
  a = pool.allocate(BufferPool::max_block_bytes + 1);  // the same record for a block of exact size
  pool.deallocate(a, BufferPool::max_block_bytes + 1);
  CHECK(pool.allocate(BufferPool::max_block_bytes + 1) == a);
  pool.clear();
}
