#pragma once
// Evaluation on several threads: the forms of eval, eval_into and prepare with one argument more.

#include <tenon/eval/parallel_bytes.hpp>
#include <tenon/eval/parallel_stages.hpp>
#include <tenon/eval/prepare.hpp>

#include <concepts>
#include <memory>

namespace tenon::inline TENON_MODE {

// What runs the parts of an evaluation: parallel_for(n, f) calls f(0) … f(n - 1), each once, on any threads,
// in any order, and returns when all have ended; thread_count() says for how many threads to cut the work.
// Contract: what f(i) wrote before it ended is seen by the caller after parallel_for; thread_count() does not
// change. An exception of f(i) should reach the caller: evaluation has no other way to hand it on.
template <class P>
concept Parallel = requires(std::remove_reference_t<P>& p, void (*f)(index_t)) {
  p.parallel_for(index_t{1}, f);
  { p.thread_count() } -> std::convertible_to<int>;
};

// parallel_for of another object, for a number of threads that it does not say or that is not wanted.
template <class Executor>
class Threads {
 public:
  Threads(Executor& executor, int threads) noexcept : executor_(&executor), threads_(threads) {}
  [[nodiscard]] int thread_count() const noexcept { return threads_; }
  template <class F>
  void parallel_for(index_t n, F&& f) const
      noexcept(noexcept(std::declval<Executor&>().parallel_for(n, f))) {
    executor_->parallel_for(n, f);
  }

 private:
  Executor* executor_;
  int threads_;
};

// Formula: eval(e, res, threads(executor, 4)) cuts the work for 4 threads and gives it to
// executor.parallel_for(n, f). Contract: the executor outlives what it is given to.
template <class Executor>
[[nodiscard]] Threads<Executor> threads(Executor& executor, int count) noexcept {
  return {executor, count};
}

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <class P>
[[nodiscard]] int threads_of(const P& executor) {
  return std::max(1, static_cast<int>(executor.thread_count()));
}

// The slots of an expression with the bytes of parts behind them, and who runs the parts.
template <class SlotTable, class P>
struct ParallelSlots {
  const SlotTable& slots;
  P& executor;
  int threads;
  std::size_t workspace_bytes;
};

template <class E, class SlotTable, class P>
[[nodiscard]] ParallelSlots<SlotTable, P> parallel_slots(const E& e, const SlotTable& slots,
                                                         P& executor) {
  const int threads = threads_of(executor);
  const std::size_t extra = extra_of_stages<E>(ExtentsNow<E>{e}, slots, threads);
  return {slots, executor, threads, with_extra(slots.workspace_bytes, extra)};
}

template <class E, class ParallelSlots, class View>
void run_in_parallel(const E& e, const ParallelSlots& parallel, const View& dst,
                     std::byte* workspace) {
  const auto& slots = parallel.slots;
  std::byte* const extra = parallel.workspace_bytes == slots.workspace_bytes
                               ? nullptr
                               : workspace + align_up(slots.workspace_bytes, workspace_alignment);
  using Slots = std::remove_cvref_t<decltype(slots)>;
  using Executor = std::remove_reference_t<decltype(parallel.executor)>;
  run_stages(
      ParallelEvaluation<E, Slots, Executor>{
          {e, slots, workspace}, parallel.executor, parallel.threads, extra},
      dst);
}

template <bool MayAlias, class Dst, class Memory, class P>
struct EvaluateInParallel {
  Dst dst;
  Memory memory;
  P& executor;

