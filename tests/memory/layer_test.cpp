// A layer forwards names, whatever lies below it.

#include "catch.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/budget.hpp>
#include <tenon/memory/layer.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/memory/tracking_allocator.hpp>

namespace tn = tenon;

namespace {

class Plain final : public tn::ResourceLayer {
 public:
  explicit Plain(std::pmr::memory_resource* upstream) noexcept : ResourceLayer(upstream) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return upstream()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    upstream()->deallocate(block, bytes, alignment);
  }
};

}  // namespace

TEST_CASE("layers that count see a rewind below", "[memory][layer]") {
  tn::Arena arena;
  auto limited = tn::budget(arena, 1000);
  tn::TrackingAllocator tracker(&limited);
  void* first = tracker.allocate(100);
  const auto mark = arena.mark();
  for (const std::size_t bytes : {200U, 300U, 50U}) static_cast<void>(tracker.allocate(bytes));
  arena.rewind(mark);
  CHECK(tracker.endings().rewound_count == 3);
  CHECK(tracker.endings().rewound_bytes == 550);
  CHECK(tracker.stats().live_bytes == 100);
  CHECK(tracker.stats().live_count == 1);
  CHECK(tracker.stats().peak_bytes == 650);
  CHECK(limited.used_bytes() == 100);
  static_cast<void>(tracker.allocate(900));  // fits again
  CHECK_THROWS_AS(tracker.allocate(1), tn::BudgetError);
  arena.rewind(mark);
  arena.reset();  // a rewind and a reset, seen at once
  CHECK(tracker.stats().live_count == 0);
  CHECK(limited.used_bytes() == 0);
  first = tracker.allocate(700);
  const auto later = arena.mark();
  static_cast<void>(tracker.allocate(200));
  arena.rewind(later);
  CHECK(limited.used_bytes() == 700);
  tracker.deallocate(first, 700);
  CHECK(limited.used_bytes() == 0);
  CHECK(tracker.stats().deallocations == tracker.stats().allocations);
}

TEST_CASE("a layer forwards generation, stamps and liveness", "[memory][layer]") {
  tn::PoolAllocator pool;
  Plain below(&pool), layer(&below);  // two of them
  void* block = layer.allocate(100, 64);
  const auto stamp = layer.stamp(block);
  CHECK(stamp == pool.stamp(block));
  CHECK(layer.is_live(block, stamp));
  CHECK_FALSE(layer.is_live(block, stamp + 1));
  const auto generation = layer.generation();
  CHECK(generation == pool.generation());
  pool.clear();
  CHECK(layer.generation() != generation);
  CHECK_FALSE(layer.is_live(block, stamp));
}

TEST_CASE("a layer over a foreign resource says that nobody can tell", "[memory][layer]") {
  Plain layer(std::pmr::new_delete_resource());
  void* block = layer.allocate(100, 64);
  CHECK(layer.generation() == 0);
  CHECK(layer.stamp(block) == 0);
  CHECK(layer.is_live(block, 0));
  layer.deallocate(block, 100, 64);
}

TEST_CASE("layers are equal to themselves only", "[memory][layer]") {
  tn::Arena arena;
  Plain a(&arena), b(&arena);
  CHECK(a.is_equal(a));
  CHECK_FALSE(a.is_equal(b));
  CHECK_FALSE(a.is_equal(arena));
}
