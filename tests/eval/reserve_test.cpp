// What pools take for a planned expression, and that nothing is asked from upstream after reserve_for.

#include "catch.hpp"

#include <tenon/eval/reserve.hpp>
#include <tenon/tenon.hpp>

#include <cstddef>

using namespace tenon;

namespace {

template <class Pool>
void check_reserved(Pool& pool) {
  Arena data;
  const auto x = full<float>(shape<32, 100>(), 0.5F, data);
  const auto w = full<float>(shape<100, 40>(), 0.25F, data);
  const auto e = softmax<-1>(matmul(x, w) + 1.0F);
  using E = decltype(e);
  static_assert(plan_of<E>.workspace_bytes > 0);
  CHECK(footprint_of<E>(pool) ==
        pool.footprint(plan_of<E>.result_bytes) + pool.footprint(plan_of<E>.workspace_bytes));
  CHECK(footprint_of<E>(pool) >= plan_of<E>.result_bytes + plan_of<E>.workspace_bytes);

  reserve_for<E>(pool, 3);
  const auto owned = pool.stats().owned_bytes;
  CHECK(owned == footprint_of<E>(pool) + 2 * pool.footprint(plan_of<E>.result_bytes));
  {
    const auto a = eval(e, pool);
    const auto b = eval(e, pool);
    const auto c = eval(e, pool);
    CHECK(pool.stats().misses == 0);
    CHECK(pool.stats().owned_bytes == owned);
    CHECK(a(0, 0) == c(31, 39));
  }
  reserve_for<E>(pool, 3);  // all there already
  CHECK(pool.stats().owned_bytes == owned);
}

}  // namespace

TEST_CASE("reserve_for makes hits of the requests of eval") {
  SECTION("powers of two") {
    PoolAllocator pool;
    check_reserved(pool);
  }
  SECTION("one size class for result and workspace") {
    const SizeClass one[] = {{std::size_t{1} << 17, 0}};
    PoolAllocator pool{SizeClasses(one)};
    check_reserved(pool);
  }
  SECTION("exact sizes") {
    BufferPool pool{SizeClasses()};
    check_reserved(pool);
  }
}

TEST_CASE("An expression without workspace takes its result alone") {
  Arena data;
  const auto a = full<float>(shape<30>(), 0.5F, data);
  using E = decltype(a * a + 1.0F);
  static_assert(plan_of<E>.workspace_bytes == 0);
  PoolAllocator pool;
  CHECK(footprint_of<E>(pool) == 128);
  reserve_for<E>(pool);
  CHECK(pool.stats().pooled_bytes == 128);
  const auto r = eval(a * a + 1.0F, pool);
  CHECK(pool.stats().misses == 0);
}
