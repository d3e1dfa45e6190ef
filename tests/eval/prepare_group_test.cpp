// Programs of several results: run again and again, without a heap call, with other operands.

#include "catch.hpp"
#include "heap_trap.hpp"
#include "naive.hpp"

#include <tenon/eval/prepare_group.hpp>
#include <tenon/memory/arena.hpp>
#include <tenon/tenon.hpp>

#include <algorithm>

namespace tn = tenon;
using naive::index_t;
using naive::values;
using tenon::support::HeapTrap;

namespace {

constexpr index_t n = 12;

template <class S>
struct Data {
  S shape = S::from_extents({n, n});
  std::vector<float> a = values<float>(n * n, 1), b = values<float>(n * n, 2),
                     c = values<float>(n * n, 3);
  std::vector<float> r = std::vector<float>(n * n), s = r;
  tn::TensorView<float, S> x{a.data(), shape}, y{b.data(), shape}, z{c.data(), shape},
      first{r.data(), shape}, second{s.data(), shape};
  tn::Arena arena;

  template <class E>
  bool holds(const std::vector<float>& got, const E& expected) {
    const auto wanted = tn::eval(expected, arena);
    return std::ranges::equal(got, wanted.span());
  }
};

using Static = tn::Shape<n, n>;
using Dynamic = tn::Shape<tn::dyn, tn::dyn>;

}  // namespace

TEMPLATE_TEST_CASE("A program of several results runs as eval_into does", "[eval]", Static,
                   Dynamic) {
  Data<TestType> d;
  auto program = tn::prepare(tn::tie(d.first, d.second),
                             tn::tie(tn::matmul(d.x, d.y) + d.z, tn::softmax<-1>(d.x * d.z)),
                             tn::scratch(d.arena));
  static_assert(noexcept(program.run()));
  static_assert(decltype(program)::operand_count == 5);
  CHECK_FALSE(program.is_aliased());
  HeapTrap trap;
  program.run();
  const auto heap_calls = trap.stop();
  CHECK(heap_calls == 0);
  CHECK(d.holds(d.r, tn::matmul(d.x, d.y) + d.z));
  CHECK(d.holds(d.s, tn::softmax<-1>(d.x * d.z)));
  std::ranges::fill(d.c, 2.0F);  // what operands hold now counts
  program.run();
  CHECK(d.holds(d.r, tn::matmul(d.x, d.y) + 2));
  CHECK(d.holds(d.s, tn::softmax<-1>(d.x * 2)));
}

TEMPLATE_TEST_CASE("A let around the results: in one pass, and stored", "[eval]", Static, Dynamic) {
  Data<TestType> d;
  const auto loop = tn::let(tn::matmul(d.x, d.y), [](auto h) { return tn::tie(tn::relu(h), -h); });
  auto fused = tn::prepare(tn::tie(d.first, d.second), loop, tn::scratch(d.arena));
  fused.run();
  CHECK(d.holds(d.r, tn::relu(tn::matmul(d.x, d.y))));
  CHECK(d.holds(d.s, -tn::matmul(d.x, d.y)));
  const auto apart = tn::let(
      tn::exp(d.x), [&](auto h) { return tn::tie(tn::matmul(h, d.y), tn::matmul(d.z, h)); });
  auto stored = tn::prepare(tn::tie(d.first, d.second), apart, tn::scratch(d.arena));
  if constexpr (TestType::is_static)
    CHECK(stored.workspace_bytes() == tn::plan_of<decltype(apart)>.workspace_bytes);
  stored.run();
  CHECK(d.holds(d.r, tn::matmul(tn::exp(d.x), d.y)));
  CHECK(d.holds(d.s, tn::matmul(d.z, tn::exp(d.x))));
}

TEMPLATE_TEST_CASE("Operands and destinations are exchanged together or not at all", "[eval]",
                   Static, Dynamic) {
  Data<TestType> d;
  const auto group =
      tn::let(d.x + d.y, [&](auto h) { return tn::tie(h * d.z, tn::matmul(h, d.z)); });
  auto program = tn::prepare(tn::tie(d.first, d.second), group, tn::scratch(d.arena));
  static_assert(decltype(program)::operand_count == 4);  // x, y, z, z
  program.template rebind<0>(d.z);
  program.run();
  CHECK(d.holds(d.r, (d.z + d.y) * d.z));
  program.rebind(tn::operand<0>(d.x), tn::operand<3>(d.y), tn::destination<0>(d.second),
                 tn::destination<1>(d.first));
  program.run();
  CHECK(d.holds(d.s, (d.x + d.y) * d.z));
  CHECK(d.holds(d.r, tn::matmul(d.x + d.y, d.y)));
  program.rebind(tn::replacing(d.y, d.x));
  program.run();
  CHECK(d.holds(d.s, (d.x + d.x) * d.z));
  CHECK(d.holds(d.r, tn::matmul(d.x + d.x, d.x)));

  const auto before = d.r;
  // Two destinations in one place, an operand under a destination, a shape that does not fit.
  CHECK_THROWS_AS(program.rebind(tn::operand<0>(d.z), tn::destination<0>(d.first)),
                  tn::ContractError);
  CHECK_THROWS_AS(program.rebind(tn::operand<2>(d.z), tn::operand<3>(d.first)), tn::ContractError);
  if constexpr (!TestType::is_static) {
    const auto wide = tn::view(d.c.data(), tn::shape(n / 2, 2 * n));
    CHECK_THROWS_AS(program.rebind(tn::operand<0>(d.z), tn::operand<1>(wide)), tn::ShapeError);
  }
  program.run();
  CHECK(d.r == before);
}

TEST_CASE("Results over their operands go through temporaries", "[eval]") {
  Data<Static> d;
  const auto a = d.a, b = d.b;
  const auto first = tn::eval(tn::matmul(d.x, d.y), d.arena), second = tn::eval(d.x - d.y, d.arena);
  auto program = tn::prepare(tn::tie(d.x, d.y), tn::tie(tn::matmul(d.x, d.y), d.x - d.y),
                             tn::scratch(d.arena));
  CHECK(program.is_aliased());
  using Group = decltype(tn::tie(tn::matmul(d.x, d.y), d.x - d.y));
  CHECK(program.workspace_bytes() == tn::plan_of<Group>.workspace_bytes_if_aliased);
  program.run();
  CHECK(std::ranges::equal(d.a, first.span()));
  CHECK(std::ranges::equal(d.b, second.span()));
}

TEST_CASE("Programs of several results without a workspace, and with operands of their own",
          "[eval]") {
  Data<Static> d;
  auto loops = tn::prepare(tn::tie(d.first, d.second), tn::tie(d.x + d.y, d.x * d.y));
  loops.run();
  CHECK(d.holds(d.s, d.x * d.y));
  const auto stored = tn::matmul(tn::matmul(d.x, d.y), d.y);
  CHECK_THROWS_AS(tn::prepare(tn::tie(d.first, d.second), tn::tie(stored, d.x)), tn::ContractError);
  auto owning = tn::tie(tn::full(tn::shape<n, n>(), 2.0F, d.arena) * d.x, d.y + 1);
  auto program = tn::prepare(tn::tie(d.first, d.second), std::move(owning));
  program.run();
  CHECK(d.holds(d.r, d.x * 2));
}
