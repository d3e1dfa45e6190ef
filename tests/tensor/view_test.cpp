#include <tenon/tensor/view.hpp>

#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/static_tensor.hpp>
#include <tenon/tensor/tensor.hpp>

#include "catch.hpp"
#include "models.hpp"

#include <array>
#include <memory_resource>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

using namespace tenon;
using namespace tenon::literals;

// Sizes are a promise: a view of a static shape is one pointer.
static_assert(sizeof(TensorView<float, Shape<2, 3>>) == 8);
static_assert(sizeof(TensorView<const double, Shape<2, 3>, column_major>) == 8);
static_assert(sizeof(TensorView<float, Shape<2, 3>, static_strides<5, -1>>) == 8);
static_assert(sizeof(TensorView<float, Shape<>>) == 8);
static_assert(sizeof(TensorView<float, Shape<dyn, 3>>) == 16);
static_assert(sizeof(TensorView<float, Shape<dyn, upto<8>>>) == 24);
static_assert(sizeof(TensorView<float, Shape<2, 3>, dyn_strides>) == 24);
static_assert(sizeof(TensorView<float, Shape<dyn, 3>, dyn_strides>) == 32);

static_assert(std::is_trivially_copy_constructible_v<TensorView<float, Shape<2, 3>>>);
static_assert(std::is_trivially_destructible_v<TensorView<float, Shape<dyn>>>);

namespace {

template <class From, class To>
constexpr bool implicit = std::is_convertible_v<From, To>;
template <class From, class To>
constexpr bool only_explicit =
    std::is_constructible_v<To, From> && !std::is_convertible_v<From, To>;
template <class From, class To>
constexpr bool impossible = !std::is_constructible_v<To, From>;

using Fixed = TensorView<float, Shape<2, 3>>;
using ConstFixed = TensorView<const float, Shape<2, 3>>;

}  // namespace

// Conversions: const may be added and knowledge forgotten; the contrary is explicit or impossible.
static_assert(implicit<Fixed, ConstFixed> && impossible<ConstFixed, Fixed>);
static_assert(implicit<Fixed, TensorView<float, Shape<dyn, 3>>>);
static_assert(implicit<Fixed, TensorView<const float, Shape<dyn, dyn>, dyn_strides>>);
static_assert(implicit<Fixed, TensorView<float, Shape<upto<2>, upto<4>>>>);
static_assert(implicit<TensorView<float, Shape<upto<2>>>, TensorView<float, Shape<upto<3>>>>);
static_assert(only_explicit<TensorView<float, Shape<upto<3>>>, TensorView<float, Shape<upto<2>>>>);
static_assert(only_explicit<TensorView<float, Shape<dyn, 3>>, Fixed>);
static_assert(impossible<Fixed, TensorView<float, Shape<2, 4>>>);
static_assert(impossible<Fixed, TensorView<float, Shape<upto<1>, 3>>>);
static_assert(impossible<Fixed, TensorView<float, Shape<6>>>);
static_assert(impossible<Fixed, TensorView<double, Shape<2, 3>>>);
static_assert(impossible<Fixed, TensorView<float, Shape<2, 3>, column_major>>);
static_assert(impossible<TensorView<float, Shape<2, 3>, dyn_strides>, Fixed>);

// Tensors convert as their views do, if they have a name.
using Owner = Tensor<float, Shape<2, 3>>;
static_assert(implicit<Owner&, Fixed> && implicit<Owner&, ConstFixed>);
static_assert(implicit<const Owner&, ConstFixed> && impossible<const Owner&, Fixed>);
static_assert(implicit<Owner&, TensorView<const float, Shape<dyn, dyn>, dyn_strides>>);
static_assert(only_explicit<Tensor<float, Shape<dyn, 3>>&, Fixed>);
static_assert(impossible<Owner, Fixed> && impossible<Owner, ConstFixed>);
static_assert(impossible<const Owner, ConstFixed>);
static_assert(impossible<StaticTensor<float, 2, 3>, ConstFixed>);
static_assert(implicit<const StaticTensor<float, 2, 3>&, ConstFixed>);

// Views of const elements are not assigned to, views of elements are, const or not.
static_assert(!std::is_copy_assignable_v<ConstFixed> && !std::is_assignable_v<ConstFixed&, float>);
static_assert(std::is_assignable_v<Fixed&, const Fixed&>);
static_assert(std::is_assignable_v<const Fixed&, const Fixed&>);

