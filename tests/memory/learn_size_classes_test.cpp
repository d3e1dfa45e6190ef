// Learnt classes are optimal, and what is said of a pool is what a pool does.

#include "upstream.hpp"

#include <tenon/memory.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace tn = tenon;
using tenon::test::Upstream;
using Kind = tn::MemoryEventKind;

namespace {

// Random requests of the given sizes through a pool; the log and the pool's own figures.
struct Recorded {
  Upstream upstream;
  tn::EventLog log{&upstream};
  tn::PoolAllocator pool{&upstream};
  tn::TrackingAllocator tracker{&pool, {.log = &log}};

  Recorded(unsigned seed, const std::vector<std::size_t>& sizes, std::size_t steps,
           std::size_t most_live) {
    std::mt19937 random(seed);
    std::vector<std::pair<void*, std::size_t>> live;
    for (std::size_t i = 0; i < steps; ++i) {
      if (random() % 40 == 0) {
        pool.clear();
        live.clear();
      } else if (live.size() < most_live && (live.empty() || random() % 5 < 3)) {
        const std::size_t bytes = sizes[random() % sizes.size()];
        live.emplace_back(tracker.allocate(bytes), bytes);
      } else {
        std::swap(live[random() % live.size()], live.back());
        tracker.deallocate(live.back().first, live.back().second);
        live.pop_back();
      }
    }
    pool.clear();
    static_cast<void>(tracker.stats());
  }
};

// What a pool with these classes reserves, replayed block by block.
std::size_t replay(std::span<const tn::MemoryEvent> events, const tn::SizeClasses& classes) {
  std::map<std::size_t, std::size_t> free_blocks;
  std::map<std::uintptr_t, std::size_t> live;
  std::size_t reserved = 0;
  for (const tn::MemoryEvent& e : events) {
    if (e.kind == Kind::allocate) {
      const std::size_t block = classes.footprint(e.bytes);
      live[e.address] = block;
      if (free_blocks[block] > 0)
        --free_blocks[block];
      else
        reserved += block;
    } else if (e.kind == Kind::deallocate) {
      ++free_blocks[live.at(e.address)];
      live.erase(e.address);
    } else if (e.kind == Kind::clear) {
      for (const auto& [address, block] : live) ++free_blocks[block];
      live.clear();
    }
  }
  return reserved;
}

// The least cost over every set of at most `most` classes, by trying all of them.
std::uint64_t least(std::span<const tn::MemoryEvent> events, const std::vector<std::size_t>& sizes,
                    std::size_t most, tn::SizeClassGoal goal) {
  std::set<std::size_t> rounded;
  for (const std::size_t bytes : sizes) rounded.insert((bytes + 63) / 64 * 64);
  const std::vector<std::size_t> all(rounded.begin(), rounded.end());
  std::uint64_t best = UINT64_MAX;
  for (unsigned set = 0; set < 1U << all.size(); ++set) {
    if ((set >> (all.size() - 1)) == 0) continue;  // the largest has to be served
    tn::SizeClasses classes;
    for (std::size_t i = 0; i < all.size(); ++i)
      if ((set >> i & 1U) != 0) classes.insert({all[i], 0});
    if (classes.size() > most) continue;
    const tn::PoolWaste waste = tn::pool_waste(events, classes);
    best = std::min<std::uint64_t>(
        best, goal == tn::SizeClassGoal::reserved ? waste.reserved_bytes : waste.padding_bytes);
  }
  return best;
}

}  // namespace

