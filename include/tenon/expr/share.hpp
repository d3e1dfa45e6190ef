#pragma once
// The loose form of sharing: a handle that may be used anywhere in an expression.

#include <tenon/expr/let.hpp>

namespace tenon::detail::inline TENON_MODE {

// The name under which the uses of a handle meet: the type of what it stands for.
template <class X>
struct ShareTag {};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: share(x) = x. Where an expression uses it more than once, eval and eval_into compute x once,
// provided that all uses of that type have the same operands: the types are compared when
// compiling, addresses, numbers and functors when running. Where they differ (exp(a) and exp(b)
// have one type), and in a prepared program, each use computes its own, to the same result.
// Inside the body of a let, what reads the let's name is never shared this way: use let again.
// Errors: an x that owns a tensor does not compile: let(std::move(x), …) shares that.
template <Expression X>
[[nodiscard]] constexpr auto share(X&& x) {
  auto node = detail::as_operand(std::forward<X>(x));
  using E = decltype(node);
  static_assert(std::is_copy_constructible_v<E>,
                "share(x) copies its expression to every use, and this one owns a tensor: share it "
                "by let(std::move(x), ...).");
  using Tag = detail::ShareTag<E>;
  using Name = BoundLeaf<Tag, value_t<E>, shape_t<E>>;
  const auto shape = node.shape();
  return detail::make_node<Let<Tag>, value_t<E>>(Let<Tag>{}, shape, std::move(node), Name(shape));
}

}  // namespace tenon::inline TENON_MODE
