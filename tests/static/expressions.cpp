// What the types of expressions say, and how little they hold. Compiling this file is the test.

#include <tenon/tenon.hpp>

#include <type_traits>

namespace {

using namespace tenon;

template <index_t... E>
using View = TensorView<float, Shape<E...>>;
using Matrix = View<3, 4>;
using Row = View<4>;
using Pointer = const float*;

template <class F>
using result = std::remove_cvref_t<std::invoke_result_t<F>>;

// A tree holds one pointer for each view of static shape, and nothing else.
using TwoLeaves = decltype(std::declval<Matrix&>() + std::declval<Matrix&>());
static_assert(sizeof(TwoLeaves) == 2 * sizeof(Pointer));
using SameFunctor = decltype((std::declval<Matrix&>() + std::declval<Matrix&>()) +
                             (std::declval<Matrix&>() + std::declval<Matrix&>()));
static_assert(sizeof(SameFunctor) == 4 * sizeof(Pointer));
using Deep = decltype(exp(-std::declval<Matrix&>() * std::declval<Row&>()) /
                      (abs(std::declval<Matrix&>()) + sqrt(std::declval<Row&>())));
static_assert(sizeof(Deep) == 4 * sizeof(Pointer));
using Product = decltype(relu(matmul(std::declval<Matrix&>(), transpose(std::declval<Matrix&>()))));
static_assert(sizeof(Product) == 2 * sizeof(Pointer));
using Reduced = decltype(softmax<-1>(std::declval<Matrix&>()) - mean<0>(std::declval<Matrix&>()));
static_assert(sizeof(Reduced) <= 3 * sizeof(Pointer));  // and the count that mean divides by

// Shapes of results: broadcast, kept static, forgotten only where an operand does not know.
static_assert(std::is_same_v<shape_t<Deep>, Shape<3, 4>>);
static_assert(std::is_same_v<shape_t<Product>, Shape<3, 3>>);
using Outer = decltype(std::declval<View<3, 1>&>() * std::declval<View<1, 5>&>());
static_assert(std::is_same_v<shape_t<Outer>, Shape<3, 5>>);
using Mixed = decltype(std::declval<View<dyn, 4>&>() * std::declval<Row&>());
static_assert(std::is_same_v<shape_t<Mixed>, Shape<dyn, 4>>);
using Bounded = decltype(std::declval<View<upto<8>, 4>&>() + std::declval<View<upto<6>, 1>&>());
static_assert(std::is_same_v<shape_t<Bounded>, Shape<upto<8>, 4>>);
static_assert(std::is_same_v<value_t<decltype(std::declval<Row&>() < 1)>, bool>);

// The concepts.
static_assert(Expression<Matrix> && Expression<Deep> && Expression<Tensor<float, Shape<dyn>>>);
static_assert(ExpressionNode<Deep> && !ExpressionNode<Matrix>);
static_assert(!Expression<float> && !Expression<int*>);
static_assert(StaticallyPlanned<Deep> && StaticallyPlanned<Bounded> && !StaticallyPlanned<Mixed>);

// Copying copies pointers; owning a tensor forbids it.
static_assert(std::is_copy_constructible_v<Deep>);
using Owning = decltype(std::declval<Tensor<float, Shape<4>>>() + std::declval<Row&>());
static_assert(!std::is_copy_constructible_v<Owning> && std::is_move_constructible_v<Owning>);

}  // namespace