TEST_CASE("the most alive at once, counted as they come", "[memory][size_classes]") {
  constexpr std::size_t events = 5000;
  std::mt19937 random(3);
  tn::detail::PeakCounter counter(events, std::pmr::new_delete_resource());
  for (const std::size_t longest : {events, std::size_t{600}, std::size_t{20}}) {
    counter.clear();
    std::vector<std::size_t> alive(events);
    for (int i = 0; i < 300; ++i) {
      const std::size_t first = random() % events;
      const std::size_t last = std::min(first + random() % (longest + 1), events);
      counter.add(first, last);
      for (std::size_t t = first; t < last; ++t) ++alive[t];
      if (counter.peak() != *std::max_element(alive.begin(), alive.end()))
        FAIL("wrong peak after block " << i);
    }
  }
}

TEST_CASE("nothing is learnt from nothing", "[memory][size_classes]") {
  CHECK(tn::learn_size_classes({}).empty());
  const auto waste = tn::pool_waste({}, tn::SizeClasses::powers_of_two());
  CHECK(waste.reserved_bytes == 0);
  CHECK(waste.waste() == 0);
  CHECK(waste.padding() == 0);
}

TEST_CASE("an example by hand", "[memory][size_classes]") {
  Upstream memory;
  tn::EventLog log(&memory);
  tn::TrackingAllocator tracker(&memory, {.log = &log});
  void* a = tracker.allocate(1100);
  void* b = tracker.allocate(1030);
  tracker.deallocate(b, 1030);
  void* c = tracker.allocate(70);
  void* wide = tracker.allocate(5000, 4096);  // left out
  void* empty = tracker.allocate(0);          // left out
  const auto before = tn::pool_waste(log, tn::SizeClasses::powers_of_two());
  CHECK(before.requested_bytes == 2130);
  CHECK(before.reserved_bytes == 2 * 2048 + 128);
  CHECK(before.served_bytes == 2200);
  CHECK(before.padding_bytes == 948 + 1018 + 58);
  CHECK(before.waste() == Approx(1 - 2130.0 / 4224));
  CHECK(before.padding() == Approx(2024.0 / 4224));

  // The block of b serves c afterwards: a class of 128 would only be more.
  const tn::SizeClasses learnt = tn::learn_size_classes(log);
  const tn::SizeClass expected[] = {{1088, 1}, {1152, 1}};
  CHECK(learnt == tn::SizeClasses(expected));
  const auto after = tn::pool_waste(log, learnt);
  CHECK(after.reserved_bytes == 1088 + 1152);
  CHECK(after.reserved_bytes == learnt.held_bytes());
  CHECK(after.requested_bytes == 2130);
  const tn::SizeClass one[] = {{1152, 2}};
  CHECK(tn::learn_size_classes(log, {.max_classes = 0}) == tn::SizeClasses(one));
  tracker.deallocate(a, 1100);
  tracker.deallocate(c, 70);
  tracker.deallocate(wide, 5000, 4096);
  tracker.deallocate(empty, 0);
}

TEST_CASE("blocks that are never alive together share a class", "[memory][size_classes]") {
  Upstream memory;
  tn::EventLog log(&memory);
  tn::TrackingAllocator tracker(&memory, {.log = &log});
  for (const std::size_t bytes : {1000U, 4000U, 2000U, 4000U})
    tracker.deallocate(tracker.allocate(bytes), bytes);
  const tn::SizeClass one[] = {{4032, 1}};
  CHECK(tn::learn_size_classes(log) == tn::SizeClasses(one));
  const auto thrifty = tn::learn_size_classes(log, {.goal = tn::SizeClassGoal::padding});
  CHECK(thrifty.size() == 3);
  CHECK(tn::pool_waste(log, thrifty).padding_bytes == 24 + 48 + 2 * 32);
}

