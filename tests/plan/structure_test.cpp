// Which nodes are computed together, and why the others are stored.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/plan.hpp>

namespace tn = tenon;
using tn::index_t;

namespace {

template <index_t... E>
using Leaf = tn::TensorView<const float, tn::Shape<E...>>;

template <class E>
constexpr int stages = tn::plan_of<E>.stages;

// The reasons of a plan's stages, in the order in which they run.
template <class E>
constexpr bool reasons_are(std::initializer_list<tn::Reason> expected) {
  const auto& s = tn::plan_of<E>.structure;
  if (static_cast<std::size_t>(s.stages) != expected.size()) return false;
  int at = 0;
  for (tn::Reason r : expected)
    if (s.reason[static_cast<std::size_t>(s.order[static_cast<std::size_t>(at++)])] != r)
      return false;
  return true;
}

using tn::Reason;
using M = Leaf<40, 40>;
using Row = Leaf<40>;
using Batch = Leaf<8, 40, 40>;

#define TENON_TYPE(...)                   \
  decltype([](M a, M b, Row r, Batch s) { \
    (void)a, (void)b, (void)r, (void)s;   \
    return __VA_ARGS__;                   \
  }(std::declval<M>(), std::declval<M>(), std::declval<Row>(), std::declval<Batch>()))

// One loop.
static_assert(stages<TENON_TYPE(tn::exp(a) * b + r)> == 1);
static_assert(stages<TENON_TYPE(tn::transpose(a + b) * a)> == 1);
static_assert(stages<TENON_TYPE(tn::slice(tn::exp(a), 3) + r)> == 1);

// A core takes what surrounds it.
static_assert(stages<TENON_TYPE(tn::relu(tn::matmul(a + 1.0f, b * 2.0f) + r))> == 1);
static_assert(stages<TENON_TYPE(tn::sqrt(tn::sum<1>(a* b)) + r)> == 1);
static_assert(stages<TENON_TYPE(tn::softmax<1>(a + r) * b)> == 1);

// Two cores are two stages; the product keeps the epilogue.
static_assert(reasons_are<TENON_TYPE(tn::softmax<1>(tn::matmul(a, b) + r))>({Reason::second_core,
                                                                             Reason::result}));
static_assert(reasons_are<TENON_TYPE(tn::matmul(a, b) + tn::matmul(b, a))>({Reason::second_core,
                                                                            Reason::result}));
static_assert(reasons_are<TENON_TYPE(tn::matmul(a, tn::matmul(b, a) + 1.0f))>({Reason::second_core,
                                                                               Reason::result}));

// What is costly and would be computed more than once is stored.
static_assert(reasons_are<TENON_TYPE(a + tn::exp(r))>({Reason::broadcast, Reason::result}));
static_assert(stages<TENON_TYPE(a + r * 2.0f)> == 1);
static_assert(reasons_are<TENON_TYPE(tn::unsqueeze<1>(tn::exp(r)) * a)>({Reason::broadcast,
                                                                         Reason::result}));
static_assert(reasons_are<TENON_TYPE(a + tn::let(tn::exp(r), [](auto h) { return h * h; }))>(
    {Reason::broadcast, Reason::result}));
static_assert(reasons_are<TENON_TYPE(tn::matmul(tn::exp(a), s))>({Reason::repacked,
                                                                  Reason::result}));
static_assert(stages<TENON_TYPE(tn::matmul(a + b, s))> == 1);

// Reshape.
static_assert(stages<TENON_TYPE(tn::reshape(a, tn::shape<1600>()) + 1.0f)> == 1);
static_assert(reasons_are<TENON_TYPE(tn::reshape(a + b, tn::shape<1600>()) * 2.0f)>(
    {Reason::row_major_needed, Reason::result}));
static_assert(reasons_are<TENON_TYPE(tn::reshape(tn::transpose(a), tn::shape<1600>()))>(
    {Reason::row_major_needed, Reason::result}));

// let: in registers, stored, and as another name.
static_assert(stages<TENON_TYPE(tn::let(a + b, [](auto h) { return h * h + h; }))> == 1);
static_assert(
    stages<TENON_TYPE(tn::let(tn::matmul(a, b), [](auto h) { return h * tn::sigmoid(h); }))> == 1);
static_assert(reasons_are<TENON_TYPE(tn::let(a + b, [](auto h) { return tn::matmul(h, h); }))>(
    {Reason::shared, Reason::result}));
static_assert(reasons_are<TENON_TYPE(tn::let(a + b, [](auto h) { return h + tn::transpose(h); }))>(
    {Reason::shared, Reason::result}));
static_assert(stages<TENON_TYPE(tn::let(a, [](auto h) { return h + tn::transpose(h); }))> == 1);
static_assert(reasons_are<TENON_TYPE(tn::let(tn::exp(a), [](auto h) {
  return tn::let(h * 2.0f, [h](auto g) { return tn::sum<0>(g) + tn::sum<1>(h); });
}))>({Reason::shared, Reason::shared, Reason::second_core, Reason::result}));

#undef TENON_TYPE

template <class E>
constexpr bool order_is_topological() {
  const auto& plan = tn::plan_of<E>;
  const auto& s = plan.structure;
  for (int p = 0; p < s.stages; ++p)
    for (std::size_t i = 0; i < s.reader.size(); ++i)
      if (s.is_stage(static_cast<int>(i)) && s.reader[i] == s.order[static_cast<std::size_t>(p)]) {
        bool before = false;
        for (int q = 0; q < p; ++q)
          before = before || s.order[static_cast<std::size_t>(q)] == static_cast<int>(i);
        if (!before) return false;
      }
  return s.order[static_cast<std::size_t>(s.stages - 1)] == 0;
}

using Deep = decltype([](M a, M b, Row r) {
  return tn::softmax<1>(tn::matmul(tn::matmul(a, b) + tn::exp(r), tn::matmul(b, a))) +
         tn::sum<0>(a);
}(std::declval<M>(), std::declval<M>(), std::declval<Row>()));
static_assert(order_is_topological<Deep>());
static_assert(stages<Deep> == 6);

}  // namespace

TEST_CASE("Every reason has a sentence") {
  for (int i = 0; i <= static_cast<int>(Reason::hoisted); ++i)
    CHECK(std::string(tn::describe(static_cast<Reason>(i))).size() > 5);
}
