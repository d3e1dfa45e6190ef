#pragma once
// Evaluation: an expression becomes elements, in memory that the caller names.

#include <tenon/eval/nothrow.hpp>
#include <tenon/eval/overlap.hpp>
#include <tenon/eval/shared.hpp>
#include <tenon/eval/stages.hpp>
#include <tenon/eval/workspace.hpp>

namespace tenon::inline TENON_MODE {

// A destination that the caller vouches for: it overlaps no operand, or only at the same index.
template <class Dst>
class NoAlias {
 public:
  constexpr explicit NoAlias(const Dst& dst) noexcept : dst_(dst) {}
  [[nodiscard]] constexpr const Dst& view() const noexcept { return dst_; }

 private:
  Dst dst_;
};

// Formula: eval_into(noalias(dst), e, …) skips the check for overlap.
// Contract: no element of dst is read by e, but at the index where it is written.
template <TensorLike Dst>
[[nodiscard]] constexpr auto noalias(Dst&& dst) noexcept(!checked_build) {
  if constexpr (is_tensor_view_v<std::remove_cvref_t<Dst>>)
    return NoAlias<std::remove_cvref_t<Dst>>(dst);
  else
    return NoAlias<decltype(dst.view())>(dst.view());
}

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Stages of one elementwise loop need no slots at all, whatever the extents.
template <class E>
inline constexpr bool needs_no_slots = structure_of<E>.stages == 1 && structure_of<E>.core[0] < 0;

// f(slots) with the slots of e: the constant ones where there are, else planned now, on the stack.
template <class E, class F>
decltype(auto) with_slots(const E& e, const F& f) {
  if constexpr (planned_when_compiling<E>) {
    return f(static_slots<E>);
  } else if constexpr (needs_no_slots<E>) {
    static constexpr PlacedSlots<0> none{};
    return f(none);
  } else {
    const auto slots = slots_for(e);
    return f(slots);
  }
}

// Evaluates e into the view dst with a workspace of slots.workspace_bytes.
template <class E, class SlotTable, class T, class S, class Layout>
TENON_INLINE void run(const E& e, const SlotTable& slots, const TensorView<T, S, Layout>& dst,
                      std::byte* workspace) {
  run_stages(Evaluation<E, SlotTable>{e, slots, workspace}, dst);
}

template <class Dst, class E>
consteval void require_same_element() {
  static_assert(std::same_as<value_t<Dst>, value_t<E>>,
                "The destination and the expression have different element types: write "
                "cast<T>(expression).");
  static_assert(!std::is_const_v<typename Dst::element_type>,
                "The destination of an evaluation has const elements.");
}

// The extents of two shape types can be the same.
template <class A, class B>
concept MatchingShapes = A::rank() == B::rank() && [] {
  if constexpr (A::rank() == B::rank()) {
    for (std::size_t i = 0; i < A::pattern.size(); ++i)
      if (is_static_extent(A::pattern[i]) && is_static_extent(B::pattern[i]) &&
          A::pattern[i] != B::pattern[i])
        return false;
  }
  return true;
}();

template <class Destination, class Result>
consteval void require_matching_shapes() {
  static_assert(MatchingShapes<Destination, Result>,
                "The destination of eval_into does not have the shape of the expression. Both "
                "shapes are named in the lines around this.");
}

template <class Dst, class E>
void check_destination(const char* operation, const Dst& dst, const E& e) {
  require_same_element<Dst, E>();
  require_matching_shapes<shape_t<Dst>, shape_t<E>>();
  if constexpr (!(shape_t<Dst>::is_static && shape_t<E>::is_static)) {
    if (!(dst.shape() == e.shape()))
      raise<ShapeError>(operation, "the destination has shape %s, the expression %s",
                        ShapeText(dst.shape().extents()).text, ShapeText(e.shape().extents()).text);
  }
}

// dst = temporary copy of e, where they overlap.
template <class E, class SlotTable, class Dst>
void run_through_temporary(const E& e, const SlotTable& slots, const Dst& dst,
                           std::byte* workspace) {
  using T = value_t<E>;
  T* p = reinterpret_cast<T*>(workspace + align_up(slots.workspace_bytes, workspace_alignment));
  const TensorView<T, shape_t<E>> temporary(p, e.shape());
  run(e, slots, temporary, workspace);
  const auto copy = leaf_of_view(temporary);
  static constexpr PlacedSlots<0> none{};
  run(copy, none, dst, nullptr);
}

// Evaluates the node e into dst; memory(bytes) gives the workspace, and its lifetime.
template <bool MayAlias, class Dst, class E, class SlotTable, class Memory>
void evaluate_with(const SlotTable& slots, const Dst& dst, const E& e, const Memory& memory) {
  if constexpr (MayAlias) {
    if (conflicts(e, dst)) {
      const auto block = memory(align_up(slots.workspace_bytes, workspace_alignment) +
                                static_cast<std::size_t>(dst.size()) * sizeof(value_t<E>));
      run_through_temporary(e, slots, dst, block.data());
      return;
    }
  }
  const auto block = memory(slots.workspace_bytes);
  run(e, slots, dst, block.data());
}
template <bool MayAlias, class Dst, class E, class Memory>
void evaluate_into(const Dst& dst, const E& e, const Memory& memory) {
  check_destination("eval_into", dst, e);
  check_leaves("eval_into", e);
  with_slots(e, [&](const auto& slots) { evaluate_with<MayAlias>(slots, dst, e, memory); });
}

// The node behind an argument: the argument itself, or the leaf that it becomes.
template <class X, class F>
decltype(auto) with_node(const X& x, const F& f) {
  if constexpr (ExpressionNode<X>)
    return f(x);
  else
    return f(as_operand(x));
}

inline constexpr auto any_workspace = static_cast<std::size_t>(-1);

// The same, with the uses of share() that read the same operands computed once where the plan of that
// needs at most `Most` bytes.
template <std::size_t Most, class X, class F>
decltype(auto) with_shared_node(const X& x, const F& f) {
  return with_node(x, [&](const auto& e) -> decltype(auto) { return with_shared<Most>(e, f); });
}

template <class Dst>
struct Destination {
  static constexpr bool may_alias = true;
  static constexpr auto view(Dst& dst) {
    if constexpr (is_tensor_view_v<std::remove_cvref_t<Dst>>)
      return dst;
    else
      return dst.view();
  }
};
template <class View>
struct Destination<NoAlias<View>> {
  static constexpr bool may_alias = false;
  static constexpr auto view(const NoAlias<View>& dst) { return dst.view(); }
};
template <class View>
struct Destination<const NoAlias<View>> : Destination<NoAlias<View>> {};

template <class X>
consteval void require_named_destination() {
  static_assert(!OwningTensor<std::remove_cvref_t<X>> || std::is_lvalue_reference_v<X>,
                "A program writes to a tensor of yours: this one would be gone after the "
                "statement. Give it a name.");
}

template <class Dst>
inline constexpr bool is_noalias = false;
template <class View>
inline constexpr bool is_noalias<NoAlias<View>> = true;

// True where eval_into has nothing to check at run time, room for whatever it finds, and functors that
// are noexcept.
template <class Dst, class X, bool Aliased>
inline constexpr bool evaluates_nothrow = [] {
  using D = Destination<std::remove_reference_t<Dst>>;
  using View =
      std::remove_cvref_t<decltype(D::view(std::declval<std::remove_reference_t<Dst>&>()))>;
  using E = planned_t<const X&>;
  return !checked_build && shape_t<View>::is_static && shape_t<E>::is_static && runs_nothrow<E> &&
         (!D::may_alias || Aliased || never_conflicts<E>);
}();

// f(node) as with_shared_node, but with the node itself where eval_into is noexcept because of what that
// node's last stage reads: another's may read more.
template <class Dst, class X, bool Aliased, std::size_t Most, class F>
void with_shared_within(const X& x, const F& f) {
  using D = Destination<std::remove_reference_t<Dst>>;
  if constexpr (D::may_alias && !Aliased && evaluates_nothrow<Dst, X, Aliased>)
    with_node(x, f);
  else
    with_shared_node<Most>(x, f);
}

// A workspace that somebody else holds.
struct BorrowedBlock {
  std::byte* bytes;
  [[nodiscard]] constexpr std::byte* data() const noexcept { return bytes; }
};

// Errors: ContractError where more workspace is needed than is there.
inline void require_room(const char* operation, std::size_t needed, std::size_t given) {
  if (needed <= given) return;
  if (given == 0)
    raise<ContractError>(operation, "%zu B of workspace needed: pass scratch(resource)", needed);
  raise<ContractError>(operation,
                       "the destination overlaps an operand: %zu B of workspace needed, %zu B "
                       "given; Workspace<E, aliased> has them",
                       needed, given);
}

template <class E, class Result, class Scratchpad>
[[nodiscard]] auto evaluate(const E& e, Result& results, Scratchpad& workspace) {
  check_leaves("eval", e);
  using T = value_t<E>;
  using S = shape_t<E>;
  Tensor<T, S> result(e.shape(), results);
  with_slots(e, [&](const auto& slots) {
    const WorkspaceBlock<Scratchpad> block(workspace, slots.workspace_bytes);
    run(e, slots, TensorView<T, S>(result.data(), e.shape()), block.data());
  });
  return result;
}

template <class T, class S>
struct StaticTensorOf;
template <class T, index_t... E>
struct StaticTensorOf<T, Shape<E...>> {
  using type = StaticTensor<T, E...>;
};

}  // namespace tenon::detail::inline TENON_MODE

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
void eval_into(Dst&& dst, const X& x, Scratch<W> workspace) {
  using D = detail::Destination<std::remove_reference_t<Dst>>;
  detail::with_shared_node<detail::any_workspace>(x, [&](const auto& e) {
    detail::evaluate_into<D::may_alias>(D::view(dst), e, [&](std::size_t bytes) {
      return detail::WorkspaceBlock<W>(*workspace.resource, bytes);
    });
  });
}

