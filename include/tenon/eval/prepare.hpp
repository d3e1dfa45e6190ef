#pragma once
// Prepared programs: everything that can fail is done once, and running is kernels alone.

#include <tenon/eval/eval.hpp>
#include <tenon/eval/nothrow.hpp>
#include <tenon/eval/rebind.hpp>

namespace tenon::detail::inline TENON_MODE {

// The slots of an expression, kept: a reference to the constant where there is one.
template <class E>
class HeldSlots {
 public:
  static constexpr bool runs_nothrow = detail::runs_nothrow<E>;

  explicit HeldSlots(const E& e) : slots_(slots_for(e)) {}
  [[nodiscard]] const auto& get() const noexcept { return slots_; }

 private:
  decltype(slots_for(std::declval<const E&>())) slots_;
};
template <class E>
  requires has_constant_slots<E>
class HeldSlots<E> {
 public:
  static constexpr bool runs_nothrow = detail::runs_nothrow<E>;

  explicit HeldSlots(const E&) noexcept {}
  [[nodiscard]] static const auto& get() noexcept { return constant_slots<E>(); }
};

// A workspace for as long as the program lives: a tensor of bytes gives its block back to a resource,
// and does nothing where that was cleared before.
class OwnedWorkspace {
 public:
  template <class R>
  OwnedWorkspace(R& resource, std::size_t bytes)
      : block_(shape(static_cast<index_t>(bytes)), resource) {}

  [[nodiscard]] std::byte* data() noexcept { return block_.data(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return static_cast<std::size_t>(block_.size());
  }
  void check(const char* operation) const {
    if constexpr (checked_build)
      if (!block_.is_live())
        raise<StaleTensorError>(operation,
                                "the program's workspace of %zu B is stale: its memory resource "
                                "was cleared or reset since prepare",
                                size_bytes());
  }

 private:
  Tensor<std::byte, Shape<dyn>> block_;
};

// A workspace that the user holds.
class BorrowedWorkspace {
 public:
  BorrowedWorkspace(std::byte* bytes, std::size_t size_bytes) noexcept
      : bytes_(bytes), size_bytes_(size_bytes) {}
  [[nodiscard]] std::byte* data() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
  void check(const char*) const noexcept {}

 private:
  std::byte* bytes_;
  std::size_t size_bytes_;
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// An expression with its destination, workspace and plan, made by prepare().
//   run()      evaluates; no allocation, no check but, in checked builds, that operands are alive
//   rebind(…)  other operands or another destination, of the same shapes and layouts
// Move-only: it owns its workspace. Destroyed, it gives the workspace back.
// Contract: destination, operands that the expression does not own, and the resource outlive it.
// Thread rules: one run at a time; two programs with workspaces of their own run side by side.
template <class E, class View, bool MayAlias, class Memory, class SlotHolder = detail::HeldSlots<E>>
class Program {
 public:
  using expression_type = E;
  // Tensors in the expression, counted from left to right.
  static constexpr int operand_count = detail::leaf_nodes<E>.count;
  static constexpr bool runs_nothrow = SlotHolder::runs_nothrow;

  // Takes the workspace by take(bytes). Use prepare().
  template <class Take, class... Executor>
  Program(const View& destination, detail::BlockGuard guard, E&& expression, const Take& take,
          Executor&... executor)
      : expression_(std::move(expression)),
        destination_(destination),
        guard_(guard),
        slots_(expression_, executor...),
        through_temporary_(overlaps()),
        memory_(take(needed_bytes())) {}

  Program(Program&&) noexcept = default;
  Program& operator=(Program&&) = delete;  // an expression is no variable: its views are handles

  // Formula: destination(i…) = expression(i…), for what operands and destination hold now.
  // No allocation, no check of shapes or overlap: prepare and rebind did that. noexcept unless a functor
  // of the expression may throw. In checked builds an operand, destination or workspace that died
  // since ends the program by std::terminate; check() says so in time.
  TENON_INLINE void run() noexcept(runs_nothrow) {
    if constexpr (checked_build) check("run");
    if constexpr (MayAlias) {
      if (through_temporary_) [[unlikely]] {
        detail::run_through_temporary(expression_, slots_.get(), destination_, memory_.data());
        return;
      }
    }
    detail::run(expression_, slots_.get(), destination_, memory_.data());
  }

  // Errors: StaleTensorError where operand, destination or workspace died (checked builds).
  void check(const char* operation = "check") const {
    if constexpr (checked_build) {
      detail::check_leaves(operation, expression_);
      guard_.check(operation);
      memory_.check(operation);
    }
  }

  // rebind(operand<0>(x), destination(y), replacing(a, b), …): all of them, or none where one fails.
  // The destination may overlap operands as in prepare; where that needs a copy of the result and the
  // workspace, taken once, has no room for it, it is an error.
  // Errors: wrong element types, layouts and known extents do not compile; ShapeError for other
  // extents; ContractError for overlap, and for replacing(a, b) where no operand lies in a. No allocation.
  template <class... Binding>
  void rebind(const Binding&... bindings) {
    Rollback undo(*this);
    (bind(bindings), ...);
    if constexpr (MayAlias) {
      const bool overlap = overlaps();
      if (overlap && memory_.size_bytes() < aliased_bytes())
        detail::raise<ContractError>("rebind",
                                     "the destination overlaps an operand: %zu B of workspace "
                                     "needed, %zu B taken by prepare",
                                     aliased_bytes(), memory_.size_bytes());
      through_temporary_ = overlap;
    }
    undo.commit();
  }
  // Formula: rebind<I>(x) is rebind(operand<I>(x)).
  template <int I, TensorLike X>
  void rebind(X&& x) {
    rebind(operand<I>(std::forward<X>(x)));
  }

