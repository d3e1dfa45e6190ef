#include <tenon/memory/pooled.hpp>

#include "catch.hpp"
#include "upstream.hpp"

#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using namespace tenon;
using tenon::test::Upstream;

static_assert(!std::is_copy_constructible_v<PooledAllocation>);
static_assert(std::is_nothrow_move_constructible_v<PooledAllocation>);
static_assert(!std::is_copy_constructible_v<PooledArray<int>>);
static_assert(std::is_nothrow_move_assignable_v<PooledArray<std::string>>);

TEST_CASE("A PooledAllocation gives its block back", "[memory][pool]") {
  const std::size_t before = global_memory_pool().get_total_allocated();
  {
    PooledAllocation block(1024);
    CHECK(block.get() != nullptr);
    CHECK(block.size() == 1024);
    CHECK(block.bytes().size() == 1024);
    CHECK(global_memory_pool().get_total_allocated() == before + 1024);
  }
  CHECK(global_memory_pool().get_total_allocated() == before);
}

TEST_CASE("A PooledAllocation moves and goes stale with its pool", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  PooledAllocation a(100, pool, 1024);
  CHECK(reinterpret_cast<std::uintptr_t>(a.get()) % 1024 == 0);
  PooledAllocation b(std::move(a));
  CHECK_FALSE(static_cast<bool>(a));
  CHECK(a.size() == 0);
  PooledAllocation c(200, pool);
  c = std::move(b);
  CHECK(pool.get_total_allocated() == 100);
  auto& same = c;
  c = std::move(same);
  CHECK(c.size() == 100);
  c = PooledAllocation();
  CHECK(pool.get_total_allocated() == 0);

  PooledAllocation cleared(100, pool);
  pool.clear();
  CHECK(cleared.is_stale());
  PooledAllocation fresh(100, pool);
  CHECK_FALSE(fresh.is_stale());
  cleared = PooledAllocation();
  CHECK(pool.get_total_allocated() == 100);
}

TEST_CASE("A PooledArray is an array", "[memory][pool]") {
  Upstream upstream;
  MemoryPool pool(&upstream);
  PooledArray<int> numbers(1000, pool);
  CHECK(std::accumulate(numbers.begin(), numbers.end(), 0) == 0);
  std::iota(numbers.begin(), numbers.end(), 0);
  CHECK(numbers.span()[999] == 999);
  CHECK(numbers[7] == 7);
  if (checked_build) CHECK_THROWS_AS(numbers[1000], ContractError);
  PooledArray<int> moved(std::move(numbers));
  CHECK(numbers.empty());
  CHECK(std::as_const(moved).span().size() == 1000);
  CHECK(std::as_const(moved)[999] == 999);
  numbers = std::move(moved);
  CHECK(numbers.size() == 1000);
  CHECK(pool.get_total_allocated() == 4000);
  CHECK_THROWS_AS(PooledArray<double>(SIZE_MAX / 4, pool), OutOfMemory);
  const PooledArray<std::string> words(3, pool);
  CHECK(words[2].empty());
  const PooledArray<char> none(0, pool);
  CHECK(none.begin() == none.end());
}

TEST_CASE("Elements are destroyed once, and none leaks if one cannot be made", "[memory][pool]") {
  static int alive = 0;
  static int refuse_at = 5;
  struct Counted {
    Counted() {
      if (alive == refuse_at) throw std::runtime_error("no more");
      ++alive;
    }
    ~Counted() { --alive; }
    alignas(256) char c = 1;
  };
  Upstream upstream;
  MemoryPool pool(&upstream);
  CHECK_THROWS_AS(PooledArray<Counted>(6, pool), std::runtime_error);
  CHECK(alive == 0);
  CHECK(pool.get_total_allocated() == 0);
  {
    PooledArray<Counted> five(5, pool);
    CHECK(alive == 5);
    CHECK(reinterpret_cast<std::uintptr_t>(five.data()) % 256 == 0);
    PooledArray<Counted> other;
    other = std::move(five);
    CHECK(alive == 5);
  }
  CHECK(alive == 0);
}
