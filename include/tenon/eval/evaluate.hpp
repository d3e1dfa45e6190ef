#pragma once
// From an expression and a destination to its stages: the checks, the slots, and where the workspace comes
// from.

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
inline constexpr bool needs_no_slots =
    structure_of<E>.stages == 1 && structure_of<E>.core[0] < 0 && region_roots<E>.empty();

inline constexpr PlacedSlots<0> no_slots{};

// Whether the slots of an expression of this type are the same for all extents, and those slots.
template <class E>
inline constexpr bool has_constant_slots = planned_when_compiling<E> || needs_no_slots<E>;
template <class E>
[[nodiscard]] consteval const auto& constant_slots() noexcept {
  if constexpr (planned_when_compiling<E>)
    return static_slots<E>;
  else
    return no_slots;
}

// The slots of e: the constant ones where there are, else planned now, on the stack.
template <class E>
[[nodiscard]] TENON_INLINE decltype(auto) slots_of(const E& e) {
  if constexpr (has_constant_slots<E>)
    return (constant_slots<E>());
  else
    return slots_for(e);
}

// For parallel evaluations, see parallel.hpp.
template <class E, class ParallelSlots, class View>
void run_in_parallel(const E& e, const ParallelSlots& parallel, const View& dst,
                     std::byte* workspace);

// Evaluates e into the view dst with a workspace of slots.workspace_bytes.
template <class E, class SlotTable, class T, class S, class Layout>
TENON_INLINE void run(const E& e, const SlotTable& slots, const TensorView<T, S, Layout>& dst,
                      std::byte* workspace) {
  if constexpr (requires { slots.executor; })
    run_in_parallel(e, slots, dst, workspace);
  else
    run_stages(Evaluation<E, SlotTable>{e, slots, workspace}, dst);
}

