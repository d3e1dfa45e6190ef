// Weights stay, scratch goes.

#include "heap_trap.hpp"
#include "upstream.hpp"

#include <tenon/memory/dual_arena.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <type_traits>
#include <vector>

namespace tn = tenon;
using tenon::test::Upstream;

static_assert(std::is_final_v<tn::DualArena>);
static_assert(std::is_base_of_v<std::pmr::memory_resource, tn::DualArena>);
static_assert(!std::is_copy_constructible_v<tn::DualArena>);

TEST_CASE("clear_temp ends the temporary side alone", "[memory][dual_arena]") {
  Upstream upstream;
  tn::DualArena memory(&upstream);
  CHECK(upstream.requests == 0);
  const auto weights = memory.alloc_tensor<float>(1000);
  for (std::size_t i = 0; i < 1000; ++i) weights[i] = static_cast<float>(i);
  void* temp = memory.temp().allocate(500);
  const auto temp_stamp = memory.temp().stamp(temp);
  const auto weight_stamp = memory.stamp(weights.data());
  const auto generation = memory.generation();
  const auto temp_generation = memory.temp().generation();
  for (int inference = 0; inference < 3; ++inference) {
    const auto x = memory.alloc_temp<double>(100);
    x[99] = 1;
    CHECK(memory.stats().temp.live_bytes >= 800);
    memory.clear_temp();
    CHECK(memory.stats().temp.live_bytes == 0);
    CHECK(memory.stats().persistent.live_bytes == 4000);
  }
  CHECK(memory.stats().clears == 3);
  CHECK_FALSE(memory.temp().is_live(temp, temp_stamp));
  CHECK(memory.is_live(weights.data(), weight_stamp));
  CHECK(memory.generation() == generation);
  CHECK(memory.temp().generation() != temp_generation);
  for (std::size_t i = 0; i < 1000; ++i)
    if (weights[i] != static_cast<float>(i)) FAIL("a weight changed");
  CHECK(memory.stats().temp.peak_bytes == 1300);
  memory.deallocate(weights.data(), 4000);
  CHECK(memory.stats().persistent.live_count == 0);
}

TEST_CASE("sizes given at construction are exact, and inferences ask nobody",
          "[memory][dual_arena]") {
  Upstream upstream;
  tn::DualArena memory(61'520, 80, &upstream);
  const auto w = memory.alloc_tensor<double>(768 * 10);
  CHECK(memory.alloc_tensor<double>(10).size() == 10);
  CHECK(memory.alloc_temp<double>(10).size() == 10);
  CHECK(memory.stats().persistent.capacity_bytes == 61'520);
  CHECK(memory.stats().persistent.live_bytes == 61'520);
  CHECK(memory.stats().temp.capacity_bytes == 80);
  CHECK(w.size() == 7680);
  const auto requests = upstream.requests;
  tenon::support::HeapTrap trap;
  for (int i = 0; i < 100; ++i) {
    memory.clear_temp();
    memory.alloc_temp<double>(10)[9] = 1;
  }
  CHECK(trap.stop() == 0);
  CHECK(upstream.requests == requests);
  memory.clear_temp(tn::free_all);
  CHECK(memory.stats().temp.capacity_bytes == 0);
}

TEST_CASE("a refused half takes the other one back", "[memory][dual_arena]") {
  for (std::size_t n = 0; n < 10; ++n) {
    Upstream upstream;
    upstream.fail_at(n);
    try {
      tn::DualArena memory(1000, 2000, &upstream);
      CHECK(upstream.refused == 0);
    } catch (const tn::OutOfMemory&) {
      CHECK(upstream.refused == 1);
    }
    CHECK(upstream.blocks.empty());
  }
}

TEST_CASE("as a resource a dual arena is its persistent side", "[memory][dual_arena]") {
  tn::DualArena memory;
  {
    std::pmr::vector<int> numbers(100, 7, &memory);
    CHECK(memory.stats().persistent.live_bytes == 400);
    CHECK(memory.stats().temp.live_bytes == 0);
    memory.clear_temp();
    CHECK(numbers[99] == 7);
  }
  CHECK(memory.stats().persistent.live_bytes == 0);
  tn::DualArena other;
  CHECK(memory.is_equal(memory));
  CHECK_FALSE(memory.is_equal(other));
  CHECK_THROWS_AS(memory.alloc_temp<double>(SIZE_MAX / 4), tn::OutOfMemory);
  CHECK_THROWS_AS(memory.alloc_tensor<double>(SIZE_MAX / 4), tn::OutOfMemory);
}
