// A tracker: exact counts, an exact log, hooks, threads.

#include "heap_trap.hpp"
#include "upstream.hpp"

#include <tenon/memory.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory_resource>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace tn = tenon;
using tenon::test::Upstream;
using Kind = tn::MemoryEventKind;

static_assert(std::is_final_v<tn::TrackingAllocator>);
static_assert(std::is_base_of_v<tn::ResourceLayer, tn::TrackingAllocator>);
static_assert(!std::is_copy_constructible_v<tn::TrackingAllocator>);

namespace {

// What a log says when read from the start, by the obvious model.
struct Replay {
  std::size_t live = 0, peak = 0, count = 0;
  explicit Replay(const tn::EventLog& log) {
    for (const tn::MemoryEvent& e : log.events()) {
      if (e.kind == Kind::allocate) live += e.bytes, ++count;
      if (e.kind == Kind::deallocate) live -= e.bytes, --count;
      if (e.kind == Kind::clear) live -= e.bytes, count = 0;
      if (live > peak) peak = live;
      if (live != e.live_bytes) FAIL("live bytes of event " << e.number << " are wrong");
    }
  }
};

void check_equal(const tn::TrackingStats& a, const tn::TrackingStats& b) {
  CHECK(a.live_bytes == b.live_bytes);
  CHECK(a.live_count == b.live_count);
  CHECK(a.peak_bytes == b.peak_bytes);
  CHECK(a.total_bytes == b.total_bytes);
  CHECK(a.allocations == b.allocations);
  CHECK(a.deallocations == b.deallocations);
}

}  // namespace

TEST_CASE("a tracker counts exactly", "[memory][tracking]") {
  Upstream upstream;
  tn::TrackingAllocator tracker(&upstream);
  CHECK(tracker.stats().mean_bytes() == 0);
  void* a = tracker.allocate(100);
  void* b = tracker.allocate(50, 256);
  CHECK(reinterpret_cast<std::uintptr_t>(a) % 64 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(b) % 256 == 0);
  tracker.deallocate(a, 100);
  void* c = tracker.allocate(0);
  auto s = tracker.stats();
  CHECK(s.live_bytes == 50);
  CHECK(s.live_count == 2);
  CHECK(s.peak_bytes == 150);
  CHECK(s.total_bytes == 150);
  CHECK(s.allocations == 3);
  CHECK(s.deallocations == 1);
  CHECK(s.refusals == 0);
  CHECK(s.mean_bytes() == 50);
  tracker.reset_peak();
  CHECK(tracker.stats().peak_bytes == 50);
  tracker.deallocate(b, 50, 256);
  tracker.deallocate(c, 0);
  s = tracker.stats();
  CHECK(s.live_bytes == 0);
  CHECK(s.live_count == 0);
}

TEST_CASE("a tracker and its log agree with the pool below, clears included",
          "[memory][tracking]") {
  Upstream upstream, log_memory;
  tn::PoolAllocator pool(&upstream);
  tn::EventLog log(&log_memory);
  tn::TrackingAllocator tracker(&pool, {.log = &log});
  std::mt19937 random(7);
  std::vector<std::pair<void*, std::size_t>> live;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 500 == 0) {
      pool.clear();
      live.clear();
    } else if (random() % 2 == 0 || live.empty()) {
      const std::size_t bytes = random() % 5000;
      live.emplace_back(tracker.allocate(bytes), bytes);
    } else {
      std::swap(live[random() % live.size()], live.back());
      tracker.deallocate(live.back().first, live.back().second);
      live.pop_back();
    }
    const auto mine = tracker.stats();
    const auto its = pool.stats();
    if (mine.live_bytes != its.live_bytes || mine.live_count != its.live_count ||
        mine.peak_bytes != its.peak_bytes || mine.allocations != its.allocations ||
        mine.deallocations != its.deallocations)
      FAIL("the tracker differs from the pool at step " << step);
  }
  const Replay replay(log);
  CHECK(replay.live == tracker.stats().live_bytes);
  CHECK(replay.count == tracker.stats().live_count);
  CHECK(replay.peak == tracker.stats().peak_bytes);
  pool.clear();
}

