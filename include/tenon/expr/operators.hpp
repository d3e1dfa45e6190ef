#pragma once
// What users write: operators and named elementwise operations.
//
// All of them build a node and compute nothing. Shapes broadcast as in NumPy; a shape that cannot
// is a compile error where the extents are known, ShapeError where they are not. No allocation.

#include <tenon/expr/map.hpp>

namespace tenon::inline TENON_MODE {

// Formula: (a + b)(i…) = a(i…) + b(i…), and so on for each operator; `*` is elementwise.
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator+(A&& a, B&& b) {
  return detail::arithmetic(functor::Add{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator-(A&& a, B&& b) {
  return detail::arithmetic(functor::Subtract{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator*(A&& a, B&& b) {
  return detail::arithmetic(functor::Multiply{}, std::forward<A>(a), std::forward<B>(b));
}
// Formula: a / b; integers truncate towards zero, and x / 0 is 0 as in NumPy.
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator/(A&& a, B&& b) {
  return detail::arithmetic(functor::Divide{}, std::forward<A>(a), std::forward<B>(b));
}
// Formula: a - (a / b) * b for integers, truncating; x % 0 is 0.
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator%(A&& a, B&& b) {
  if constexpr (Expression<A>) detail::require_integers<value_t<A>>();
  if constexpr (Expression<B>) detail::require_integers<value_t<B>>();
  return detail::binary(functor::Remainder{}, std::forward<A>(a), std::forward<B>(b));
}
template <Expression A>
[[nodiscard]] constexpr auto operator-(A&& a) {
  detail::require_numeric<value_t<A>>();
  return detail::unary(functor::Negate{}, std::forward<A>(a));
}

// Comparisons give bool elements; a comparison with NaN is false, except !=.
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator==(A&& a, B&& b) {
  return detail::binary(functor::Equal{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator!=(A&& a, B&& b) {
  return detail::binary(functor::NotEqual{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator<(A&& a, B&& b) {
  return detail::binary(functor::Less{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator<=(A&& a, B&& b) {
  return detail::binary(functor::LessEqual{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator>(A&& a, B&& b) {
  return detail::binary(functor::Greater{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator>=(A&& a, B&& b) {
  return detail::binary(functor::GreaterEqual{}, std::forward<A>(a), std::forward<B>(b));
}

// Bitwise on integers, logical on bool.
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator&(A&& a, B&& b) {
  return detail::bitwise(functor::BitAnd{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator|(A&& a, B&& b) {
  return detail::bitwise(functor::BitOr{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto operator^(A&& a, B&& b) {
  return detail::bitwise(functor::BitXor{}, std::forward<A>(a), std::forward<B>(b));
}
template <Expression A>
[[nodiscard]] constexpr auto operator~(A&& a) {
  detail::require_bits<value_t<A>>();
  return detail::unary(functor::BitNot{}, std::forward<A>(a));
}

// Formula: each element as U, as static_cast does; to bool: x != 0.
template <Element U, Expression X>
[[nodiscard]] constexpr auto cast(X&& x) {
  return detail::cast_operand<U>(detail::as_operand(std::forward<X>(x)));
}

// Formula: where(c, a, b)(i…) = c(i…) ? a(i…) : b(i…), all three broadcast; c has bool elements.
template <Expression C, class A, class B>
  requires((Expression<A> || detail::Number<A>) && (Expression<B> || detail::Number<B>))
[[nodiscard]] constexpr auto where(C&& condition, A&& a, B&& b) {
  static_assert(std::same_as<value_t<C>, bool>, "The condition of where needs bool elements.");
  static_assert(
      Expression<A> || Expression<B>,
      "At least one of the two values of where must be a tensor: write full(...) or cast.");
  const auto value = [&]<class X, class Other>(X&& x, std::type_identity<Other>) {
    if constexpr (detail::Number<X>) {
      using T = arithmetic_t<value_t<Other>>;
      detail::require_number_beside<X, T>();
      return ScalarLeaf<T>(static_cast<T>(x));
    } else if constexpr (detail::Number<Other>) {
      return detail::as_operand(std::forward<X>(x));
    } else {
      detail::require_promotable<value_t<X>, value_t<Other>>();
      return detail::cast_operand<promoted_t<value_t<X>, value_t<Other>>>(
          detail::as_operand(std::forward<X>(x)));
    }
  };
  return detail::make_map(functor::Where{}, detail::as_operand(std::forward<C>(condition)),
                          value(std::forward<A>(a), std::type_identity<std::remove_cvref_t<B>>{}),
                          value(std::forward<B>(b), std::type_identity<std::remove_cvref_t<A>>{}));
}

// Formula: the lesser (greater) of a and b; NaN where either is NaN, as numpy.minimum.
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto minimum(A&& a, B&& b) {
  return detail::binary(functor::Minimum{}, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto maximum(A&& a, B&& b) {
  return detail::binary(functor::Maximum{}, std::forward<A>(a), std::forward<B>(b));
}

// Formula: a to the power b, C's pow in every special case. Floating point.
template <class A, class B>
  requires detail::BinaryOperands<A, B>
[[nodiscard]] constexpr auto pow(A&& a, B&& b) {
  if constexpr (Expression<A>) detail::require_floating<value_t<A>>();
  if constexpr (Expression<B>) detail::require_floating<value_t<B>>();
  return detail::binary(functor::Pow{}, std::forward<A>(a), std::forward<B>(b));
}

// Formula: |x|; the least integer stays as it is.
template <Expression X>
[[nodiscard]] constexpr auto abs(X&& x) {
  detail::require_numeric<value_t<X>>();
  return detail::unary(functor::Abs{}, std::forward<X>(x));
}
// Formula: x * x, rounded once.
template <Expression X>
[[nodiscard]] constexpr auto square(X&& x) {
  detail::require_numeric<value_t<X>>();
  return detail::unary(functor::Square{}, std::forward<X>(x));
}
// Formula: max(x, 0); NaN stays NaN.
template <Expression X>
[[nodiscard]] constexpr auto relu(X&& x) {
  detail::require_numeric<value_t<X>>();
  return detail::unary(functor::Relu{}, std::forward<X>(x));
}
// Formula: sqrt(x), correctly rounded. Floating point, as the four below.
template <Expression X>
[[nodiscard]] constexpr auto sqrt(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Sqrt{}, std::forward<X>(x));
}
template <Expression X>
[[nodiscard]] constexpr auto exp(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Exp{}, std::forward<X>(x));
}
template <Expression X>
[[nodiscard]] constexpr auto log(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Log{}, std::forward<X>(x));
}
template <Expression X>
[[nodiscard]] constexpr auto tanh(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Tanh{}, std::forward<X>(x));
}
// Formula: 1 / (1 + exp(-x)).
template <Expression X>
[[nodiscard]] constexpr auto sigmoid(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Sigmoid{}, std::forward<X>(x));
}

// Formula: sin x, cos x, x in radians; at any size of x (docs/numerics.md has the errors).
template <Expression X>
[[nodiscard]] constexpr auto sin(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Sin{}, std::forward<X>(x));
}
template <Expression X>
[[nodiscard]] constexpr auto cos(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Cos{}, std::forward<X>(x));
}
// Formula: 2/√π ∫₀ˣ e^(-s²) ds.
template <Expression X>
[[nodiscard]] constexpr auto erf(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Erf{}, std::forward<X>(x));
}
// Formula: x Φ(x) = x (1 + erf(x/√2)) / 2, the exact form, not the one with tanh.
template <Expression X>
[[nodiscard]] constexpr auto gelu(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Gelu{}, std::forward<X>(x));
}
// Formula: x sigmoid(x).
template <Expression X>
[[nodiscard]] constexpr auto silu(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Silu{}, std::forward<X>(x));
}
// Formula: the nearest whole number, halves to the even one, as numpy.round. Zeros keep their sign and NaN
// stays, in the three below as well.
template <Expression X>
[[nodiscard]] constexpr auto round(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Round{}, std::forward<X>(x));
}
template <Expression X>
[[nodiscard]] constexpr auto floor(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Floor{}, std::forward<X>(x));
}
template <Expression X>
[[nodiscard]] constexpr auto ceil(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Ceil{}, std::forward<X>(x));
}
// Formula: x without its fraction.
template <Expression X>
[[nodiscard]] constexpr auto trunc(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Trunc{}, std::forward<X>(x));
}
// Formula: 1, 0 or -1; NaN where x is NaN.
template <Expression X>
[[nodiscard]] constexpr auto sign(X&& x) {
  detail::require_floating<value_t<X>>();
  return detail::unary(functor::Sign{}, std::forward<X>(x));
}

// Formula: map(f, x…)(i…) = f(x(i…)…), operands broadcast: a user's own operation.
// f is one functor on numbers, or better on packs as well (a generic lambda over + - * / and the
// functions of tenon::simd, such as exp), which then runs at full width; a functor that takes only
// numbers is called lane by lane. It may have `name` and `weight` (see functors.hpp).
template <class F, Expression... X>
  requires(sizeof...(X) > 0 && !Expression<F>)
[[nodiscard]] constexpr auto map(F f, X&&... x) {
  return detail::make_map(std::move(f), detail::as_operand(std::forward<X>(x))...);
}

}  // namespace tenon::inline TENON_MODE
