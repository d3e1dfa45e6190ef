#include "upstream.hpp"

#include <tenon/memory/buffer_pool.hpp>

#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <span>
#include <vector>

using namespace tenon;
using tenon::test::Upstream;

static_assert(BufferPool::bucket_count == 22);
static_assert(BufferPool::bucket_bytes(0) == 64);
static_assert(BufferPool::max_block_bytes == std::size_t{128} << 20);
static_assert(BufferPool::bucket_bytes(21) == BufferPool::max_block_bytes);
static_assert(BufferPool::bucket_of(0) == 0 && BufferPool::bucket_of(1) == 0);
static_assert(BufferPool::bucket_of(64) == 0 && BufferPool::bucket_of(65) == 1);

TEST_CASE("Every size around a power of two goes to the bucket that holds it", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  for (std::size_t power = 32; power <= std::size_t{1} << 20; power *= 2) {
    for (const std::size_t bytes : {power - 1, power, power + 1}) {
      CAPTURE(bytes);
      std::size_t capacity = 64;  // the rule, written out
      while (capacity < bytes) capacity *= 2;
      CHECK(pool.footprint(bytes) == capacity);
      const auto block = pool.get_or_alloc(bytes);
      CHECK(block.size() == capacity);
      CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % 64 == 0);
      pool.put(block);
      const auto again = pool.get(bytes);
      CHECK(again.data() == block.data());
      pool.put(again);
      pool.trim();
      CHECK(pool.stats().owned_bytes == 0);
    }
  }
}

TEST_CASE("A smaller block never serves a larger request", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  // Blocks put back through every shorter span: the pool remembers their capacity.
  for (std::size_t bytes = 1; bytes <= 600; ++bytes) {
    const auto block = pool.get_or_alloc(bytes);
    REQUIRE(block.size() >= bytes);
    std::memset(block.data(), 0xab, block.size());  // overruns are seen by the sanitizer
    pool.put(block.first(bytes));
    const auto larger = pool.get(2 * block.size());
    REQUIRE((larger.empty() || larger.size() >= 2 * block.size()));
    if (!larger.empty()) pool.put(larger);
  }
  const auto block = pool.get_or_alloc(100);
  CHECK_THROWS_AS(pool.put({block.data(), block.size() + 1}), ContractError);
  CHECK_THROWS_AS(pool.put(block.subspan(64)), ContractError);
  pool.put(block);
}

TEST_CASE("get gives pooled blocks only", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  CHECK(pool.get(100).empty());
  CHECK(pool.get(SIZE_MAX).empty());
  CHECK(upstream.requests == 0);
  CHECK(pool.stats().misses == 2);
  CHECK(pool.stats().allocations == 0);
  pool.put({});  // what get gave: nothing
  const auto block = pool.get_or_alloc(100);
  CHECK(pool.get(100).empty());
  pool.put(block);
  CHECK(pool.get(65).data() == block.data());
  CHECK(pool.get(65).empty());
  pool.put(block);
  CHECK(pool.get(64).empty());   // the bucket below
  CHECK(pool.get(129).empty());  // the bucket above
}

TEST_CASE("Hits, misses and bytes are counted", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  CHECK(pool.stats().hit_rate() == 0.0);
  const auto a = pool.get_or_alloc(100);
  const auto b = pool.get_or_alloc(100);
  pool.put(a);
  pool.put(b);
  const auto c = pool.get_or_alloc(100);
  const auto s = pool.stats();
  CHECK(s.hits == 1);
  CHECK(s.misses == 2);
  CHECK(s.hit_rate() == Approx(1.0 / 3.0));
  CHECK(s.owned_bytes == 256);
  CHECK(s.pooled_bytes == 128);
  CHECK(s.pooled_count == 1);
  CHECK(s.live_count == 1);
  CHECK(s.live_bytes == 128);
  CHECK(s.peak_bytes == 256);
  CHECK(s.allocations == 3);
  CHECK(s.deallocations == 2);
  pool.put(c);
}

TEST_CASE("Aligned blocks come from aligned blocks", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
    CAPTURE(alignment);
    const auto block = pool.get_or_alloc(1000, alignment);
    CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % std::max<std::size_t>(alignment, 64) ==
          0);
    CHECK(block.size() == 1024);
    pool.put_aligned(block, alignment);
    const auto again = pool.get_aligned(1000, alignment);
    REQUIRE_FALSE(again.empty());
    CHECK(reinterpret_cast<std::uintptr_t>(again.data()) % alignment == 0);
    pool.put_aligned(again, alignment);
  }
  const auto block = pool.get_or_alloc(64);
  std::size_t too_much = 64;
  while (reinterpret_cast<std::uintptr_t>(block.data()) % too_much == 0) too_much *= 2;
  CHECK_THROWS_AS(pool.put_aligned(block, too_much), ContractError);
  pool.put(block);
}