TEST_CASE("a clear or reset below is a clear in the log", "[memory][tracking]") {
  Upstream memory;
  tn::EventLog log(&memory);
  tn::Arena arena;
  tn::TrackingAllocator tracker(&arena, {.log = &log, .name = "scratch"});
  void* block = tracker.allocate(100);
  const auto stamp = tracker.stamp(block);
  arena.reset();
  CHECK_FALSE(tracker.is_live(block, stamp));
  CHECK(tracker.stats().live_count == 0);
  CHECK(tracker.stats().deallocations == 1);
  CHECK_THROWS_AS(tracker.deallocate(block, 100), tn::StaleTensorError);
  REQUIRE(log.events().size() == 3);
  CHECK(log.events()[1].kind == Kind::clear);
  CHECK(log.events()[1].bytes == 100);
  CHECK(log.events()[1].live_bytes == 0);
  CHECK(log.events()[2].kind == Kind::refuse);
  CHECK(std::strcmp(log.events()[2].label, "scratch") == 0);
  CHECK(tracker.stats().live_bytes == 0);
  CHECK(tracker.stats().refusals == 1);
}

TEST_CASE("refused requests and frees are counted and change nothing else", "[memory][tracking]") {
  Upstream upstream, memory;
  tn::PoolAllocator pool(&upstream);
  pool.check_frees(true);
  tn::EventLog log(&memory);
  tn::TrackingAllocator tracker(&pool, {.log = &log});
  void* block = tracker.allocate(100);
  const auto before = tracker.stats();
  upstream.fail_at(0, true);
  CHECK_THROWS_AS(tracker.allocate(5000), tn::OutOfMemory);
  CHECK_THROWS_AS(tracker.allocate(SIZE_MAX), tn::OutOfMemory);
  upstream.heal();
  CHECK_THROWS_AS(tracker.deallocate(block, 99), tn::ContractError);
  check_equal(tracker.stats(), before);
  CHECK(tracker.stats().refusals == 3);
  CHECK(log.events().size() == 4);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(log.events()[i].kind == Kind::refuse);
    CHECK(log.events()[i].live_bytes == 100);
  }
  tracker.deallocate(block, 100);
  CHECK(Replay(log).live == 0);
}

namespace {

struct Told {
  std::vector<std::string> lines;
  static void allocated(void* context, const void*, std::size_t bytes) noexcept {
    static_cast<Told*>(context)->lines.push_back("+" + std::to_string(bytes));
  }
  static void deallocated(void* context, const void*, std::size_t bytes) noexcept {
    static_cast<Told*>(context)->lines.push_back("-" + std::to_string(bytes));
  }
  static void cleared(void* context, std::size_t bytes) noexcept {
    static_cast<Told*>(context)->lines.push_back("clear " + std::to_string(bytes));
  }
  [[nodiscard]] tn::AllocationHooks hooks() { return {allocated, deallocated, cleared, this}; }
};

}  // namespace

TEST_CASE("a profiler is told everything in order", "[memory][tracking]") {
  Told told;
  tn::PoolAllocator pool;
  pool.check_frees(true);
  tn::TrackingAllocator tracker(&pool, {.hooks = told.hooks()});
  void* a = tracker.allocate(10);
  void* b = tracker.allocate(20);
  tracker.deallocate(a, 10);
  CHECK_THROWS(tracker.deallocate(b, 21));
  CHECK_THROWS(tracker.allocate(SIZE_MAX));
  pool.clear();
  b = tracker.allocate(30);
  tracker.deallocate(b, 30);
  // A refused free is announced and taken back.
  const std::vector<std::string> expected{"+10", "+20",      "-10", "-21",
                                          "+21", "clear 20", "+30", "-30"};
  CHECK(told.lines == expected);
}