  template <class E>
  void operator()(const E& e) const {
    check_destination<value_t<E>>("eval_into", dst, e.shape());
    if constexpr (checked_build) check_leaves("eval_into", e);
    const auto& slots = slots_of(e);
    evaluate_with<MayAlias>(parallel_slots(e, slots, executor), dst, e, memory);
  }
};

template <class Dst, class Memory, class P>
[[nodiscard]] auto evaluate_in_parallel(Dst& dst, const Memory& memory, P& executor) {
  using D = Destination<Dst>;
  return EvaluateInParallel<D::may_alias, decltype(D::view(dst)), Memory, P>{D::view(dst), memory,
                                                                             executor};
}

template <class E, class Result, class Scratchpad, class P>
[[nodiscard]] auto evaluate_in_parallel(const E& e, Result& results, Scratchpad& workspace,
                                        P& executor) {
  if constexpr (checked_build) check_leaves("eval", e);
  using T = value_t<E>;
  using S = shape_t<E>;
  Tensor<T, S> result(e.shape(), results);
  const auto& slots = slots_of(e);
  const auto parallel = parallel_slots(e, slots, executor);
  const WorkspaceBlock<Scratchpad> block(workspace, parallel.workspace_bytes);
  run(e, parallel, TensorView<T, S>(result.data(), e.shape()), block.data());
  return result;
}

// Slots and executor of a prepared program.
template <class P>
struct HeldWith {
  template <class E>
  class Slots {
   public:
    static constexpr bool runs_nothrow =
        HeldSlots<E>::runs_nothrow &&
        noexcept(std::declval<P&>().parallel_for(index_t{1}, [](index_t) noexcept {}));

    Slots(const E& e, P& executor) : slots_(e), executor_(&executor) {
      const auto parallel = parallel_slots(e, slots_.get(), executor);
      threads_ = parallel.threads;
      workspace_bytes_ = parallel.workspace_bytes;
    }
    [[nodiscard]] auto get() const noexcept {
      return ParallelSlots<std::remove_cvref_t<decltype(slots_.get())>, P>{
          slots_.get(), *executor_, threads_, workspace_bytes_};
    }

