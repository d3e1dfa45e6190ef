// Evaluation with offsets from a table.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/planned.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/factories.hpp>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;

namespace {

template <class T, index_t... E>
tn::TensorView<const T, tn::Shape<E...>> leaf() {
  static const auto v = values<T>(static_cast<std::size_t>((E * ... * 1)), 5);
  return {v.data(), {}};
}

// All slots one above the other, last first: nothing shares a byte, and nothing lies where Tenon puts
// it.
template <class E>
constexpr auto stacked() {
  constexpr auto table = tn::slot_table(tn::plan_of<E>);
  std::array<std::size_t, 3 * tn::plan_of<E>.slots.count> offsets{};
  std::size_t end = 0;
  for (std::size_t i = table.lifetimes().size(); i-- > 0;) {
    offsets[i] = end;
    end = tn::align_up(end + table.lifetimes()[i].bytes, tn::workspace_alignment);
  }
  return tn::Planned<tn::detail::planned_t<E>>(
      tn::plan_of<E>, std::span<const std::size_t>(offsets).first(table.lifetimes().size()));
}

template <class E>
void check_planned(const E& e) {
  constexpr auto plan = stacked<E>();
  static_assert(plan.plan().workspace_bytes >= tn::plan_of<E>.workspace_bytes);
  Recorder memory;
  tn::PoolAllocator pool;
  const auto expected = tn::eval(e, pool);
  auto got = tn::eval(e, pool);
  for (index_t i = 0; i < got.size(); ++i) got.data()[i] = -1;
  tn::eval_into(got, e, tn::scratch(memory), plan);
  CHECK(std::equal(got.data(), got.data() + got.size(), expected.data()));
  REQUIRE(memory.requests.size() == 1);
  CHECK(memory.requests[0].bytes == plan.plan().workspace_bytes);
  CHECK_FALSE(memory.overrun);
}

}  // namespace

TEST_CASE("Expressions are evaluated where a table puts their slots", "[eval]") {
  const auto x = leaf<float, 7, 13>();
  const auto w = leaf<float, 13, 21>();
  const auto r = leaf<float, 21>();
  check_planned(tn::softmax<-1>(tn::relu(tn::matmul(x, w) + r)));
  check_planned(tn::matmul(x, w) * tn::exp(r) + tn::exp(r * 2.0F));
  check_planned(tn::let(tn::matmul(x, w),
                        [](auto h) { return tn::sum<0>(h) + tn::max<0>(h) * tn::mean<0>(h); }));
  check_planned(tn::matmul(tn::matmul(x, w), tn::transpose(tn::matmul(x, w))));
}

namespace {

using Sum = decltype(leaf<float, 7, 13>() + tn::exp(leaf<float, 13>()));
constexpr auto constant = tn::planned<Sum>(
    "id,lower,upper,size,offset\n"
    "0,0,2,52,128\n");
static_assert(constant.plan().workspace_bytes == 180);

}  // namespace

TEST_CASE("A table in the source is a constant", "[eval]") {
  const auto e = leaf<float, 7, 13>() + tn::exp(leaf<float, 13>());
  tn::PoolAllocator pool;
  const auto expected = tn::eval(e, pool);
  auto got = tn::zeros<float>(tn::shape<7, 13>(), pool);
  alignas(64) static std::byte buffer[constant.plan().workspace_bytes];
  tn::FixedBufferAllocator exact{std::span(buffer)};
  tn::eval_into(got, e, tn::scratch(exact), constant);
  CHECK(tn::array_equal(got, expected));
  tn::FixedBufferAllocator small{std::span(buffer).first(179)};
  CHECK_THROWS_AS(tn::eval_into(got, e, tn::scratch(small), constant), tn::OutOfMemory);
}

TEST_CASE("Overlap goes through a copy with such a plan too", "[eval]") {
  tn::PoolAllocator pool;
  auto a = tn::from({1.0F, 2.0F, 3.0F, 4.0F}, tn::shape<2, 2>(), pool);
  const auto e = tn::transpose(a) + tn::exp(tn::slice(a, 0));
  const auto expected = tn::eval(e, pool);
  using E = std::remove_const_t<decltype(e)>;
  constexpr auto plan = tn::planned<E>("lower,upper,size,offset\n0,2,8,64\n");
  Recorder memory;
  tn::eval_into(a, e, tn::scratch(memory), plan);
  CHECK(tn::array_equal(a, expected));
  REQUIRE(memory.requests.size() == 1);
  CHECK(memory.requests[0].bytes == plan.plan().workspace_bytes_if_aliased);
}
