// MemoryPool under threads. TENON_SOAK_OPERATIONS sets the length of the soak; the full run is
//   TENON_SOAK_OPERATIONS=100000000 test_memory "[soak]"

#include <tenon/memory/memory_pool.hpp>

#include "catch.hpp"
#include "upstream.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

using namespace tenon;
using tenon::test::Upstream;

namespace {

// Blocks on their way from one thread to another.
class Channel {
 public:
  struct Block {
    unsigned char* data;
    std::size_t bytes;
    unsigned char fill;
  };
  void put(Block block) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(block);
  }
  bool get(Block& block) {
    const std::lock_guard lock(mutex_);
    if (blocks_.empty()) return false;
    block = blocks_.front();
    blocks_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<Block> blocks_;
};

Channel::Block make(MemoryPool& pool, std::size_t bytes, unsigned seed) {
  const auto fill = static_cast<unsigned char>(seed);
  auto* data = static_cast<unsigned char*>(pool.allocate(bytes));
  data[0] = fill;
  data[bytes - 1] = fill;
  return {data, bytes, fill};
}

// False if somebody else wrote into the block.
bool finish(MemoryPool& pool, const Channel::Block& block) {
  const bool kept = block.data[0] == block.fill && block.data[block.bytes - 1] == block.fill;
  pool.deallocate(block.data, block.bytes);
  return kept;
}

std::size_t some_bytes(std::mt19937& random) { return random() % (1U << (random() % 17)) + 1; }

void check_empty(const MemoryPool& pool, std::uint64_t allocations) {
  CHECK(pool.get_total_allocated() == 0);
  CHECK(pool.get_allocation_count() == allocations);
  CHECK(pool.get_deallocation_count() == allocations);
  const PoolStats s = pool.stats();
  CHECK(s.live_count == 0);
  CHECK(s.pooled_bytes == s.owned_bytes);
}

}  // namespace

TEST_CASE("Blocks go from a producer to a consumer", "[memory][pool][threads]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  constexpr int count = 20000;
  Channel channel;
  std::atomic<bool> kept{true};
  std::thread consumer([&] {
    Channel::Block block{};
    for (int i = 0; i < count;) {
      if (!channel.get(block)) {
        std::this_thread::yield();
        continue;
      }
      if (!finish(pool, block)) kept = false;
      ++i;
    }
  });
  std::mt19937 random(1);
  for (int i = 0; i < count; ++i)
    channel.put(make(pool, some_bytes(random), static_cast<unsigned>(i)));
  consumer.join();
  CHECK(kept);
  check_empty(pool, count);
}

TEST_CASE("Threads allocate, pass on and free, two to sixteen of them", "[memory][pool][threads]") {
  for (const unsigned thread_count : {2U, 5U, 16U}) {
    CAPTURE(thread_count);
    Upstream upstream;
    MemoryPool pool(std::size_t{1} << 20, &upstream);
    constexpr int steps = 3000;
    std::vector<Channel> channels(thread_count);
    std::vector<std::uint64_t> allocations(thread_count);
    std::atomic<bool> kept{true};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < thread_count; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 random(t);
        Channel::Block block{};
        for (int i = 0; i < steps; ++i) {
          if (random() % 2 == 0) {
            channels[random() % thread_count].put(
                make(pool, some_bytes(random), static_cast<unsigned>(random())));
            ++allocations[t];
          } else if (channels[t].get(block) && !finish(pool, block)) {
            kept = false;
          }
          if (random() % 500 == 0) pool.trim();
          if (random() % 500 == 0) static_cast<void>(pool.stats());
        }
      });
    for (auto& thread : threads) thread.join();
    std::uint64_t sum = 0;
    for (const auto n : allocations) sum += n;
    Channel::Block block{};
    for (auto& channel : channels)
      while (channel.get(block))
        if (!finish(pool, block)) kept = false;
    CHECK(kept);
    check_empty(pool, sum);
    pool.trim();
    CHECK(pool.get_total_capacity() == 0);
  }
}

TEST_CASE("A thread that ends gives its cache back", "[memory][pool][threads]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  const auto round = [&] {
    std::thread([&] {
      std::vector<void*> blocks;
      for (int i = 0; i < 40; ++i) blocks.push_back(pool.allocate(1024));
      for (void* block : blocks) pool.deallocate(block, 1024);
    }).join();
  };
  round();
  const std::size_t requests = upstream.requests;
  for (int i = 0; i < 20; ++i) round();  // the same cache, the same slab
  CHECK(upstream.requests == requests);
  check_empty(pool, 21 * 40);
  pool.trim();
  CHECK(pool.get_total_capacity() == 0);
}

