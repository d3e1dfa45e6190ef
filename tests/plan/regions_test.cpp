// Which stages become regions, how high their blocks are, and what is hoisted.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/plan.hpp>

namespace tn = tenon;
namespace td = tenon::detail;
using tn::index_t;
using tn::Reason;

namespace {

template <index_t... E>
using Leaf = tn::TensorView<const float, tn::Shape<E...>>;

using Tall = Leaf<4096, 32>;
using Open = Leaf<tn::dyn, 32>;
using Few = Leaf<20, 32>;
using Square = Leaf<32, 32>;

#define TENON_TYPE(...)                          \
  decltype([](Tall x, Open o, Few f, Square w) { \
    (void)x, (void)o, (void)f, (void)w;          \
    return __VA_ARGS__;                          \
  }(std::declval<Tall>(), std::declval<Open>(), std::declval<Few>(), std::declval<Square>()))

template <class E>
constexpr auto& structure = td::structure_of<td::planned_t<E>>;
template <class E>
constexpr bool is_region = structure<E>.is_region(0);
template <class E>
constexpr int hoisted = [] {
  int n = 0;
  for (const Reason r : structure<E>.reason) n += r == Reason::hoisted ? 1 : 0;
  return n;
}();

static_assert(is_region<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(x, w)), w))>);
static_assert(is_region<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(o, w)), w))>);
static_assert(is_region<TENON_TYPE(tn::softmax<-1>(tn::matmul(x, w)) + x)>);
static_assert(is_region<TENON_TYPE(tn::sum<1>(tn::softmax<1>(tn::matmul(x, w))))>);

// One stage; one block; rows that everything depends on; columns, not rows.
static_assert(!is_region<TENON_TYPE(tn::exp(tn::matmul(x, w)))>);
static_assert(!is_region<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(f, w)), w))>);
static_assert(!is_region<TENON_TYPE(tn::softmax<0>(tn::matmul(x, w)))>);
static_assert(!is_region<TENON_TYPE(tn::sum<0>(tn::softmax<1>(tn::matmul(x, w))))>);
static_assert(!is_region<TENON_TYPE(tn::matmul(w, tn::transpose(tn::exp(tn::matmul(x, w)))))>);
static_assert(!is_region<td::StageByStage<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(x, w)), w))>>);

// What every block reads is computed once.
static_assert(hoisted<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(x, w)), w))> == 0);
static_assert(hoisted<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(x, w)), tn::matmul(w, w)))> == 1);
static_assert(hoisted<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(x, w)), w * 2.0F))> == 1);
static_assert(hoisted<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(x, w)), tn::transpose(w)))> == 0);
static_assert(hoisted<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(x, w)), w) + tn::sum<0>(x))> == 1);
static_assert(hoisted<TENON_TYPE(tn::matmul(tn::exp(tn::matmul(x, w)), w) * tn::slice(w, 0))> == 0);
// The softmax over all rows is whole before the blocks begin; each block reads its rows of it.
using Mixed = TENON_TYPE(tn::matmul(tn::relu(tn::matmul(tn::softmax<0>(x), w)), w));
static_assert(is_region<Mixed> && hoisted<Mixed> == 1);

// A let whose names want other rows than the block's is stored whole.
using Rowwise = TENON_TYPE(tn::let(tn::matmul(x, w), [w](auto h) { return tn::matmul(h, w) + h; }));
static_assert(is_region<Rowwise> && hoisted<Rowwise> == 0);
using Crosswise = TENON_TYPE(tn::let(tn::matmul(x, w), [](auto h) {
  return tn::matmul(tn::softmax<-1>(tn::matmul(h, tn::transpose(h))), h);
}));
static_assert(is_region<Crosswise> && hoisted<Crosswise> == 1);

#undef TENON_TYPE

}  // namespace