TEST_CASE("Blocks beyond the buckets are kept by exact size until trim", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  const std::size_t large = BufferPool::max_block_bytes + 1;
  const auto a = pool.get_or_alloc(large);
  CHECK(a.size() == BufferPool::max_block_bytes + 64);
  CHECK(a.size() == pool.footprint(large));
  const auto b = pool.get_or_alloc(large + 64);
  CHECK(b.size() == BufferPool::max_block_bytes + 128);
  pool.put(a);
  pool.put(b);
  CHECK(pool.get(large + 128).empty());
  CHECK(pool.get(large + 63).data() == a.data());
  CHECK(pool.get(large).empty());
  CHECK(pool.get(large + 64).data() == b.data());
  CHECK(pool.stats().pooled_bytes == 0);
  pool.put(b);
  CHECK(pool.stats().pooled_bytes == b.size());
  pool.trim();
  CHECK(pool.stats().pooled_bytes == 0);
  CHECK(pool.stats().owned_bytes == a.size());
  CHECK(pool.get(large + 64).empty());
  pool.put(a);
}

TEST_CASE("clear takes every block back and keeps the memory", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  std::set<std::byte*> first;
  for (const std::size_t bytes : {10U, 100U, 100U, 1000U, 5000U})
    first.insert(pool.get_or_alloc(bytes).data());
  const auto requests = upstream.requests;
  for (int round = 0; round < 3; ++round) {
    pool.clear();
    CHECK(pool.stats().live_count == 0);
    CHECK(pool.stats().pooled_count == 5);
    std::set<std::byte*> again;
    for (const std::size_t bytes : {10U, 100U, 100U, 1000U, 5000U})
      again.insert(pool.get_or_alloc(bytes).data());
    CHECK(again == first);
  }
  CHECK(upstream.requests == requests);
  pool.clear();
}

TEST_CASE("Frees are checked where the pool was told so, or made in a checked build", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  CHECK(pool.checks_frees() == checked_build);
  std::vector<std::span<std::byte>> blocks;
  std::uint64_t issued = 0;
  for (int round = 0; round < 6; ++round) {
    CAPTURE(round);
    pool.check_frees(round % 2 == 0);
    const auto owned = pool.stats().owned_bytes;
    for (std::size_t i = 1; i <= 200; ++i) blocks.push_back(pool.get_or_alloc(10 * i));
    issued += 200;
    CHECK_THROWS_WITH(pool.check_frees(true), Catch::Contains("200 blocks in use"));
    if (round > 0) CHECK(pool.stats().owned_bytes == owned);  // all of them were pooled
    for (std::size_t i = 0; i < 200; ++i) {
      if (i % 3 == 0) pool.put(blocks[i].first(10 * i));
      if (i % 3 == 1) pool.deallocate(blocks[i].data(), blocks[i].size());
      if (i % 3 == 2 && round == 4) pool.put(blocks[i]);
    }
    blocks.clear();
    pool.clear();
    CHECK(pool.stats().live_bytes == 0);
    CHECK(pool.stats().allocations == issued);
  }
  pool.trim();
  CHECK(upstream.blocks.size() < 20);  // slabs of records, the table and rows
  CHECK(pool.stats().owned_bytes == 0);
}

TEST_CASE("A free after clear is told from a double free", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  pool.check_frees(true);
  void* cleared = pool.allocate(100);
  pool.clear();
  CHECK_THROWS_AS(pool.deallocate(cleared, 100), StaleTensorError);
  void* freed = pool.allocate(100);
  pool.deallocate(freed, 100);
  CHECK_THROWS_WITH(pool.deallocate(freed, 100), Catch::Contains("double free"));
  pool.trim();
  CHECK_THROWS_WITH(pool.deallocate(freed, 100), Catch::Contains("no block of this pool"));
}

