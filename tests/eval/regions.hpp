#pragma once
// What tests of row-block regions share: operands, and the comparison with stage by stage.

#include "catch.hpp"
#include "heap_trap.hpp"
#include "naive.hpp"

#include <tenon/tenon.hpp>

#include <algorithm>

namespace regions {

namespace tn = tenon;
namespace td = tenon::detail;
using naive::index_t;
using naive::Recorder;
using naive::values;

template <index_t... E>
using View = tn::TensorView<const float, tn::Shape<E...>>;

// Operands that live as long as the program.
template <index_t... E>
View<E...> operand(tn::Shape<E...> shape, unsigned seed = 1) {
  static std::vector<std::vector<float>> all;
  all.push_back(values<float>(static_cast<std::size_t>(shape.size()), seed));
  for (float& x : all.back()) x *= 0.125F;
  return tn::view(static_cast<const float*>(all.back().data()), shape);
}
template <index_t... E>
View<E...> fixed(unsigned seed = 1) {
  return operand(tn::Shape<E...>{}, seed);
}
template <index_t Columns>
View<tn::dyn, Columns> rows(index_t n, unsigned seed = 1) {
  return operand(tn::Shape<tn::dyn, Columns>::from_extents({n, Columns}), seed);
}

template <class E>
bool is_region(const E& e) {
  return tn::plan(e).structure.is_region(0);
}

// Evaluates e as a region and stage by stage: the same bits, in exactly the bytes of the plan, without
// the heap.
template <class E>
std::vector<tn::value_t<E>> check(const E& e) {
  using T = tn::value_t<E>;
  const auto n = static_cast<std::size_t>(e.shape().size());
  std::vector<T> got(n), expected(n);
  const auto plan = tn::plan(e);
  CAPTURE(n, plan.workspace_bytes);

  Recorder record;
  tn::eval_into(tn::view(got.data(), e.shape()), e, tn::scratch(record));
  CHECK_FALSE(record.overrun);
  if (plan.workspace_bytes > 0) {
    REQUIRE(record.requests.size() == 1);
    CHECK(record.requests[0].bytes == plan.workspace_bytes);
    CHECK(record.requests[0].last_byte_written);
  }

  tn::PoolAllocator pool;
  tn::eval_into(tn::view(expected.data(), e.shape()), td::StageByStage(e), tn::scratch(pool));
  CHECK((n == 0 || std::memcmp(got.data(), expected.data(), n * sizeof(T)) == 0));

  std::vector<std::byte> memory(plan.workspace_bytes + 64);
  void* base = memory.data();
  std::size_t space = memory.size();
  std::align(64, plan.workspace_bytes, base, space);
  auto* p = static_cast<std::byte*>(base);
  std::vector<T> again(n);
  tn::FixedBufferAllocator exact(std::span(p, plan.workspace_bytes));
  tenon::support::HeapTrap trap;
  tn::eval_into(tn::view(again.data(), e.shape()), e, tn::scratch(exact));
  const auto calls = trap.stop();
  CHECK(calls == 0);
  CHECK((n == 0 || std::memcmp(got.data(), again.data(), n * sizeof(T)) == 0));
  if (plan.workspace_bytes > 0) {
    tn::FixedBufferAllocator less(std::span(p, plan.workspace_bytes - 1));
    CHECK_THROWS_AS(tn::eval_into(tn::view(again.data(), e.shape()), e, tn::scratch(less)),
                    tn::OutOfMemory);
  }
  return got;
}

template <index_t Width, class X>
auto layer(const X& x, unsigned seed) {
  return tn::matmul(x, fixed<Width, Width>(seed)) + fixed<Width>(seed + 100);
}
template <index_t Width, class X>
auto two_layers(const X& x) {
  return layer<Width>(tn::relu(layer<Width>(x, 1)), 2);
}
template <index_t Width, class X>
auto six_layers(const X& x) {
  const auto half = [](const auto& h) {
    return tn::relu(layer<Width>(tn::relu(layer<Width>(tn::relu(layer<Width>(h, 3)), 4)), 5));
  };
  return half(half(x));
}
template <class Q, class K, class V>
auto attention(const Q& q, const K& k, const V& v) {
  return tn::matmul(tn::softmax<-1>(tn::matmul(q, tn::transpose(k)) * 0.25F), v);
}

// Block sizes of a region of these extents, and sizes around them.
inline std::vector<index_t> ragged(index_t block) {
  return {0, 1, 2, 7, block - 1, block, block + 1, 2 * block + 3, 5 * block};
}

template <class E>
constexpr index_t block_of = tn::plan_of<E>.structure.regions.rows[0];

}  // namespace regions