   private:
    [[no_unique_address]] HeldSlots<E> slots_;
    P* executor_;
    int threads_ = 1;
    std::size_t workspace_bytes_ = 0;
  };
};

template <class E>
[[nodiscard]] constexpr std::size_t constant_workspace_bytes(int threads) {
  return with_extra(static_slots<E>.workspace_bytes,
                    extra_of_stages<E>(ConstantExtents<E>{}, static_slots<E>, threads));
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: the workspace of an expression of type E that `threads` threads evaluate: the plan's, and behind it
// what the parts of one stage need at a time. A constant, and exact where all extents are static; where some are
// bounded, enough for all shapes within the bounds. For one thread it is plan_of<E>.workspace_bytes.
template <class E>
  requires StaticallyPlanned<E>
[[nodiscard]] constexpr std::size_t workspace_bytes_for(int threads) {
  return detail::constant_workspace_bytes<detail::planned_t<E>>(threads);
}
// The same for the extents that e has now: what the forms with scratch(…) take. No allocation.
template <Expression X>
[[nodiscard]] std::size_t workspace_bytes_for(const X& x, int threads) {
  return detail::with_node(x, [&]<class E>(const E& e) {
    const auto& slots = detail::slots_of(e);
    return detail::with_extra(slots.workspace_bytes,
                              detail::extra_of_stages<E>(detail::ExtentsNow<E>{e}, slots, threads));
  });
}

// Storage for the workspace of E where ThreadCount threads evaluate it, inline, as Workspace<E> for one. With
// `aliased`, room for a destination that truly overlaps an operand.
template <class E, int ThreadCount, bool Aliased = false>
  requires StaticallyPlanned<E> && (ThreadCount > 0)
struct alignas(workspace_alignment) ParallelWorkspace {
  static constexpr int thread_count = ThreadCount;
  static constexpr std::size_t size_bytes =
      Aliased ? align_up(workspace_bytes_for<E>(ThreadCount), workspace_alignment) +
                    plan_of<E>.result_bytes
              : workspace_bytes_for<E>(ThreadCount);
  std::byte bytes[size_bytes == 0 ? 1 : size_bytes];
};

// Formula: eval(e, res, executor) is eval(e, res), its stages cut for executor.thread_count() threads and run by
// executor.parallel_for: ThreadTeam, threads(executor, n), or any Parallel.
// The bits are those of eval(e, res), for any number of threads and whichever thread runs what. A stage with
// little work is run by the caller alone.
// Memory: the result, then workspace_bytes_for(e, executor.thread_count()), both from `res`, by the calling
// thread alone: the resource need not be safe for threads. Evaluation allocates nothing else; an executor may.
// Errors: those of eval(e, res); what a functor of yours throws, as far as the executor hands it on.
template <Expression X, MemoryResource R, Parallel P>
[[nodiscard]] auto eval(const X& x, R& resource, P&& executor) {
  return detail::with_shared_node<detail::any_workspace>(x, [&](const auto& e) {
    return detail::evaluate_in_parallel(e, resource, resource, executor);
  });
}
template <Expression X, Parallel P>
[[nodiscard]] auto eval(const X& x, std::pmr::memory_resource* resource, P&& executor) {
  return eval(x, *resource, executor);
}
// The same with two resources: the result from `results`, the workspace from scratch(…).
template <Expression X, MemoryResource R, MemoryResource W, Parallel P>
[[nodiscard]] auto eval(const X& x, R& results, Scratch<W> workspace, P&& executor) {
  return detail::with_shared_node<detail::any_workspace>(x, [&](const auto& e) {
    return detail::evaluate_in_parallel(e, results, *workspace.resource, executor);
  });
}

// Formula: eval_into(dst, e, scratch(…), executor) is eval_into(dst, e, scratch(…)) in parts, likewise.
template <ResultDestination Dst, Expression X, MemoryResource W, Parallel P>
void eval_into(Dst&& dst, const X& x, Scratch<W> workspace, P&& executor) {
  detail::with_shared_node<detail::any_workspace>(
      x,
      detail::evaluate_in_parallel(dst, detail::ResourceMemory<W>{*workspace.resource}, executor));
}
// The same in storage of yours. Nothing is shared by share(…). No allocation.
// Errors: ContractError where it is too small: for more threads than it was made for, or for true overlap.
template <ResultDestination Dst, StaticallyPlanned X, StaticallyPlanned E, int ThreadCount,
          bool Aliased, Parallel P>
  requires std::same_as<detail::planned_t<const X&>, detail::planned_t<const E&>>
void eval_into(Dst&& dst, const X& x, ParallelWorkspace<E, ThreadCount, Aliased>& workspace,
               P&& executor) {
  detail::with_node(
      x, detail::evaluate_in_parallel(
             dst, detail::BorrowedMemory{workspace.bytes, workspace.size_bytes}, executor));
}
// The same for what needs no workspace.
template <ResultDestination Dst, Expression X, Parallel P>
void eval_into(Dst&& dst, const X& x, P&& executor) {
  detail::with_node(x, detail::evaluate_in_parallel(dst, detail::NoMemory{}, executor));
}

// Formula: prepare(dst, e, scratch(res), executor).run() is eval_into(dst, e, scratch(res), executor).
// run() is noexcept where the expression's functors and the executor's parallel_for are.
// Contract: the executor outlives the program.
template <ResultDestination Dst, Expression X, MemoryResource W, Parallel P>
[[nodiscard]] auto prepare(Dst&& dst, X&& x, Scratch<W> workspace, P& executor) {
  detail::require_named_destination<Dst>();
  return detail::make_program<detail::OwnedWorkspace, detail::HeldWith<P>::template Slots>(
      dst, std::forward<X>(x),
      [&](std::size_t bytes) { return detail::OwnedWorkspace(*workspace.resource, bytes); },
      executor);
}
// The same in storage of yours, which outlives the program. No allocation.
template <ResultDestination Dst, Expression X, StaticallyPlanned E, int ThreadCount, bool Aliased,
          Parallel P>
  requires std::same_as<detail::planned_t<X>, detail::planned_t<E>>
[[nodiscard]] auto prepare(Dst&& dst, X&& x, ParallelWorkspace<E, ThreadCount, Aliased>& workspace,
                           P& executor) {
  detail::require_named_destination<Dst>();
  return detail::make_program<detail::BorrowedWorkspace, detail::HeldWith<P>::template Slots>(
      dst, std::forward<X>(x),
      [&](std::size_t bytes) {
        detail::require_room("prepare", bytes, workspace.size_bytes);
        return detail::BorrowedWorkspace(workspace.bytes, workspace.size_bytes);
      },
      executor);
}

}  // namespace tenon::inline TENON_MODE