TEST_CASE("A pool dies before the threads that have caches of it", "[memory][pool][threads]") {
  std::atomic<int> stage{0};
  auto first = std::make_unique<MemoryPool>();
  std::unique_ptr<MemoryPool> second;
  std::thread thread([&] {
    first->deallocate(first->allocate(100), 100);
    stage = 1;
    while (stage != 2) std::this_thread::yield();
    second->deallocate(second->allocate(100), 100);
  });
  while (stage != 1) std::this_thread::yield();
  first.reset();
  second = std::make_unique<MemoryPool>();
  stage = 2;
  thread.join();
  check_empty(*second, 1);
}

TEST_CASE("Pools die while threads end", "[memory][pool][threads]") {
  for (int round = 0; round < 50; ++round) {
    auto pool = std::make_unique<MemoryPool>();
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        pool->deallocate(pool->allocate(200), 200);
        ++done;
      });
    while (done != 3) std::this_thread::yield();
    pool.reset();
    for (auto& thread : threads) thread.join();
  }
}

namespace {
// Lives as long as its thread, and longer than the thread's caches if it is made before them.
struct LateUser {
  MemoryPool* pool = nullptr;
  void* block = nullptr;
  ~LateUser() {
    if (pool == nullptr) return;
    pool->deallocate(block, 500);
    pool->deallocate(pool->allocate(60), 60);
  }
};
thread_local LateUser late_user;
}  // namespace

TEST_CASE("Destructors of thread_local objects use the pool after its caches went",
          "[memory][pool][threads]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  std::thread([&] {
    late_user.pool = &pool;
    late_user.block = pool.allocate(500);
  }).join();
  check_empty(pool, 2);
}

TEST_CASE("Names are unique among threads, and freed ones are dead", "[memory][pool][threads]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  pool.check_frees(true);
  constexpr std::size_t count = 2000;
  std::vector<std::vector<std::uint64_t>> stamps(4);
  std::atomic<bool> right{true};
  std::vector<std::thread> threads;
  for (auto& mine : stamps)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < count; ++i) {
        void* block = pool.allocate(256);
        mine.push_back(pool.stamp(block));
        if (!pool.is_live(block, mine.back())) right = false;
        pool.deallocate(block, 256);
        if (pool.is_live(block, mine.back())) right = false;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(right);
  std::vector<std::uint64_t> all;
  for (const auto& mine : stamps) {
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  CHECK(all.front() > 0);
}

TEST_CASE("A soak ends with nothing live", "[memory][pool][threads][soak]") {
  const char* asked = std::getenv("TENON_SOAK_OPERATIONS");
  const std::uint64_t operations = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 200000;
  constexpr unsigned thread_count = 4;
  MemoryPool pool;
  std::vector<std::atomic<void*>> exchange(256);  // blocks of 512 B, for whoever comes
  std::atomic<bool> kept{true};
  std::vector<std::uint64_t> allocations(thread_count);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < thread_count; ++t)
    threads.emplace_back([&, t] {
      struct Own {
        unsigned char* data = nullptr;
        std::size_t bytes = 0;
      };
      std::vector<Own> own(64);
      std::uint32_t state = t + 1;
      const auto next = [&] { return state = state * 1664525 + 1013904223; };
      for (std::uint64_t i = 0; i < operations / thread_count; ++i) {
        const std::uint32_t r = next() >> 8;
        if (r % 4 == 0) {
          void* block = pool.allocate(512);
          std::memset(block, 0, 8);
          void* before = exchange[(r >> 4) % exchange.size()].exchange(block);
          ++allocations[t];
          if (before != nullptr) pool.deallocate(before, 512);
        } else {
          Own& mine = own[(r >> 4) % own.size()];
          if (mine.data != nullptr) {
            if (mine.data[0] != static_cast<unsigned char>(t)) kept = false;
            pool.deallocate(mine.data, mine.bytes);
          }
          mine.bytes = (r >> 10) % (std::size_t{1} << (r % 15)) + 1;
          mine.data = static_cast<unsigned char*>(pool.allocate(mine.bytes));
          mine.data[0] = static_cast<unsigned char>(t);
          ++allocations[t];
        }
      }
      for (const Own& mine : own)
        if (mine.data != nullptr) pool.deallocate(mine.data, mine.bytes);
    });
  for (auto& thread : threads) thread.join();
  for (auto& block : exchange)
    if (void* left = block.load()) pool.deallocate(left, 512);
  std::uint64_t sum = 0;
  for (const auto n : allocations) sum += n;
  CHECK(kept);
  check_empty(pool, sum);
}
