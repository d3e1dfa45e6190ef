// Windows, joins and pools in a warm loop: no heap call.

#include "catch.hpp"
#include "heap_trap.hpp"

#include <tenon/tenon.hpp>

namespace tn = tenon;

namespace {

// Heap calls of one evaluation after another has warmed the pool.
template <class E>
auto heap_calls(const E& e) {
  tn::PoolAllocator pool;
  auto y = tn::zeros<tn::value_t<E>>(e.shape(), pool);
  tn::eval_into(y, e, tn::scratch(pool));
  tenon::support::HeapTrap trap;
  tn::eval_into(y, e, tn::scratch(pool));
  return trap.stop();
}

}  // namespace

TEST_CASE("a network of windows makes no heap call once the pool is warm", "[eval][windows]") {
  tn::Arena data;
  const auto image = tn::full(tn::shape(2, 3, 19, 23), 0.5F, data);
  const auto w = tn::full(tn::shape(4, 3, 3, 3), 0.25F, data);
  const auto bias = tn::zeros<float>(tn::shape(4, 1, 1), data);
  constexpr tn::Conv2d same{.padding = {1, 1}};
  constexpr tn::Pool2d halves{.kernel = {2, 2}};
  const auto layer = tn::relu(tn::conv2d<same>(image, w) + bias);
  CHECK(heap_calls(layer) == 0);
  CHECK(heap_calls(tn::max_pool<halves>(layer)) == 0);
  CHECK(heap_calls(tn::avg_pool<halves>(image)) == 0);

  const auto line = tn::full(tn::shape(3, 40), 1.5F, data);
  CHECK(heap_calls(tn::max_pool<tn::Pool1d{.kernel = 3, .stride = 2}>(line)) == 0);
  CHECK(heap_calls(tn::pad<1>(line, 2, 5)) == 0);
  CHECK(heap_calls(tn::exp(tn::concat<0>(line, line * 2))) == 0);
}