TEST_CASE("every shape and layout shows the same elements") {
  std::array<float, 6> rows{0, 1, 2, 10, 11, 12};
  std::array<float, 6> columns{0, 10, 1, 11, 2, 12};
  std::array<float, 6> backwards{12, 11, 10, 2, 1, 0};
  std::array<float, 16> gaps{};
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 3; ++j) gaps[i + 7 * j] = rows[3 * i + j];

  const auto check = [](auto view) {
    check_two_by_three(view);
    check_two_by_three(std::as_const(view));
    TensorView<const float, typename decltype(view)::shape_type,
               typename decltype(view)::layout_type>
        read_only = view;
    check_two_by_three(read_only);
  };
  SECTION("row-major") {
    check(view(rows.data(), shape<2, 3>()));
    check(view(rows.data(), shape(2, 3)));
    check(view(rows.data(), shape(2, 3_c)));
    check(view(rows.data(), Shape<upto<4>, dyn>::from_extents({2, 3})));
    check(view(rows, shape(2, 3)));
    check(view(std::span(rows), shape(2, 3)));
  }
  SECTION("column-major") {
    check(TensorView<float, Shape<2, 3>, column_major>(columns.data(), {}));
    check(TensorView<float, Shape<dyn, dyn>, column_major>(columns.data(), shape(2, 3)));
  }
  SECTION("strides in the type") {
    check(TensorView<float, Shape<2, 3>, static_strides<1, 7>>(gaps.data(), {}));
    check(TensorView<float, Shape<dyn, 3>, static_strides<1, 2>>(columns.data(), shape(2, 3_c)));
    check(TensorView<float, Shape<2, 3>, static_strides<-3, -1>>(&backwards[5], {}));
  }
  SECTION("strides at run time") {
    check(view(gaps.data(), shape(2, 3), {1, 7}));
    check(view(columns.data(), shape<2, 3>(), {1, 2}));
    check(view(&backwards[5], shape(2_c, 3), {-3, -1}));
    check(TensorView<float, Shape<dyn, dyn>, dyn_strides>(
        TensorView<float, Shape<2, 3>, column_major>(columns.data(), {})));
  }
}

TEST_CASE("strides of zero repeat elements") {
  const std::array<int, 3> row{1, 2, 3};
  const auto repeated = view(row.data(), shape(4, 3), {0, 1});
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 3; ++j) CHECK(repeated(i, j) == j + 1);
}

TEST_CASE("constness of a view is shallow") {
  float x[2] = {1, 2};
  const auto seen = view(x, shape(2));
  seen(1) = 5;
  CHECK(x[1] == 5);
  STATIC_REQUIRE(std::is_same_v<decltype(seen)::element_type, float>);
  STATIC_REQUIRE(std::is_same_v<decltype(seen.data()), float*>);
  TensorView<const float, Shape<dyn>> read_only = seen;
  STATIC_REQUIRE(std::is_same_v<decltype(read_only(0)), const float&>);
  STATIC_REQUIRE(std::is_same_v<decltype(read_only)::value_type, float>);
}

TEST_CASE("indices may be constants and any integer type") {
  const std::array<int, 4> x{1, 2, 3, 4};
  const auto seen = view(x.data(), shape<2, 2>());
  CHECK(seen(1_c, 0_c) == 3);
  CHECK(seen(std::size_t{1}, static_cast<unsigned char>(1)) == 4);
}

TEST_CASE("rank 0 has one element, zero extents have none") {
  double x = 7;
  const auto one = view(&x, shape());
  CHECK(one() == 7);
  CHECK(one.item() == 7);
  CHECK(one.size() == 1);
  CHECK(one.span().size() == 1);
  const auto none = view(&x, shape(3, 0));
  CHECK(none.size() == 0);
  CHECK(none.span().empty());
  CHECK_THROWS_AS(none.at(0, 0), ContractError);
  CHECK_THROWS_WITH(none.item(), "item: needs exactly one element; the shape is (3, 0)");
  CHECK(view(&x, shape(1, 1)).item() == 7);
  CHECK(view(&x, shape<1>()).item() == 7);
  CHECK(view(static_cast<float*>(nullptr), shape(0)).size() == 0);
}

TEST_CASE("the memory given must fit the shape") {
  std::vector<float> x(6);
  CHECK(view(x, shape(2, 3)).data() == x.data());
  CHECK_THROWS_WITH(view(x, shape(2, 4)),
                    "view: the shape (2, 4) needs 8 elements; the memory has 6");
  CHECK_THROWS_AS(view(std::span<const float>(x), shape<5>()), ShapeError);
  float array[4] = {};
  STATIC_REQUIRE(std::is_same_v<decltype(view(array, shape(4))), TensorView<float, Shape<dyn>>>);
  CHECK_THROWS_AS(view(array, shape(3)), ShapeError);
  STATIC_REQUIRE(ViewSource<std::vector<float>&>);
  STATIC_REQUIRE_FALSE(ViewSource<std::vector<float>>);
}

