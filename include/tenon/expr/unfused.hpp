#pragma once
// A test aid: every operation by itself.

#include <tenon/expr/let.hpp>
#include <tenon/expr/views.hpp>

namespace tenon::detail::inline TENON_MODE {

// The name of an operand that is stored.
template <class X>
struct StoredTag {};

// Formula: x, through a slot of the workspace: a reshape to x's own shape reads it in row-major order.
template <class X>
[[nodiscard]] constexpr auto stored(X x) {
  if constexpr (X::kind == Kind::leaf || X::kind == Kind::scalar || X::kind == Kind::bound ||
                X::kind == Kind::windows) {
    return x;
  } else {
    using Tag = StoredTag<X>;
    const auto shape = x.shape();
    using S = std::remove_const_t<decltype(shape)>;
    using Name = BoundLeaf<Tag, value_t<X>, S>;
    auto body = make_node<Reshape, value_t<X>>(Reshape{}, shape, Name(shape));
    return make_node<Let<Tag>, value_t<X>>(Let<Tag>{}, shape, std::move(x), std::move(body));
  }
}

// e with every operand stored; leaves that own read from where they lie in e.
template <class E>
[[nodiscard]] constexpr auto apart(const E& e) {
  if constexpr (E::kind == Kind::leaf) {
    return leaf_of_view(e.view());
  } else if constexpr (E::kind == Kind::scalar || E::kind == Kind::bound) {
    return e;
  } else {
    return hana::unpack(e.operands(), [&](const auto&... x) {
      return make_node<typename E::op_type, value_t<E>>(e.op(), e.shape(), stored(apart(x))...);
    });
  }
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE::testing {

// Formula: unfused(e) = e, every operation into a buffer of its own: what fusion is compared with, in
// bits or within bounds. Views and windows stay what they are; an operand of theirs is stored.
// Contract: e outlives it. Not for use outside of tests and benchmarks: it takes all the memory that
// fusion saves.
template <Expression X>
[[nodiscard]] constexpr auto unfused(const X& x) {
  if constexpr (ExpressionNode<X>)
    return detail::apart(x);
  else
    return detail::as_operand(x);
}

}  // namespace tenon::inline TENON_MODE::testing
