// Expressions as flat records.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/plan.hpp>

#include <string_view>

namespace tn = tenon;
using tn::index_t;
using tn::Kind;

namespace {

template <class T, class Layout, index_t... E>
using View = tn::TensorView<const T, tn::Shape<E...>, Layout>;
using A = View<float, tn::row_major, 3, 4>;
using B = View<float, tn::column_major, 3, 4>;
using R = View<float, tn::row_major, 4>;
using One = View<float, tn::row_major, 3, 1>;
using D = View<double, tn::row_major, tn::dyn, tn::upto<8>>;

template <class E>
constexpr auto& records = tn::detail::pattern_records<std::remove_cvref_t<E>>;

using Sum = decltype(std::declval<A>() * std::declval<B>() + std::declval<R>());
static_assert(records<Sum>.size() == 5);
static_assert(std::string_view(records<Sum>[0].name) == "add");
static_assert(std::string_view(records<Sum>[1].name) == "multiply");
static_assert(records<Sum>[0].subtree == 5 && records<Sum>[1].subtree == 3);
static_assert(records<Sum>[0].parent == -1 && records<Sum>[1].parent == 0 &&
              records<Sum>[2].parent == 1 && records<Sum>[3].parent == 1 &&
              records<Sum>[4].parent == 0);
static_assert(records<Sum>[2].contiguous && !records<Sum>[3].contiguous);
static_assert(records<Sum>[2].unit_axis == 1 && records<Sum>[3].unit_axis == 0);
static_assert(records<Sum>[4].rank == 1 && records<Sum>[4].extent(-1) == 4);
static_assert(records<Sum>[0].size() == 12);

// The memory order of a map is that of its first operand that has one; an axis of extent 1 is none.
static_assert(records<decltype(std::declval<B>() + std::declval<A>())>[0].unit_axis == 0);
static_assert(records<decltype(std::declval<One>() + std::declval<B>())>[0].unit_axis == 0);
static_assert(records<decltype(std::declval<R>() + std::declval<A>())>[0].unit_axis == 1);
static_assert(records<decltype(tn::transpose(std::declval<A>() + 1.0f))>[0].unit_axis == 0);
static_assert(records<decltype(tn::flip<1>(std::declval<A>() + 1.0f))>[0].unit_axis == -1);
static_assert(records<decltype(tn::sum<0>(std::declval<B>()))>[0].unit_axis == 0);

using Fold = decltype(tn::sum<1>(std::declval<D>(), tn::keepdims));
static_assert(records<Fold>[0].kind == Kind::reduce && records<Fold>[0].axes == 2U &&
              records<Fold>[0].keep_dims);
static_assert(records<Fold>[1].extents[0] == tn::dyn && records<Fold>[1].extents[1] == tn::upto<8>);
static_assert(records<Fold>[1].dtype == tn::DType::float64);

using Norm = decltype(tn::softmax<-2>(std::declval<A>()));
static_assert(records<Norm>[0].kind == Kind::normalize && records<Norm>[0].axes == 1U);

using Product = decltype(tn::matmul(std::declval<R>(), tn::transpose(std::declval<A>())));
static_assert(records<Product>[0].left_vector && !records<Product>[0].right_vector);

// A name knows its let, the innermost where one stands in the body of another.
using Nested = decltype(tn::let(std::declval<A>() + 1.0f, [](auto h) {
  return tn::let(h * 2.0f, [h](auto g) { return g + h; });
}));
static_assert(records<Nested>[0].kind == Kind::let);
static_assert(records<Nested>[4].kind == Kind::let);  // let, add, leaf, scalar, let, …
static_assert(records<Nested>[6].kind == Kind::bound && records<Nested>[6].let == 0);
static_assert(records<Nested>[9].kind == Kind::bound && records<Nested>[9].let == 4);
static_assert(records<Nested>[10].kind == Kind::bound && records<Nested>[10].let == 0);

static_assert(tn::detail::planned_when_compiling<Sum>);
static_assert(!tn::detail::planned_when_compiling<std::remove_cvref_t<Fold>>);

using Bounded = decltype(std::declval<View<float, tn::row_major, tn::upto<9>, 4>>() + 1.0f);
static_assert(tn::detail::bound_records<Bounded>()[0].extents[0] == 9);

}  // namespace

TEST_CASE("Records at run time have the extents of now") {
  const double v[12] = {};
  const auto x = tn::view(&v[0], tn::shape(3, 4));
  const auto e = tn::sum<0>(x + x);
  const auto now = tn::detail::run_time_records(e);
  CHECK(now[0].extents[0] == 4);
  CHECK(now[1].extents[0] == 3);
  CHECK(now[3].extents[1] == 4);
  CHECK(now[0].threads == 1);
}