TEST_CASE("trim gives free blocks back and keeps the others", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  std::mt19937 random(7);
  std::vector<std::span<std::byte>> kept;
  std::vector<std::uint64_t> stamps;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::span<std::byte>> dropped;
    for (int i = 0; i < 100; ++i) {
      const auto block = pool.get_or_alloc(random() % 3000);
      if (random() % 8 == 0) {
        kept.push_back(block);
        stamps.push_back(pool.stamp(block.data()));
      } else {
        dropped.push_back(block);
      }
    }
    for (const auto block : dropped) pool.put(block);
    pool.trim();
    CHECK(pool.stats().pooled_count == 0);
    CHECK(pool.stats().live_count == kept.size());
    CHECK(pool.get(100).empty());
    for (std::size_t i = 0; i < kept.size(); ++i)
      if (!pool.is_live(kept[i].data(), stamps[i])) FAIL("trim lost a live block");
  }
  for (const auto block : kept) pool.put(block);
  pool.trim();
  CHECK(pool.stats().owned_bytes == 0);
}

TEST_CASE("A name is known to be dead after its memory went upstream", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  pool.check_frees(true);
  void* block = pool.allocate(100);
  const auto stamp = pool.stamp(block);
  pool.deallocate(block, 100);
  pool.trim();
  CHECK_FALSE(pool.is_live(block, stamp));
  CHECK(pool.stamp(block) == 0);
}

TEST_CASE("A limit bounds what each bucket keeps", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  pool.limit_per_bucket(2);
  const auto fill = [&] {
    std::vector<std::span<std::byte>> blocks;
    for (int i = 0; i < 5; ++i) {
      blocks.push_back(pool.get_or_alloc(100));
      blocks.push_back(pool.get_or_alloc(1000));
    }
    return blocks;
  };
  for (const auto block : fill()) pool.put(block);
  CHECK(pool.stats().pooled_count == 4);
  static_cast<void>(fill());
  pool.clear();
  CHECK(pool.stats().pooled_count == 4);
  pool.limit_per_bucket(1);
  CHECK(pool.stats().pooled_count == 2);
  pool.limit_per_bucket(0);
  CHECK(pool.stats().owned_bytes == 0);
  pool.limit_per_bucket(BufferPool::unlimited);
  for (const auto block : fill()) pool.put(block);
  CHECK(pool.stats().pooled_count == 10);
}

TEST_CASE("reserve makes hits of the next requests", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  pool.reserve(1000, 3);
  CHECK(pool.stats().pooled_count == 3);
  pool.reserve(600, 2);  // the same bucket has enough
  pool.reserve(5000, 0);
  CHECK(pool.stats().pooled_count == 3);
  CHECK(pool.stats().misses == 0);
  const auto requests = upstream.requests;
  for (int i = 0; i < 3; ++i) static_cast<void>(pool.get_or_alloc(1000));
  CHECK(upstream.requests == requests);
  CHECK(pool.stats().hits == 3);
  pool.reserve(1000, 1);
  CHECK(pool.stats().pooled_count == 1);
  const std::size_t large = BufferPool::max_block_bytes + 100;
  pool.reserve(large, 2);
  pool.reserve(large, 1);
  CHECK(pool.stats().pooled_count == 3);
  pool.clear();
}

TEST_CASE("Whichever upstream request fails, nothing is lost", "[memory]") {
  for (const bool onwards : {false, true}) {
    bool failed = true;
    for (std::size_t n = 0; failed; ++n) {
      CAPTURE(n, onwards);
      Upstream upstream;
      BufferPool pool(&upstream);
      std::vector<std::span<std::byte>> blocks;
      upstream.fail_at(n, onwards);
      failed = false;
      for (int i = 0; i < 200; ++i) {
        const auto before = pool.stats();
        try {
          if (i % 50 == 49) {
            pool.reserve(4096, 6);
          } else {
            blocks.push_back(pool.get_or_alloc(static_cast<std::size_t>(i) * 7 % 300));
          }
        } catch (const OutOfMemory& error) {
          failed = true;
          const auto after = pool.stats();
          if (after.owned_bytes != before.owned_bytes || after.live_bytes != before.live_bytes ||
              after.pooled_count != before.pooled_count || after.misses != before.misses ||
              after.hits != before.hits || after.peak_bytes != before.peak_bytes)
            FAIL("a failed request changed the pool");
          CHECK_THAT(error.what(), Catch::Contains("requested"));
          upstream.heal();
        }
      }
      for (const auto block : blocks) pool.put(block);
      CHECK(pool.stats().live_count == 0);
    }
  }
}

TEST_CASE("A refusal says what was asked and what is held", "[memory]") {
  Upstream upstream;
  BufferPool pool(&upstream);
  void* block = pool.allocate(1000);
  upstream.fail_at(1);  // the first request is for the bookkeeping of a new size
  CHECK_THROWS_WITH(pool.allocate(5000), Catch::Contains("requested 5000 B") &&
                                             Catch::Contains("8192 B") &&
                                             Catch::Contains("1024 B held"));
  pool.deallocate(block, 1000);
}