template <class Dst, class T>
consteval void require_same_element() {
  static_assert(std::same_as<value_t<Dst>, T>,
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

// By value: the extents of whoever calls stay in registers.
template <class S, class Given>
[[noreturn, gnu::noinline, gnu::cold]] void refuse_destination(const char* operation, Given given,
                                                               S shape) {
  raise<ShapeError>(operation, "the destination has shape %s, the expression %s",
                    ShapeText(given.extents()).text, ShapeText(shape.extents()).text);
}

// Errors: as eval_into, for an expression with elements of T and that shape.
template <class T, class Dst, class S>
TENON_INLINE void check_destination(const char* operation, const Dst& dst, const S& shape) {
  require_same_element<Dst, T>();
  require_matching_shapes<shape_t<Dst>, S>();
  if constexpr (!(shape_t<Dst>::is_static && S::is_static)) {
    if (!(dst.shape() == shape)) [[unlikely]]
      refuse_destination(operation, dst.shape(), shape);
  }
}

// dst = src, element by element.
template <class T, class S, class Dst>
[[gnu::noinline]] void copy_elements(const TensorView<T, S>& src, const Dst& dst) {
  run(leaf_of_view(src), no_slots, dst, nullptr);
}

// The workspace with room for a copy of the result behind the slots.
template <class E, class SlotTable>
[[nodiscard]] std::size_t aliased_bytes(const E& e, const SlotTable& slots) noexcept {
  return align_up(slots.workspace_bytes, workspace_alignment) +
         static_cast<std::size_t>(e.shape().size()) * sizeof(value_t<E>);
}

// Where the value of e goes before it is copied to a destination that overlaps: behind the slots.
template <class E, class SlotTable>
[[nodiscard]] auto temporary_of(const E& e, const SlotTable& slots, std::byte* workspace) {
  using T = value_t<E>;
  return TensorView<T, shape_t<E>>(
      reinterpret_cast<T*>(workspace + align_up(slots.workspace_bytes, workspace_alignment)),
      e.shape());
}

// dst = temporary copy of e, where they overlap.
template <class E, class SlotTable, class Dst>
void run_through_temporary(const E& e, const SlotTable& slots, const Dst& dst,
                           std::byte* workspace) {
  const auto temporary = temporary_of(e, slots, workspace);
  run(e, slots, temporary, workspace);
  copy_elements(temporary, dst);
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

// Where a workspace comes from: nowhere, from storage of the caller's, from a resource.
struct NoMemory {
  [[nodiscard]] BorrowedBlock operator()(std::size_t bytes) const {
    require_room("eval_into", bytes, 0);
    return {nullptr};
  }
};
struct BorrowedMemory {
  std::byte* bytes;
  std::size_t size;
  [[nodiscard]] BorrowedBlock operator()(std::size_t needed) const {
    require_room("eval_into", needed, size);
    return {bytes};
  }
};
template <class W>
struct ResourceMemory {
  W& resource;
  [[nodiscard]] auto operator()(std::size_t bytes) const {
    return WorkspaceBlock<W>(resource, bytes);
  }
};

// Evaluates the node e into dst; memory(bytes) gives the workspace, and its lifetime.
template <bool MayAlias, class Dst, class E, class SlotTable, class Memory>
TENON_INLINE void evaluate_here(const SlotTable& slots, const Dst& dst, const E& e,
                                const Memory& memory) {
  if constexpr (!MayAlias) {
    const auto block = memory(slots.workspace_bytes);
    run(e, slots, dst, block.data());
  } else {
    const bool conflict = conflicts(e, dst);
    const auto block = memory(conflict ? aliased_bytes(e, slots) : slots.workspace_bytes);
    if constexpr (std::same_as<Memory, NoMemory>) {  // which has refused a conflict
      run(e, slots, dst, block.data());
    } else if constexpr (std::same_as<Dst, TensorView<value_t<E>, shape_t<E>>>) {
      // One call for both cases: the kernels of an expression are compiled once.
      const Dst target = conflict ? temporary_of(e, slots, block.data()) : dst;
      run(e, slots, target, block.data());
      if (conflict) copy_elements(target, dst);
    } else if (conflict) {
      run_through_temporary(e, slots, dst, block.data());
    } else {
      run(e, slots, dst, block.data());
    }
  }
}

// The same; the compiler decides whether as code of the caller's.
template <bool MayAlias, class Dst, class E, class SlotTable, class Memory>
void evaluate_with(const SlotTable& slots, const Dst& dst, const E& e, const Memory& memory) {
  evaluate_here<MayAlias>(slots, dst, e, memory);
}

// True for a product of two leaves and nothing else: small ones take less time than passing them on in memory.
template <class E>
inline constexpr bool is_bare_product = [] {
  constexpr auto& structure = structure_of<E>;
  return structure.stages == 1 && structure.core[0] == 0 &&
         pattern_records<E>[0].kind == Kind::contract && pattern_records<E>.size() == 3;
}();

// Evaluates nodes into `dst`: what all forms of eval_into do with the node that they find.
template <bool MayAlias, class Dst, class Memory>
struct EvaluateInto {
  Dst dst;
  Memory memory;

  template <class E>
  TENON_INLINE void operator()(const E& e) const {
    if constexpr (std::same_as<Memory, NoMemory> && planned_when_compiling<E>)
      static_assert(static_slots<E>.workspace_bytes == 0,
                    "This expression needs a workspace: eval_into(dst, expression, scratch(res)).");
    check_destination<value_t<E>>("eval_into", dst, e.shape());
    if constexpr (checked_build) check_leaves("eval_into", e);
    if constexpr (is_bare_product<E>)
      evaluate_here<MayAlias>(slots_of(e), dst, e, memory);
    else
      evaluate_with<MayAlias>(slots_of(e), dst, e, memory);
  }
};

// f(node of x): the argument itself, or the leaf that it becomes.
template <class X, class F>
TENON_INLINE decltype(auto) with_node(const X& x, const F& f) {
  if constexpr (ExpressionNode<X>)
    return f(x);
  else
    return f(as_operand(x));
}

inline constexpr auto any_workspace = static_cast<std::size_t>(-1);

// f(node of x), with the uses of share() that read the same operands computed once where the plan of that
// needs at most `Most` bytes.
template <std::size_t Most, class X, class F>
TENON_INLINE decltype(auto) with_shared_node(const X& x, const F& f) {
  if constexpr (has_share<X>)
    return with_shared<Most>(x, f);
  else
    return with_node(x, f);
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

template <class Dst, class Memory>
[[nodiscard]] constexpr auto evaluate_into(Dst& dst, const Memory& memory) {
  using D = Destination<Dst>;
  return EvaluateInto<D::may_alias, decltype(D::view(dst)), Memory>{D::view(dst), memory};
}

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
  if constexpr (checked_build || !shape_t<X>::is_static) {
    return false;
  } else {
    using D = Destination<std::remove_reference_t<Dst>>;
    using View =
        std::remove_cvref_t<decltype(D::view(std::declval<std::remove_reference_t<Dst>&>()))>;
    using E = planned_t<const X&>;
    return shape_t<View>::is_static && runs_nothrow<E> &&
           (!D::may_alias || Aliased || never_conflicts<E>);
  }
}();

// f(node) as with_shared_node, but with the node itself where eval_into is noexcept because of what that
// node's last stage reads: another's may read more.
template <class Dst, class X, bool Aliased, std::size_t Most, class F>
TENON_INLINE void with_shared_within(const X& x, const F& f) {
  using D = Destination<std::remove_reference_t<Dst>>;
  if constexpr (D::may_alias && !Aliased && evaluates_nothrow<Dst, X, Aliased>)
    with_node(x, f);
  else
    with_shared_node<Most>(x, f);
}

template <class E, class Result, class Scratchpad>
[[nodiscard]] auto evaluate(const E& e, Result& results, Scratchpad& workspace) {
  if constexpr (checked_build) check_leaves("eval", e);
  using T = value_t<E>;
  using S = shape_t<E>;
  Tensor<T, S> result(e.shape(), results);
  const auto& slots = slots_of(e);
  const WorkspaceBlock<Scratchpad> block(workspace, slots.workspace_bytes);
  run(e, slots, TensorView<T, S>(result.data(), e.shape()), block.data());
  return result;
}

template <class T, class S>
struct StaticTensorOf;
template <class T, index_t... E>
struct StaticTensorOf<T, Shape<E...>> {
  using type = StaticTensor<T, E...>;
};

}  // namespace tenon::detail::inline TENON_MODE
