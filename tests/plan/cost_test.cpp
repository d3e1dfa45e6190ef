// What plans compute and move, as formulas.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/plan.hpp>

namespace tn = tenon;
using tn::index_t;

namespace {

template <index_t... E>
using Leaf = tn::TensorView<const float, tn::Shape<E...>>;
using M = Leaf<40, 50>;
using W = Leaf<50, 60>;
using Row = Leaf<50>;
using Col = Leaf<40, 1>;
using Batch = Leaf<8, 40, 50>;
using Wide = Leaf<4, 3000>;

#define TENON_PLAN(...)                                                           \
  tn::plan_of<decltype([](M a, M b, W w, Row r, Col c, Batch s) {                 \
    (void)a, (void)b, (void)w, (void)r, (void)c, (void)s;                         \
    return __VA_ARGS__;                                                           \
  }(std::declval<M>(), std::declval<M>(), std::declval<W>(), std::declval<Row>(), \
                       std::declval<Col>(), std::declval<Batch>()))>

constexpr std::uint64_t m = 40, k = 50, n = 60, size = sizeof(float);
constexpr std::uint64_t exp_flops = tn::functor::Exp::weight;

template <class Plan>
constexpr bool costs(const Plan& plan, std::uint64_t flops, std::uint64_t elements_moved) {
  return plan.flops == flops && plan.bytes_moved == elements_moved * size;
}

// Elementwise: each operation once an element, each operand read once, one store.
static_assert(costs(TENON_PLAN(a * b + a), 2 * m * k, 4 * m * k));
static_assert(costs(TENON_PLAN(a / b - 1.0F), 2 * m * k, 3 * m * k));
static_assert(costs(TENON_PLAN(tn::sqrt(a)), m* k, 2 * m * k));
static_assert(costs(TENON_PLAN(tn::exp(a) * b), (exp_flops + 1) * m * k, 3 * m * k));
static_assert(costs(TENON_PLAN(tn::transpose(a) * 2.0F), m* k, 2 * m * k));
// A slice reads what it shows.
static_assert(costs(TENON_PLAN(tn::slice(a, 3) * r), k, 3 * k));
// A broadcast operand comes from memory once; what is cheap is computed for every use.
static_assert(costs(TENON_PLAN(a + r), m* k, 2 * m * k + k));
static_assert(costs(TENON_PLAN(a + r * 2.0F), 2 * m * k, 2 * m * k + k));
// What is costly is stored instead: r, its exp to a slot and back, a, the result.
static_assert(costs(TENON_PLAN(a + tn::exp(r)), m* k + exp_flops * k, 2 * m * k + 3 * k));

// Reductions and normalisations.
static_assert(costs(TENON_PLAN(tn::sum<1>(a)), m*(k - 1), m* k + m));
static_assert(costs(TENON_PLAN(tn::mean<1>(a)), m* k, m* k + m));
static_assert(costs(TENON_PLAN(tn::sqrt(tn::sum<0>(tn::square(a)))), m* k + (m - 1) * k + k,
                    m* k + k));
static_assert(costs(TENON_PLAN(tn::softmax<-1>(a)), (exp_flops + 4) * m * k, 2 * m * k));
static_assert(costs(TENON_PLAN(tn::log_softmax<-1>(a)), (exp_flops + 5) * m * k, 2 * m * k));

// Contractions: the passes are the kernel's.
constexpr auto a_passes = static_cast<std::uint64_t>(tn::kernels::gemm_a_passes<float>(40, 60, 50));
constexpr auto b_passes = static_cast<std::uint64_t>(tn::kernels::gemm_b_passes<float>(40, 60, 50));
constexpr std::uint64_t product = a_passes * m * k + b_passes * k * n + m * n;
static_assert(costs(TENON_PLAN(tn::matmul(a, w)), 2 * m * n * k, product));
static_assert(costs(TENON_PLAN(tn::relu(tn::matmul(a + r, w))),
                    (2 * k + 1) * m * n + a_passes * m * k, product + a_passes * k));
static_assert(costs(TENON_PLAN(tn::matmul(s, w)), 8 * 2 * m * n * k,
                    8 * (a_passes * m * k + b_passes * k * n + m * n)));
static_assert(costs(TENON_PLAN(tn::matmul(a, r)), 2 * m * k, m* k + k + m));

// Stored values are written and read.
static_assert(costs(TENON_PLAN(tn::softmax<-1>(tn::matmul(a, w))),
                    2 * m * n * k + (exp_flops + 4) * m * n, product + 2 * m * n));

// let: once in registers, or stored and read by each name.
static_assert(costs(TENON_PLAN(tn::let(a + b, [](auto h) { return h * h; })), 2 * m * k,
                    3 * m * k));
static_assert(costs(TENON_PLAN(tn::let(a + b,
                                       [](auto h) { return tn::sum<0>(h) * tn::max<0>(h); })),
                    m* k + 2 * (m - 1) * k + k, 3 * m * k + 2 * m * k + 3 * k));

// Nothing is nothing.
using Empty = decltype(tn::matmul(std::declval<Leaf<0, 5>>(), std::declval<Leaf<5, 7>>()) + 1.0F);
static_assert(tn::plan_of<Empty>.flops == 0 && tn::plan_of<Empty>.bytes_moved == 0);
static_assert(tn::plan_of<Empty>.arithmetic_intensity() == 0);
static_assert(tn::plan_of<decltype(tn::sum(std::declval<Leaf<0>>()))>.flops == 0);

// Fusion and the bound.
constexpr auto layer = TENON_PLAN(tn::softmax<-1>(tn::relu(tn::matmul(a + r, w))));
static_assert(layer.fuses_prologue(0) && !layer.fuses_epilogue(0));
static_assert(layer.fuses_prologue(1) && !layer.fuses_epilogue(1));
static_assert(TENON_PLAN(tn::relu(tn::matmul(a + r, w))).fuses_prologue(0));
static_assert(TENON_PLAN(tn::relu(tn::matmul(a, w))).fuses_epilogue(0));
static_assert(!TENON_PLAN(tn::relu(tn::matmul(a, w))).fuses_prologue(0));
static_assert(layer.lower_bound_bytes <= layer.workspace_bytes);
static_assert(layer.lower_bound_bytes >= m * n * size);
static_assert(layer.stage_cost(0).bytes_stored == m * n * size);
static_assert(layer.stage_cost(0).flops + layer.stage_cost(1).flops == layer.flops);
static_assert(!TENON_PLAN(a * b + r).fuses_prologue(0) && !TENON_PLAN(a * b + r).fuses_epilogue(0));
static_assert(TENON_PLAN(tn::sum<0>(a * b)).fuses_prologue(0));
static_assert(!TENON_PLAN(tn::sum<0>(a * b)).fuses_epilogue(0));
static_assert(TENON_PLAN(a + b).arithmetic_intensity() == 1.0 / 12);

// A region computes what its stages would; what every block reads is read for every block, and what
// lies between stays in a cache.
constexpr index_t positions = 4096;
using Q = Leaf<positions, 64>;
constexpr auto attention = tn::plan_of<decltype(tn::matmul(
    tn::softmax<-1>(tn::matmul(std::declval<Q>(), tn::transpose(std::declval<Q>())) * 0.125F),
    std::declval<Q>()))>;
static_assert(attention.structure.is_region(0) && attention.stages == 1);
static_assert(attention.flops ==
              2 * 2ULL * positions * positions * 64 + (exp_flops + 5) * positions * positions);
constexpr index_t block_rows = attention.structure.regions.rows[0];
constexpr index_t blocks = (positions + block_rows - 1) / block_rows;
constexpr int key_passes = tn::kernels::gemm_b_passes<float>(block_rows, positions, 64);
constexpr int value_passes = tn::kernels::gemm_b_passes<float>(block_rows, 64, positions);
static_assert(attention.bytes_moved ==
              size * positions * 64 * (2 + blocks * (key_passes + value_passes)));
static_assert(attention.fuses_prologue(0) && !attention.fuses_epilogue(0));

}  // namespace