// The same for an expression with a constant plan and the storage that it asks for. No allocation.
// Errors: ContractError where dst truly overlaps an operand, unless it is a Workspace<E, aliased>.
// noexcept in unchecked builds for static shapes and functors that are noexcept, where overlap is no
// error either: for noalias(dst), a Workspace<E, aliased>, or an E whose last stage reads no operand.
template <ResultDestination Dst, StaticallyPlanned X, StaticallyPlanned E, bool Aliased>
  requires std::same_as<detail::planned_t<const X&>, detail::planned_t<const E&>>
void eval_into(Dst&& dst, const X& x, Workspace<E, Aliased>& workspace) noexcept(
    detail::evaluates_nothrow<Dst, X, Aliased>) {
  using D = detail::Destination<std::remove_reference_t<Dst>>;
  detail::with_shared_within<Dst, X, Aliased, plan_of<E>.workspace_bytes>(x, [&](const auto& e) {
    detail::evaluate_into<D::may_alias>(D::view(dst), e, [&](std::size_t bytes) {
      detail::require_room("eval_into", bytes, Workspace<E, Aliased>::size_bytes);
      return detail::BorrowedBlock{workspace.bytes};
    });
  });
}

// The same without a workspace, for expressions that need none.
// Errors: ContractError where dst truly overlaps an operand, or where an extent known at run time
// makes a workspace necessary: give scratch(…). noexcept as with a Workspace<E>.
template <ResultDestination Dst, Expression X>
void eval_into(Dst&& dst, const X& x) noexcept(detail::evaluates_nothrow<Dst, X, false>) {
  using D = detail::Destination<std::remove_reference_t<Dst>>;
  detail::with_shared_within<Dst, X, false, 0>(x, [&](const auto& e) {
    using E = std::remove_cvref_t<decltype(e)>;
    if constexpr (detail::planned_when_compiling<E>)
      static_assert(detail::static_slots<E>.workspace_bytes == 0,
                    "This expression needs a workspace: eval_into(dst, expression, scratch(res)).");
    detail::evaluate_into<D::may_alias>(D::view(dst), e, [&](std::size_t bytes) {
      detail::require_room("eval_into", bytes, 0);
      return detail::BorrowedBlock{nullptr};
    });
  });
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
    detail::require_same_element<View, X>();
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
