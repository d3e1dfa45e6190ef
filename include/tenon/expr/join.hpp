#pragma once
// pad and concat: operands one after another along an axis, read where they lie.

#include <tenon/expr/map.hpp>

namespace tenon::inline TENON_MODE {

// The operation of concat.
template <int Axis>
struct Concat {
  static constexpr Kind kind = Kind::join;
  static constexpr const char* name = "concat";
  static constexpr int axis = Axis;
};

// The operation of pad: its operand begins at `before`, `value` is around it.
template <int Axis, class T>
struct Pad {
  static constexpr Kind kind = Kind::join;
  static constexpr const char* name = "pad";
  static constexpr int axis = Axis;
  index_t before = 0;
  T value{};
  friend constexpr bool operator==(const Pad&, const Pad&) = default;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// The pattern of the sum of two extents.
[[nodiscard]] constexpr index_t sum_pattern(index_t a, index_t b) noexcept {
  if (is_static_extent(a) && is_static_extent(b)) return a + b;
  if (is_unbounded_extent(a) || is_unbounded_extent(b) || is_block_extent(a) || is_block_extent(b))
    return dyn;
  return -1 - (bound_of(a) + bound_of(b));
}

// The sum of two extents. Errors: ShapeError where it does not fit.
[[nodiscard]] constexpr index_t sum_extents(const char* operation, index_t a, index_t b) {
  index_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    raise<ShapeError>(operation, "%td and %td elements along one axis overflow", a, b);
  return sum;
}

// The pattern of x after `before` and `after` more elements along an axis.
template <class S, int Axis, index_t More>
consteval auto longer_pattern() {
  auto pattern = S::pattern;
  index_t& e = pattern[static_cast<std::size_t>(Axis)];
  e = sum_pattern(e, More);
  return pattern;
}

// What is known of an extent that two operands must agree on.
[[nodiscard]] constexpr index_t agreed_pattern(index_t a, index_t b) noexcept {
  return is_static_extent(a) || is_unbounded_extent(b) ? a : b;
}

template <int Axis, std::size_t R>
[[nodiscard]] constexpr bool joins(const std::array<index_t, R>& a,
                                   const std::array<index_t, R>& b) noexcept {
  for (std::size_t d = 0; d < R; ++d)
    if (static_cast<int>(d) != Axis && is_static_extent(a[d]) && is_static_extent(b[d]) &&
        a[d] != b[d])
      return false;
  return true;
}

template <class Operation, class A, class B>
consteval void require_joined_shapes() {
  static_assert(joins<Operation::axis>(A::pattern, B::pattern),
                "concat needs operands of the same extents but for the axis that it joins. Both "
                "shapes are named in the lines around this.");
}

template <int Axis, class A, class... More>
consteval auto joined_pattern() {
  auto pattern = A::pattern;
  const auto add = [&](const auto& other) {
    for (std::size_t d = 0; d < pattern.size(); ++d)
      pattern[d] = static_cast<int>(d) == Axis ? sum_pattern(pattern[d], other[d])
                                               : agreed_pattern(pattern[d], other[d]);
  };
  (add(More::pattern), ...);
  return pattern;
}

template <int Axis, class X, class... More>
[[nodiscard]] constexpr auto make_concat(X x, More... more) {
  using Op = Concat<Axis>;
  using S = shape_t<X>;
  (require_joined_shapes<Op, S, shape_t<More>>(), ...);
  const auto first = x.shape().extents();
  auto extents = first;
  const auto add = [&](const auto& other) {
    if (!joins<Axis>(first, other))
      raise<ShapeError>("concat", "shapes %s and %s differ beside axis %d", ShapeText(first).text,
                        ShapeText(other).text, Axis);
    index_t& e = extents[static_cast<std::size_t>(Axis)];
    e = sum_extents("concat", e, other[static_cast<std::size_t>(Axis)]);
  };
  (add(more.shape().extents()), ...);
  using Result = shape_from_t<joined_pattern<Axis, S, shape_t<More>...>()>;
  return make_node<Op, value_t<X>>(Op{}, Result::from_extents(extents), std::move(x),
                                   std::move(more)...);
}

template <class A, class... More>
struct PromotedAll {
  using type = arithmetic_t<A>;
};
template <class A, class B, class... More>
struct PromotedAll<A, B, More...> {
  static consteval auto of() {
    require_promotable<A, B>();
    return std::type_identity<typename PromotedAll<promoted_t<A, B>, More...>::type>{};
  }
  using type = typename decltype(of())::type;
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: concat<A>(a, b, …) = a, then b, … along axis A, as numpy.concatenate.
// Shapes: the same but for axis A, whose extents add up. Element types promote as of a + b.
// Read where it is used, nothing is copied; what an operand has to compute by itself (a product, a
// reduction) is stored first.
// Errors: other extents that differ are a compile error where known, else ShapeError. No allocation.
template <int Axis, Expression X, Expression... More>
[[nodiscard]] constexpr auto concat(X&& x, More&&... more) {
  constexpr int rank = shape_t<X>::rank();
  static_assert(Axis >= -rank && Axis < rank, "concat names an axis that its operands lack.");
  static_assert(((shape_t<More>::rank() == rank) && ...), "concat needs operands of one rank.");
  using T = typename detail::PromotedAll<value_t<X>, value_t<More>...>::type;
  return detail::make_concat<normalize_axis(Axis, rank)>(
      detail::converted_operand<T>(std::forward<X>(x)),
      detail::converted_operand<T>(std::forward<More>(more))...);
}

// Formula: pad<A>(x, b, a, v) = b times v, then x, then a times v along axis A; v is 0 if left out.
// Shapes: that of x with b + a more along A; constants (1_c) keep the extent static.
// Read where it is used, nothing is copied.
// Errors: ShapeError (or a compile error) where b or a is negative. No allocation.
template <int Axis, Expression X, ExtentArgument Before, ExtentArgument After,
          detail::Number V = arithmetic_t<value_t<X>>>
[[nodiscard]] constexpr auto pad(X&& x, Before before, After after, V value = V{}) {
  using S = shape_t<X>;
  using T = arithmetic_t<value_t<X>>;
  constexpr int rank = S::rank();
  static_assert(Axis >= -rank && Axis < rank, "pad names an axis that its operand lacks.");
  detail::require_number_beside<V, T>();
  constexpr int axis = normalize_axis(Axis, rank);
  const index_t first = detail::as_index(before), last = detail::as_index(after);
  if (first < 0 || last < 0)
    detail::raise<ShapeError>("pad",
                              "%td elements before and %td after axis %d: both must be at "
                              "least 0",
                              first, last, axis);
  auto extents = x.shape().extents();
  index_t& e = extents[static_cast<std::size_t>(axis)];
  e = detail::sum_extents("pad", detail::sum_extents("pad", e, first), last);
  constexpr index_t more =
      detail::sum_pattern(detail::extent_pattern<Before>(), detail::extent_pattern<After>());
  using Result = shape_from_t<detail::longer_pattern<S, axis, more>()>;
  return detail::make_node<Pad<axis, T>, T>(Pad<axis, T>{first, static_cast<T>(value)},
                                            Result::from_extents(extents),
                                            detail::converted_operand<T>(std::forward<X>(x)));
}

}  // namespace tenon::inline TENON_MODE