TEST_CASE("learnt classes are the best of all", "[memory][size_classes]") {
  std::mt19937 random(11);
  for (unsigned seed = 0; seed < 25; ++seed) {
    CAPTURE(seed);
    std::vector<std::size_t> sizes;
    for (unsigned i = 0; i < 3 + seed % 6; ++i)
      sizes.push_back(1 + random() % (std::size_t{100} << random() % 6));
    Recorded run(seed, sizes, 120, 12);
    for (const auto goal : {tn::SizeClassGoal::reserved, tn::SizeClassGoal::padding}) {
      for (const std::size_t most : {1U, 2U, 3U, 16U}) {
        const auto learnt = tn::learn_size_classes(run.log, {most, goal});
        CHECK(learnt.size() <= most);
        const auto waste = tn::pool_waste(run.log, learnt);
        const std::uint64_t cost =
            goal == tn::SizeClassGoal::reserved ? waste.reserved_bytes : waste.padding_bytes;
        CHECK(cost == least(run.log, sizes, most, goal));
        CHECK(learnt.held_bytes() == waste.reserved_bytes);
        CHECK(replay(run.log, learnt) == waste.reserved_bytes);
      }
    }
  }
}

TEST_CASE("what is said of powers of two is what the pool takes", "[memory][size_classes]") {
  std::mt19937 random(5);
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 600; ++i) sizes.push_back(1 + random() % (std::size_t{64} << random() % 12));
  for (unsigned seed = 0; seed < 3; ++seed) {
    Recorded run(seed, sizes, 3000, 60);
    const auto powers = tn::SizeClasses::powers_of_two();
    const auto before = tn::pool_waste(run.log, powers);
    CHECK(before.reserved_bytes == run.pool.stats().owned_bytes);
    CHECK(before.reserved_bytes == replay(run.log, powers));
    CHECK(before.requested_bytes == run.tracker.stats().peak_bytes);
    CHECK(before.served_bytes == run.tracker.stats().total_bytes);
    // 600 sizes are taken together; still never worse than powers of two.
    const auto learnt = tn::learn_size_classes(run.log);
    const auto after = tn::pool_waste(run.log, learnt);
    CHECK(after.reserved_bytes < before.reserved_bytes);
    CHECK(after.reserved_bytes >= before.requested_bytes);
    CHECK(replay(run.log, learnt) == learnt.held_bytes());
    for (const std::size_t bytes : sizes)
      if (bytes <= learnt[learnt.size() - 1].bytes) CHECK(learnt.footprint(bytes) >= bytes);
  }
}

TEST_CASE("a pool made from what was learnt takes what was foretold", "[memory][size_classes]") {
  std::mt19937 random(17);
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 90; ++i) sizes.push_back(1 + random() % (std::size_t{64} << random() % 12));
  for (unsigned seed = 0; seed < 4; ++seed) {
    const Recorded run(seed, sizes, 2000, 40);
    const auto classes = tn::learn_size_classes(run.log);
    Upstream upstream;
    tn::PoolAllocator pool(classes, &upstream);
    std::map<std::uintptr_t, std::pair<void*, std::size_t>> live;
    for (const tn::MemoryEvent& e : run.log.events()) {
      if (e.kind == Kind::allocate) {
        live[e.address] = {pool.allocate(e.bytes), e.bytes};
      } else if (e.kind == Kind::deallocate) {
        pool.deallocate(live.at(e.address).first, live.at(e.address).second);
        live.erase(e.address);
      } else if (e.kind == Kind::clear) {
        pool.clear();
        live.clear();
      }
    }
    CHECK(pool.stats().owned_bytes == classes.held_bytes());
    CHECK(pool.stats().owned_bytes < run.pool.stats().owned_bytes);
    pool.clear();
  }
}

TEST_CASE("learning refused its memory leaks nothing", "[memory][size_classes]") {
  Recorded run(1, {100, 1000, 3000}, 60, 8);
  bool done = false;
  for (std::size_t n = 0; !done; ++n) {
    Upstream memory;
    memory.fail_at(n);
    try {
      const auto classes = tn::learn_size_classes(run.log, {}, &memory);
      static_cast<void>(tn::pool_waste(run.log, classes, &memory));
      done = memory.refused == 0;
    } catch (const std::bad_alloc&) {
    }
    CHECK(memory.blocks.empty());
  }
}
