// What a decision of the plan would have cost the other way, as formulas.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/decisions.hpp>

namespace tn = tenon;
using tn::index_t;
using tn::Reason;

namespace {

template <index_t... E>
using Leaf = tn::TensorView<const float, tn::Shape<E...>>;

constexpr std::uint64_t size = sizeof(float);
constexpr std::uint64_t exp_flops = tn::functor::Exp::weight;

template <class F>
constexpr auto plan_for(F) {
  return tn::plan_of<decltype(std::declval<F>()(
      std::declval<Leaf<40, 50>>(), std::declval<Leaf<50, 60>>(), std::declval<Leaf<50>>()))>;
}

// One loop that computes nothing twice decides nothing.
static_assert(tn::decisions(plan_for([](auto a, auto, auto r) { return a * a + r; })).size() == 0);

// A costly row: stored, it is computed once; in place, once for every row of a.
constexpr auto row = tn::decisions(plan_for([](auto a, auto, auto r) { return a + tn::exp(r); }));
static_assert(row.size() == 1 && row[0].reason == Reason::broadcast && row[0].is_stored());
static_assert(row[0].elements == 50 && row[0].evaluations == 40 * 50);
static_assert(row[0].recomputation() == 40 && row[0].slot_bytes == 50 * size);
static_assert(row[0].stored == tn::Cost{exp_flops * 50, 2 * 50 * size, 50 * size});
static_assert(row[0].in_place == tn::Cost{exp_flops * 40 * 50, 50 * size, 0});

// A cheap one: the other way round.
constexpr auto cheap =
    tn::decisions(plan_for([](auto a, auto, auto r) { return a + -(r * 2.0F); }));
static_assert(cheap.size() == 1 && !cheap[0].is_stored() && cheap[0].recomputation() == 40);
static_assert(cheap[0].slot_bytes == 50 * size);
static_assert(cheap[0].in_place == tn::Cost{2 * 40 * 50, 50 * size, 0});
static_assert(cheap[0].stored == tn::Cost{2 * 50, 2 * 50 * size, 50 * size});

// A second core: without a slot each of its elements would read a row and a column.
constexpr auto product =
    plan_for([](auto a, auto w, auto) { return tn::softmax<-1>(tn::matmul(a, w)); });
constexpr auto core = tn::decisions(product);
static_assert(core.size() == 1 && core[0].reason == Reason::second_core);
static_assert(core[0].recomputation() == 1 && core[0].slot_bytes == 40 * 60 * size);
static_assert(core[0].stored.flops == 2 * 40 * 60 * 50 &&
              core[0].in_place.flops == 2 * 40 * 60 * 50);
static_assert(core[0].in_place.bytes_read == 2 * 40 * 60 * 50 * size);
static_assert(core[0].in_place.bytes_stored == 0);
static_assert(core[0].stored.bytes_moved() == product.stage_cost(0).bytes_moved() + 40 * 60 * size);

// A shared value: once for every name.
constexpr auto shared = tn::decisions(plan_for([](auto a, auto, auto) {
  return tn::let(tn::exp(a), [](auto h) { return tn::sum<0>(h) * tn::max<0>(h); });
}));
static_assert(shared.size() == 2 && shared[0].reason == Reason::shared);
static_assert(shared[0].recomputation() == 2);
static_assert(shared[0].in_place.flops == 2 * exp_flops * 40 * 50);
static_assert(shared[0].stored ==
              tn::Cost{exp_flops * 40 * 50, 3 * 40 * 50 * size, 40 * 50 * size});

// A cheap prologue that the kernel reads more than once is computed in every pass.
using Batch = Leaf<8, 40, 50>;
constexpr auto passes = tn::decisions(
    tn::plan_of<decltype(tn::matmul(std::declval<Batch>(), std::declval<Leaf<50, 60>>() + 1.0F))>);
static_assert(passes.size() == 1 && !passes[0].is_stored() && passes[0].node == 2);
static_assert(passes[0].recomputation() == 8.0 * tn::kernels::gemm_b_passes<float>(40, 60, 50));

}  // namespace

TEST_CASE("Every stored value has its decision, in the order of the stages", "[plan]") {
  const auto plan = plan_for([](auto a, auto w, auto r) {
    return tn::matmul(tn::softmax<-1>(a + tn::exp(r)), w) + tn::sum<1>(a * 2.0F, tn::keepdims);
  });
  const auto all = tn::decisions(plan);
  REQUIRE(all.size() == static_cast<std::size_t>(plan.temporaries));
  for (int stage = 0; stage < plan.temporaries; ++stage) {
    const tn::Decision& d = all[static_cast<std::size_t>(stage)];
    CHECK(d.node == plan.stage_root(stage));
    CHECK(d.reason == plan.structure.reason[static_cast<std::size_t>(d.node)]);
    CHECK(d.stored.flops == plan.stage_cost(stage).flops);
    CHECK(d.stored.bytes_stored == d.slot_bytes);
    CHECK(d.in_place.flops >= d.stored.flops);
  }
}
