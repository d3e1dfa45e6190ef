#pragma once
// Elementwise nodes: building one from a functor and operands of any broadcastable shapes.

#include <tenon/expr/functors.hpp>
#include <tenon/expr/node.hpp>

#include <concepts>

namespace tenon::inline TENON_MODE {

// The operation of a map node: F on every element.
template <class F>
class Map {
 public:
  static constexpr Kind kind = Kind::map;
  using functor_type = F;

  constexpr explicit Map(F f) : f_(std::move(f)) {}
  [[nodiscard]] constexpr const F& functor() const noexcept { return f_; }

 private:
  F f_;
};

template <class F>
  requires detail::is_stateless<F>
class Map<F> {
 public:
  static constexpr Kind kind = Kind::map;
  using functor_type = F;

  constexpr Map() = default;
  constexpr explicit Map(const F&) noexcept {}
  [[nodiscard]] constexpr F functor() const noexcept { return F{}; }
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <class F>
[[nodiscard]] constexpr const char* functor_name() noexcept {
  if constexpr (requires { F::name; })
    return F::name;
  else
    return "map";
}

// Stops the compiler where extents that it knows do not broadcast; the types in its message are the
// operation and the two shapes.
template <class Operation, class A, class B>
consteval void require_broadcastable_shapes() {
  static_assert(BroadcastableShapes<A, B>,
                "Shapes do not broadcast: aligned at the last axis, two extents must be equal or "
                "one of them 1. The operation and both shapes are named in the lines around this.");
}

template <class F, class S>
[[nodiscard]] constexpr auto fold_shapes(const S& shape) {
  return shape;
}
template <class F, class A, class B, class... More>
[[nodiscard]] constexpr auto fold_shapes(const A& a, const B& b, const More&... more) {
  require_broadcastable_shapes<F, A, B>();
  if constexpr (BroadcastableShapes<A, B>)
    return fold_shapes<F>(broadcast_shapes(functor_name<F>(), a, b), more...);
  else
    return Shape<>{};
}

// The element type of f(a, b, …), asked of packs where f takes packs and of numbers elsewhere.
template <class T>
using probe = simd::Pack<T, simd::native_lanes<float>>;

template <class R>
consteval auto element_of_result() {
  if constexpr (requires { typename R::value_type; })
    return std::type_identity<typename R::value_type>{};
  else
    return std::type_identity<R>{};
}

template <class F, class... T>
consteval auto map_element() {
  if constexpr (std::is_invocable_v<const F&, const probe<T>&...>) {
    using R = std::remove_cvref_t<std::invoke_result_t<const F&, const probe<T>&...>>;
    if constexpr (simd::is_mask<R>)
      return std::type_identity<bool>{};
    else
      return element_of_result<R>();
  } else {
    static_assert(std::is_invocable_v<const F&, T...>,
                  "The functor of this map takes neither packs nor numbers of the operands' "
                  "element types.");
    return std::type_identity<std::remove_cvref_t<std::invoke_result_t<const F&, T...>>>{};
  }
}

// A map node over operands that are nodes already.
template <class F, class... X>
[[nodiscard]] constexpr auto make_plain_map(F f, X&&... operands) {
  using T = typename decltype(map_element<F, value_t<X>...>())::type;
  static_assert(Element<T>, "The functor of this map returns what no tensor can hold.");
  return make_node<Map<F>, T>(Map<F>(std::move(f)), fold_shapes<F>(operands.shape()...),
                              static_cast<X&&>(operands)...);
}

// The operand with element type U.
template <class U, class Operand>
[[nodiscard]] constexpr auto cast_operand(Operand operand) {
  if constexpr (std::same_as<value_t<Operand>, U>)
    return operand;
  else if constexpr (Operand::kind == Kind::scalar)
    return ScalarLeaf<U>(static_cast<U>(operand.value()));
  else
    return make_plain_map(functor::Cast<U>{}, std::move(operand));
}

// The operand with the element type that it is computed with.
template <class Operand>
[[nodiscard]] constexpr auto arithmetic_operand(Operand operand) {
  return cast_operand<arithmetic_t<value_t<Operand>>>(std::move(operand));
}

// A map node; what is stored in fewer bytes than it is computed with is converted on the way.
template <class F, class... X>
[[nodiscard]] constexpr auto make_map(F f, X&&... operands) {
  if constexpr ((StorageFloat<value_t<X>> || ...))
    return make_plain_map(
        std::move(f), arithmetic_operand(std::remove_cvref_t<X>(static_cast<X&&>(operands)))...);
  else
    return make_plain_map(std::move(f), static_cast<X&&>(operands)...);
}

template <class X>
concept Number =
    std::integral<std::remove_cvref_t<X>> || std::floating_point<std::remove_cvref_t<X>>;

// A number fits beside elements of T where it changes neither their type nor its own value's kind.
template <class X, class T>
concept NumberBeside =
    Number<X> && (std::floating_point<T>  ? !std::same_as<std::remove_cvref_t<X>, bool>
                  : std::same_as<T, bool> ? std::same_as<std::remove_cvref_t<X>, bool>
                                          : std::integral<std::remove_cvref_t<X>> &&
                                                !std::same_as<std::remove_cvref_t<X>, bool>);

template <class X, class T>
consteval void require_number_beside() {
  static_assert(NumberBeside<X, T>,
                "A number beside a tensor must be of the tensor's kind: an integer tensor takes "
                "integers, a bool tensor takes bools. Convert the tensor first: cast<double>(x).");
}

template <class A, class B>
consteval void require_promotable() {
  static_assert(Promotable<A, B>,
                "These element types have no common type in the array-API promotion table: "
                "convert one operand with cast<T>(x).");
}

// A node of that element type goes into a tree as it is; everything else is converted first.
template <class X, class T>
inline constexpr bool is_operand_of = false;
template <ExpressionNode X, class T>
inline constexpr bool is_operand_of<X, T> = std::same_as<value_t<X>, T>;

template <class T, class X>
[[nodiscard]] constexpr auto converted_operand(X&& x) {
  return cast_operand<T>(as_operand(std::forward<X>(x)));
}

// f(a, b) with NumPy's element types: promoted, a number taking the tensor's type.
template <class F, class A, class B>
[[nodiscard]] constexpr auto binary(F f, A&& a, B&& b) {
  if constexpr (Number<A>) {
    using T = arithmetic_t<value_t<B>>;
    require_number_beside<A, T>();
    return make_map(f, ScalarLeaf<T>(static_cast<T>(a)), as_operand(std::forward<B>(b)));
  } else if constexpr (Number<B>) {
    using T = arithmetic_t<value_t<A>>;
    require_number_beside<B, T>();
    return make_map(f, as_operand(std::forward<A>(a)), ScalarLeaf<T>(static_cast<T>(b)));
  } else {
    require_promotable<value_t<A>, value_t<B>>();
    using T = promoted_t<value_t<A>, value_t<B>>;
    constexpr bool left = is_operand_of<A, T>, right = is_operand_of<B, T>;
    if constexpr (left && right)
      return make_map(f, static_cast<A&&>(a), static_cast<B&&>(b));
    else if constexpr (left)
      return make_map(f, static_cast<A&&>(a), converted_operand<T>(static_cast<B&&>(b)));
    else if constexpr (right)
      return make_map(f, converted_operand<T>(static_cast<A&&>(a)), static_cast<B&&>(b));
    else
      return make_map(f, converted_operand<T>(static_cast<A&&>(a)),
                      converted_operand<T>(static_cast<B&&>(b)));
  }
}

template <class A, class B>
concept BinaryOperands =
    (Expression<A> && (Expression<B> || Number<B>)) || (Number<A> && Expression<B>);

template <class F, class A>
[[nodiscard]] constexpr auto unary(F f, A&& a) {
  if constexpr (ExpressionNode<A>)
    return make_map(f, static_cast<A&&>(a));
  else
    return make_map(f, as_operand(static_cast<A&&>(a)));
}

template <class T>
consteval void require_floating() {
  static_assert(std::floating_point<arithmetic_t<T>>,
                "This operation needs a floating-point tensor: write cast<double>(x).");
}
template <class T>
consteval void require_numeric() {
  static_assert(Numeric<T>, "Arithmetic on a bool tensor: write cast<T>(x), or use & | ^ ~.");
}
template <class T>
consteval void require_bits() {
  static_assert(std::integral<T>, "Bitwise operations need an integer or bool tensor.");
}
template <class T>
consteval void require_integers() {
  static_assert(std::integral<T> && Numeric<T>, "The remainder % needs an integer tensor.");
}

template <class F, class A, class B>
[[nodiscard]] constexpr auto arithmetic(F f, A&& a, B&& b) {
  if constexpr (Expression<A>) require_numeric<value_t<A>>();
  if constexpr (Expression<B>) require_numeric<value_t<B>>();
  return binary(f, std::forward<A>(a), std::forward<B>(b));
}
template <class F, class A, class B>
[[nodiscard]] constexpr auto bitwise(F f, A&& a, B&& b) {
  if constexpr (Expression<A>) require_bits<value_t<A>>();
  if constexpr (Expression<B>) require_bits<value_t<B>>();
  return binary(f, std::forward<A>(a), std::forward<B>(b));
}

}  // namespace tenon::detail::inline TENON_MODE