TEST_CASE("trackers share a log and keep their own counts", "[memory][tracking]") {
  Upstream memory;
  tn::EventLog log(&memory);
  tn::Arena arena;
  tn::PoolAllocator pool;
  tn::TrackingAllocator weights(&arena, {.log = &log, .name = "weights"});
  tn::TrackingAllocator scratch(&pool, {.log = &log, .name = "scratch"});
  void* w = weights.allocate(1000);
  void* s = scratch.allocate(100);
  CHECK(log.events().back().live_bytes == 1100);
  CHECK(scratch.stats().live_bytes == 100);
  pool.clear();
  CHECK(scratch.stats().live_bytes == 0);
  CHECK(log.events().back().live_bytes == 1000);
  CHECK(log.events().back().source == &scratch);
  weights.deallocate(w, 1000);
  CHECK(log.events().back().live_bytes == 0);
  static_cast<void>(s);
}

TEST_CASE("containers stand on a tracker", "[memory][tracking]") {
  Upstream upstream;
  tn::TrackingAllocator tracker(&upstream);
  {
    std::pmr::vector<int> numbers(&tracker);
    std::pmr::list<std::pmr::string> words(&tracker);
    for (int i = 0; i < 500; ++i) {
      numbers.push_back(i);
      words.emplace_back(static_cast<std::size_t>(i % 60), 'x');
    }
    CHECK(tracker.stats().live_bytes == upstream.bytes());
    CHECK(tracker.stats().live_count == upstream.blocks.size());
  }
  CHECK(tracker.stats().live_count == 0);
}

TEST_CASE("a tracker asks no heap of its own", "[memory][tracking]") {
  alignas(64) static std::byte buffer[4096];
  tn::FixedBufferAllocator fixed(buffer);
  tenon::support::HeapTrap trap;
  {
    tn::TrackingAllocator tracker(&fixed);
    void* block = tracker.allocate(1000);
    tracker.deallocate(block, 1000);
  }
  CHECK(trap.stop() == 0);
}

TEST_CASE("a tracker over a thread-safe resource is thread-safe", "[memory][tracking][threads]") {
  constexpr int thread_count = 4, rounds = 3000;
  tn::EventLog log(std::pmr::new_delete_resource());
  tn::TrackingAllocator tracker(std::pmr::new_delete_resource(), {.log = &log});
  std::array<std::vector<std::pair<void*, std::size_t>>, thread_count> kept;
  const auto run = [&](auto work) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < thread_count; ++t) threads.emplace_back(work, t);
    for (auto& thread : threads) thread.join();
  };
  run([&](std::size_t t) {
    std::mt19937 random(static_cast<unsigned>(t));
    for (int i = 0; i < rounds; ++i) {
      const std::size_t bytes = random() % 1000;
      void* block = tracker.allocate(bytes);
      std::memset(block, 1, bytes);
      if (i % 10 == 0)
        kept[t].emplace_back(block, bytes);
      else
        tracker.deallocate(block, bytes);
    }
  });
  std::size_t live = 0;
  for (const auto& blocks : kept)
    for (const auto& [block, bytes] : blocks) live += bytes;
  auto s = tracker.stats();
  CHECK(s.live_bytes == live);
  CHECK(s.allocations == thread_count * rounds);
  CHECK(s.live_count == thread_count * rounds / 10);
  CHECK(s.peak_bytes >= live);
  // Blocks of another thread.
  run([&](std::size_t t) {
    for (const auto& [block, bytes] : kept[(t + 1) % thread_count])
      tracker.deallocate(block, bytes);
  });
  s = tracker.stats();
  CHECK(s.live_bytes == 0);
  CHECK(s.live_count == 0);
  CHECK(log.events().size() == 2 * thread_count * rounds);
  CHECK(Replay(log).live == 0);
  // An address is never issued again before its free is in the log.
  std::vector<std::uintptr_t> open;
  for (const tn::MemoryEvent& e : log.events()) {
    const auto known = std::find(open.begin(), open.end(), e.address);
    if ((e.kind == Kind::allocate) != (known == open.end())) FAIL("the log is out of order");
    if (known == open.end())
      open.push_back(e.address);
    else
      open.erase(known);
  }
}
