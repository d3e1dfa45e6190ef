#pragma once
// Sharing a value: computed once, used by name.

#include <tenon/expr/map.hpp>

namespace tenon::inline TENON_MODE {

// The operation of a let node; its operands are the bound expression and the body. Tag is the name
// that the body's BoundLeaf carries.
template <class Tag>
struct Let {
  static constexpr Kind kind = Kind::let;
  static constexpr const char* name = "let";
  using tag = Tag;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// A name made of the bound expression's type and the body's: a let inside its own body has another
// type, so the innermost name is always the right one.
template <class Bound, class Body>
struct LetTag {};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: let(x, f) = f(h), where h stands for the value of x, computed once.
// Where every use of h is elementwise at the shape of the result, h lives in registers of the same
// loop; elsewhere it gets a slot of the workspace. Shape and element type: those of f(h).
template <Expression X, class F>
[[nodiscard]] constexpr auto let(X&& x, F&& f) {
  auto bound = detail::as_operand(std::forward<X>(x));
  using Bound = decltype(bound);
  using Tag = detail::LetTag<Bound, std::remove_cvref_t<F>>;
  using Name = BoundLeaf<Tag, value_t<Bound>, shape_t<Bound>>;
  static_assert(Expression<decltype(f(Name(bound.shape())))>,
                "The body of let must return an expression of its argument.");
  auto body = detail::as_operand(f(Name(bound.shape())));
  const auto shape = body.shape();
  return detail::make_node<Let<Tag>, value_t<decltype(body)>>(Let<Tag>{}, shape, std::move(bound),
                                                              std::move(body));
}

}  // namespace tenon::inline TENON_MODE
