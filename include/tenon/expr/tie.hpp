#pragma once
// Several expressions, to be planned and evaluated together.

#include <tenon/expr/let.hpp>

namespace tenon::detail::inline TENON_MODE {

// A tensor or view that has a name: an operand as an expression, a view as a destination.
template <class View, class Leaf>
struct TiedTensor {
  View view;
  Leaf leaf;
};

template <class X>
inline constexpr bool is_tied_tensor = false;
template <class View, class Leaf>
inline constexpr bool is_tied_tensor<TiedTensor<View, Leaf>> = true;

template <class X>
[[nodiscard]] constexpr auto tied(X&& x) {
  using E = std::remove_cvref_t<X>;
  if constexpr (ExpressionNode<E> || (OwningTensor<E> && !std::is_lvalue_reference_v<X>)) {
    return as_operand(std::forward<X>(x));
  } else {
    const auto view = [&] {
      if constexpr (is_tensor_view_v<E>)
        return x;
      else
        return x.view();
    }();
    return TiedTensor<std::remove_const_t<decltype(view)>, decltype(as_operand(x))>{view,
                                                                                    as_operand(x)};
  }
}

// The node of a part of a tie.
template <class Part>
[[nodiscard]] constexpr const auto& tied_node(const Part& part) noexcept {
  if constexpr (is_tied_tensor<Part>)
    return part.leaf;
  else
    return part;
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Several expressions; see tie(). Not an expression itself.
template <class... Part>
class Tie {
 public:
  using group_tag = void;
  static constexpr std::size_t result_count = sizeof...(Part);

  constexpr explicit Tie(Part&&... parts) : parts_{std::move(parts)...} {}
  [[nodiscard]] constexpr const hana::basic_tuple<Part...>& parts() const noexcept {
    return parts_;
  }

 private:
  hana::basic_tuple<Part...> parts_;
};

// A value with a name around several expressions; see let().
template <class Tag, class Bound, class Body>
class LetGroup {
 public:
  using group_tag = void;
  using tag = Tag;
  static constexpr std::size_t result_count = Body::result_count;

  constexpr LetGroup(Bound&& bound, Body&& body)
      : bound_(std::move(bound)), body_(std::move(body)) {}
  [[nodiscard]] constexpr const Bound& bound() const noexcept { return bound_; }
  [[nodiscard]] constexpr const Body& body() const noexcept { return body_; }

 private:
  Bound bound_;
  Body body_;
};

// tie(…), or a let whose body is one.
template <class G>
concept ExpressionGroup = requires { typename std::remove_cvref_t<G>::group_tag; };

// Formula: eval(tie(a, b, …), res) is the tuple eval(a, res), eval(b, res), …, planned together.
// As a destination, tie(x, y, …) names tensors or views: eval_into(tie(x, y), tie(a, b), …).
// Operands enter as in any expression; what owns a tensor is moved in.
template <Expression... X>
  requires(sizeof...(X) >= 1)
[[nodiscard]] constexpr auto tie(X&&... x) {
  return Tie<decltype(detail::tied(std::forward<X>(x)))...>(detail::tied(std::forward<X>(x))...);
}

// Formula: let(x, f), f(h) = tie(…): several results that share the value of x, computed once: in
// registers where one loop yields all results, else in a slot of the workspace.
template <Expression X, class F>
  requires ExpressionGroup<std::invoke_result_t<
      F&, BoundLeaf<detail::LetTag<detail::operand_t<X>, std::remove_cvref_t<F>>, value_t<X>,
                    shape_t<X>>>>
[[nodiscard]] constexpr auto let(X&& x, F&& f) {
  auto bound = detail::as_operand(std::forward<X>(x));
  using Bound = decltype(bound);
  using Tag = detail::LetTag<Bound, std::remove_cvref_t<F>>;
  auto body = f(BoundLeaf<Tag, value_t<Bound>, shape_t<Bound>>(bound.shape()));
  return LetGroup<Tag, Bound, decltype(body)>(std::move(bound), std::move(body));
}

}  // namespace tenon::inline TENON_MODE