TEST_CASE("Dynamic extents cost what static ones do", "[plan]") {
  const auto check = [](const auto& dynamic, const auto& fixed) {
    CHECK(dynamic.flops == fixed.flops);
    CHECK(dynamic.bytes_moved == fixed.bytes_moved);
    CHECK(dynamic.lower_bound_bytes <= dynamic.workspace_bytes);
  };
  const auto x = tn::view(static_cast<const float*>(nullptr), tn::shape(40, 50));
  const auto y = tn::view(static_cast<const float*>(nullptr), tn::shape(50, 60));
  check(tn::plan(x * x + 1.0F), TENON_PLAN(a * b + 1.0F));
  check(tn::plan(tn::relu(tn::matmul(x, y))), TENON_PLAN(tn::relu(tn::matmul(a, w))));
  // The rows of a dynamic one would go block by block.
  check(tn::plan(tn::detail::StageByStage(tn::softmax<-1>(tn::matmul(x, y)))),
        TENON_PLAN(tn::softmax<-1>(tn::matmul(a, w))));
  check(tn::plan(tn::sum<1>(x * 2.0F)), TENON_PLAN(tn::sum<1>(a * 2.0F)));
  // What is one region at run time may be several stages where the rows are known to be few.
  CHECK(tn::plan(tn::softmax<-1>(tn::matmul(x, y))).flops ==
        TENON_PLAN(tn::softmax<-1>(tn::matmul(a, w))).flops);
}
