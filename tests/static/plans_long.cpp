// Expressions of 128 operations: they plan within the default limits of compilers, and as low as any
// order and any packing can. Compiling this file is the test.

#include <tenon/tenon.hpp>

namespace {

using namespace tenon;

template <index_t... E>
using View = TensorView<const float, Shape<E...>>;

template <int Times, class E, class F>
auto repeat(const E& e, const F& f) {
  if constexpr (Times == 0)
    return e;
  else
    return repeat<Times - 1>(f(e), f);
}

constexpr index_t m = 24, n = 16;
constexpr std::size_t rows = m * n * sizeof(float);

// The number of operations of E.
template <class E>
constexpr int operations() {
  int count = 0;
  for (const Record& r : detail::pattern_records<E>)
    count += r.kind != Kind::leaf && r.kind != Kind::scalar && r.kind != Kind::bound ? 1 : 0;
  return count;
}

template <class X>
auto loop(X x) {
  return repeat<64>(relu(x), [](const auto& e) { return -e * 0.5f; });
}
// 42 products with what follows each: three operations a layer.
template <class X>
auto layers(X x, View<n, n> w, View<n> b) {
  return repeat<43>(x, [&](const auto& e) { return relu(matmul(e, w) + b); });
}
// A value that is read again forty layers later, by a let.
template <class X>
auto around(X x, View<n, n> w) {
  return let(softmax<-1>(x), [&](auto h) {
    return repeat<63>(matmul(h, w), [&](const auto& e) { return relu(matmul(e, w)); }) + h;
  });
}

template <index_t... E>
View<E...> any();

using Loop = decltype(loop(any<m, n>()));
static_assert(operations<Loop>() >= 128);
static_assert(plan_of<Loop>.stages == 1 && plan_of<Loop>.workspace_bytes == 0);
using BoundedLoop = decltype(loop(any<upto<m>, n>()));
static_assert(plan_of<BoundedLoop>.stages == 1 && plan_of<BoundedLoop>.workspace_bytes == 0);

template <class E>
constexpr bool is_least(const E& plan) {
  return plan.workspace_bytes == plan.slots.lower_bound_bytes &&
         plan.workspace_bytes == plan.slots.order_bound_bytes;
}

using Layers = decltype(layers(any<m, n>(), any<n, n>(), any<n>()));
static_assert(operations<Layers>() >= 128);
static_assert(plan_of<Layers>.stages == 43 && is_least(plan_of<Layers>));
static_assert(plan_of<Layers>.workspace_bytes ==
              2 * rows + kernels::gemm_workspace_bytes<float>(m, n, n));
using BoundedLayers = decltype(layers(any<upto<m>, n>(), any<n, n>(), any<n>()));
static_assert(plan_of<BoundedLayers>.stages == 43 && is_least(plan_of<BoundedLayers>));

using Around = decltype(around(any<m, n>(), any<n, n>()));
static_assert(operations<Around>() >= 128);
static_assert(plan_of<Around>.stages == 65);
static_assert(plan_of<Around>.workspace_bytes ==
              3 * rows + kernels::gemm_workspace_bytes<float>(m, n, n));

}  // namespace
