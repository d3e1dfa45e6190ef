#pragma once
// Evaluation: an expression becomes elements, in memory that the caller names.

#include <tenon/eval/evaluate.hpp>

namespace tenon::inline TENON_MODE {

template <class X>
concept ResultDestination = TensorLike<X> || detail::is_noalias<std::remove_cvref_t<X>>;

// Formula: eval(e, res)(i…) = e(i…), a new tensor.
// Memory: the result, then the workspace of the plan, both from `res`; the workspace goes back before
// return. A resource that is warm serves both without a call to the system.
// Errors: ShapeError when extents exceed their bound; whatever the resource raises, and then nothing
// is leaked; StaleTensorError for an operand that has died (checked builds).
template <Expression X, MemoryResource R>
[[nodiscard]] auto eval(const X& x, R& resource) {
  return detail::with_shared_node<detail::any_workspace>(
      x, [&](const auto& e) { return detail::evaluate(e, resource, resource); });
}
template <Expression X>
[[nodiscard]] auto eval(const X& x, std::pmr::memory_resource* resource) {
  return eval(x, *resource);
}

// The same with two resources: the result from `results`, the workspace from scratch(…).
template <Expression X, MemoryResource R, MemoryResource W>
[[nodiscard]] auto eval(const X& x, R& results, Scratch<W> workspace) {
  return detail::with_shared_node<detail::any_workspace>(
      x, [&](const auto& e) { return detail::evaluate(e, results, *workspace.resource); });
}

// Formula: eval_into(dst, e, …): dst(i…) = e(i…). dst is a tensor, a view, or noalias(either).
// Where dst truly overlaps an operand, the plan's workspace grows by one copy of the result
// (workspace_bytes_if_aliased) and the answer is the mathematically right one; overlap at the same
// index of elementwise work costs nothing.
// Memory: only the workspace, from scratch(…), given back before return.
// Errors: shapes that differ do not compile where known, else ShapeError before anything is written.
template <ResultDestination Dst, Expression X, MemoryResource W>
TENON_INLINE void eval_into(Dst&& dst, const X& x, Scratch<W> workspace) {
  detail::with_shared_node<detail::any_workspace>(
      x, detail::evaluate_into(dst, detail::ResourceMemory<W>{*workspace.resource}));
}

// The same for an expression with a constant plan and the storage that it asks for. No allocation.
// Errors: ContractError where dst truly overlaps an operand, unless it is a Workspace<E, aliased>.
// noexcept in unchecked builds for static shapes and functors that are noexcept, where overlap is no
// error either: for noalias(dst), a Workspace<E, aliased>, or an E whose last stage reads no operand.
template <ResultDestination Dst, StaticallyPlanned X, StaticallyPlanned E, bool Aliased>
  requires std::same_as<detail::planned_t<const X&>, detail::planned_t<const E&>>
void eval_into(Dst&& dst, const X& x, Workspace<E, Aliased>& workspace) noexcept(
    detail::evaluates_nothrow<Dst, X, Aliased>) {
  detail::with_shared_within<Dst, X, Aliased, plan_of<E>.workspace_bytes>(
      x, detail::evaluate_into(
             dst, detail::BorrowedMemory{workspace.bytes, Workspace<E, Aliased>::size_bytes}));
}

// The same without a workspace, for expressions that need none.
// Errors: ContractError where dst truly overlaps an operand, or where an extent known at run time
// makes a workspace necessary: give scratch(…). noexcept as with a Workspace<E>.
template <ResultDestination Dst, Expression X>
void eval_into(Dst&& dst, const X& x) noexcept(detail::evaluates_nothrow<Dst, X, false>) {
  detail::with_shared_within<Dst, X, false, 0>(x, detail::evaluate_into(dst, detail::NoMemory{}));
}

// Formula: eval(e), e of static shape and at most 4 KiB: a StaticTensor, no memory from anywhere.
template <StaticallyPlanned X>
[[nodiscard]] auto eval(const X& x) {
  using S = shape_t<X>;
  static_assert(S::is_static, "eval without a resource needs an expression of static shape.");
  static_assert(plan_of<const X&>.result_bytes <= 4096,
                "The result exceeds 4 KiB: pass a resource, eval(expression, pool).");
  static_assert(detail::static_slots<detail::planned_t<const X&>>.workspace_bytes == 0,
                "This expression needs a workspace: eval(expression, scratch(res)).");
  typename detail::StaticTensorOf<value_t<X>, S>::type result{};
  eval_into(noalias(result), x);
  return result;
}
// The same with a workspace.
template <StaticallyPlanned X, MemoryResource W>
[[nodiscard]] auto eval(const X& x, Scratch<W> workspace) {
  using S = shape_t<X>;
  static_assert(S::is_static,
                "eval without a result resource needs an expression of static shape.");
  static_assert(plan_of<const X&>.result_bytes <= 4096,
                "The result exceeds 4 KiB: pass a resource, eval(expression, pool, scratch(res)).");
  typename detail::StaticTensorOf<value_t<X>, S>::type result{};
  eval_into(noalias(result), x, workspace);
  return result;
}

// Formula: view = e: every element of the view, e broadcast to it. Views and tensors call this.
// Errors: ShapeError where e does not broadcast to the view; ContractError for true overlap.
template <class T, class S, class Layout, class X>
  requires(Expression<X> || detail::Number<X>)
void assign_expression(const TensorView<T, S, Layout>& view, X&& x) {
  using View = TensorView<T, S, Layout>;
  if constexpr (detail::Number<X>) {
    detail::require_number_beside<X, T>();
    assign_expression(view, ScalarLeaf<T>(static_cast<T>(x)));
  } else if constexpr (S::is_static && std::same_as<S, shape_t<X>>) {
    eval_into(view, x);
  } else {
    detail::require_same_element<View, value_t<X>>();
    static_assert(shape_t<X>::rank() <= S::rank(),
                  "The expression has more axes than the view that it is assigned to: slice or "
                  "reduce it first.");
    detail::require_broadcastable_shapes<functor::Assign, S, shape_t<X>>();
    const auto shape = broadcast_shapes(functor::Assign::name, x.shape(), view.shape());
    if (!(shape == view.shape()))
      detail::raise<ShapeError>(functor::Assign::name,
                                "shape %s does not broadcast to the view's %s",
                                detail::ShapeText(x.shape().extents()).text,
                                detail::ShapeText(view.shape().extents()).text);
    eval_into(view, detail::make_node<Map<functor::Assign>, T>(
                        {}, view.shape(), detail::as_operand(std::forward<X>(x))));
  }
}

}  // namespace tenon::inline TENON_MODE