  [[nodiscard]] const View& destination() const noexcept { return destination_; }
  // What prepare took: plan(e).workspace_bytes, or workspace_bytes_if_aliased for true overlap.
  [[nodiscard]] std::size_t workspace_bytes() const noexcept { return memory_.size_bytes(); }
  // True where the result is made beside the destination and copied, for it overlaps an operand.
  [[nodiscard]] bool is_aliased() const noexcept { return through_temporary_; }

 private:
  // Puts operands and destination back as they were, unless committed.
  class Rollback {
   public:
    explicit Rollback(Program& program) noexcept
        : program_(program),
          leaves_(program.expression_),
          destination_(program.destination_),
          guard_(program.guard_) {}
    Rollback(const Rollback&) = delete;  // one owner undoes
    Rollback& operator=(const Rollback&) = delete;
    ~Rollback() {
      if (committed_) return;
      leaves_.restore(program_.expression_);
      program_.destination_.rebind(destination_);
      program_.guard_ = guard_;
    }
    void commit() noexcept { committed_ = true; }

   private:
    Program& program_;
    detail::SavedLeaves<E> leaves_;
    View destination_;
    detail::BlockGuard guard_;
    bool committed_ = false;
  };

  template <int I, class X>
  void bind(const OperandBinding<I, X>& binding) {
    detail::bind_operand(expression_, binding);
  }
  template <class X>
  void bind(const Replacement<X>& replacement) {
    detail::bind_replacement(expression_, replacement);
  }
  template <class X>
  void bind(const DestinationBinding<X>& binding) {
    destination_.rebind(
        detail::fitting_view<View>("destination", 0, binding.view, destination_.shape()));
    guard_ = binding.guard;
  }

  [[nodiscard]] bool overlaps() const noexcept {
    if constexpr (MayAlias)
      return detail::conflicts(expression_, destination_);
    else
      return false;
  }
  [[nodiscard]] std::size_t aliased_bytes() const noexcept {
    return detail::aliased_bytes(expression_, slots_.get());
  }
  [[nodiscard]] std::size_t needed_bytes() const noexcept {
    return through_temporary_ ? aliased_bytes() : slots_.get().workspace_bytes;
  }

  E expression_;
  View destination_;
  [[no_unique_address]] detail::BlockGuard guard_;
  [[no_unique_address]] SlotHolder slots_;
  bool through_temporary_;
  Memory memory_;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Serial where there is no executor, else SlotsFor<E> holds it with the slots.
template <class Memory, template <class> class SlotsFor = HeldSlots, class Dst, class X, class Take,
          class... Executor>
[[nodiscard]] auto make_program(Dst& dst, X&& x, const Take& take, Executor&... executor) {
  using D = Destination<Dst>;
  const auto view = D::view(dst);
  auto e = as_operand(std::forward<X>(x));
  using E = decltype(e);
  check_destination<value_t<decltype(e)>>("prepare", view, e.shape());
  check_leaves("prepare", e);
  return Program<E, std::remove_const_t<decltype(view)>, D::may_alias, Memory, SlotsFor<E>>(
      view, guard_of(dst), std::move(e), take, executor...);
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: prepare(dst, e, scratch(res)).run() is eval_into(dst, e, scratch(res)), as often as wanted.
// Checks shapes, overlap and that operands are alive, plans, takes the workspace from the resource
// and keeps it until the program dies. An expression that owns a tensor is moved in: std::move(e).
// Errors: those of eval_into. Allocations: the workspace, once.
template <ResultDestination Dst, Expression X, MemoryResource W>
[[nodiscard]] auto prepare(Dst&& dst, X&& x, Scratch<W> workspace) {
  detail::require_named_destination<Dst>();
  return detail::make_program<detail::OwnedWorkspace>(
      dst, std::forward<X>(x),
      [&](std::size_t bytes) { return detail::OwnedWorkspace(*workspace.resource, bytes); });
}

// The same in storage of yours, which outlives the program. No allocation.
// Errors: ContractError where dst truly overlaps an operand and the workspace is not
// Workspace<E, aliased>.
template <ResultDestination Dst, Expression X, StaticallyPlanned E, bool Aliased>
  requires std::same_as<detail::planned_t<X>, detail::planned_t<E>>
[[nodiscard]] auto prepare(Dst&& dst, X&& x, Workspace<E, Aliased>& workspace) {
  detail::require_named_destination<Dst>();
  return detail::make_program<detail::BorrowedWorkspace>(
      dst, std::forward<X>(x), [&](std::size_t bytes) {
        detail::require_room("prepare", bytes, workspace.size_bytes);
        return detail::BorrowedWorkspace(workspace.bytes, workspace.size_bytes);
      });
}

// The same for expressions that need no workspace.
// Errors: ContractError where one is needed: for its size, or for true overlap.
template <ResultDestination Dst, Expression X>
[[nodiscard]] auto prepare(Dst&& dst, X&& x) {
  detail::require_named_destination<Dst>();
  return detail::make_program<detail::BorrowedWorkspace>(
      dst, std::forward<X>(x), [&](std::size_t bytes) {
        detail::require_room("prepare", bytes, 0);
        return detail::BorrowedWorkspace(nullptr, 0);
      });
}

}  // namespace tenon::inline TENON_MODE