TEST_CASE("conversion to a shape that knows more is checked") {
  float x[6] = {};
  const auto seen = view(x, shape(2, 3));
  CHECK(TensorView<float, Shape<2, 3>>(seen).data() == x);
  CHECK_THROWS_WITH((TensorView<float, Shape<2, 4>>(seen)),
                    "shape: an extent differs from its static value in (2, 3); the type says (2, "
                    "4)");
  CHECK_THROWS_AS((TensorView<float, Shape<dyn, upto<2>>>(seen)), ShapeError);
}

TEST_CASE("deduction finds the view of a tensor or of memory") {
  StaticTensor<float, 2> fixed{1.0F, 2.0F};
  const StaticTensor<float, 2> read_only{3.0F, 4.0F};
  const TensorView a = fixed;
  const TensorView b = read_only;
  STATIC_REQUIRE(std::is_same_v<decltype(a), const TensorView<float, Shape<2>>>);
  STATIC_REQUIRE(std::is_same_v<decltype(b), const TensorView<const float, Shape<2>>>);
  const TensorView c(fixed.data(), shape(2));
  const TensorView d(fixed.data(), shape(2), std::array<index_t, 1>{-1});
  STATIC_REQUIRE(std::is_same_v<decltype(c), const TensorView<float, Shape<dyn>>>);
  STATIC_REQUIRE(std::is_same_v<decltype(d), const TensorView<float, Shape<dyn>, dyn_strides>>);
  CHECK(a.data() == c.data());
}

TEST_CASE("rebind moves the view and leaves the elements") {
  float x[2] = {1, 2}, y[3] = {3, 4, 5};
  auto seen = view(x, shape(2));
  seen.rebind(view(y, shape(3)));
  CHECK(seen.data() == y);
  CHECK(seen.size() == 3);
  CHECK(x[0] == 1);
  StaticTensor<float, 4> tensor{};
  seen.rebind(tensor);
  CHECK(seen.extent(0) == 4);
  auto strided = view(x, shape(2), {1});
  strided.rebind(view(y + 2, shape(3), {-1}));
  CHECK(strided(2) == 3);
}

TEST_CASE("clone compacts any layout into row-major memory of the resource") {
  std::pmr::monotonic_buffer_resource resource;
  std::array<double, 6> columns{0, 10, 1, 11, 2, 12};
  const TensorView<const double, Shape<2, dyn>, column_major> seen(columns.data(), shape(2_c, 3));
  auto copy = seen.clone(resource);
  STATIC_REQUIRE(std::is_same_v<decltype(copy), Tensor<double, Shape<2, dyn>>>);
  check_two_by_three(copy);
  CHECK(copy.strides() == std::array<index_t, 2>{3, 1});
  CHECK(array_equal(copy, seen));
  const auto backwards = view(columns.data() + 5, shape(6), {-1}).clone(&resource);
  CHECK(backwards(0) == 12);
  CHECK(backwards(5) == 0);
  CHECK(view(columns.data(), shape()).clone(resource).item() == 0);
  CHECK(view(columns.data(), shape(0, 6)).clone(resource).size() == 0);
}

namespace {
namespace probe {

// Stands for the expr and eval layers: records what reaches them.
struct Expression {
  int value = 0;
  char operation = '=';
};
template <class View>
Expression operator+(const View&, Expression e) {
  return {e.value, '+'};
}
template <class View>
Expression operator-(const View&, Expression e) {
  return {e.value, '-'};
}
template <class View>
Expression operator*(const View&, Expression e) {
  return {e.value, '*'};
}
template <class View>
Expression operator/(const View&, Expression e) {
  return {e.value, '/'};
}
template <class View>
void assign_expression(const View& view, const Expression& e) {
  for (auto& x : view.span()) x = e.value;
  view(0) = e.operation;
}

}  // namespace probe
}  // namespace

TEST_CASE("assignment hands the view and the right-hand side to the eval layer") {
  int x[2] = {1, 2};
  const auto seen = view(x, shape(2));
  const auto check = [&](const auto& result, int value, char operation) {
    CHECK(static_cast<const void*>(&result) == static_cast<const void*>(&seen));
    CHECK(x[1] == value);
    CHECK(x[0] == operation);
  };
  check(seen = probe::Expression{3}, 3, '=');
  check(seen += probe::Expression{4}, 4, '+');
  check(seen -= probe::Expression{5}, 5, '-');
  check(seen *= probe::Expression{6}, 6, '*');
  check(seen /= probe::Expression{7}, 7, '/');
}
