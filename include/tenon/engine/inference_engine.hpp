#pragma once
// InferenceEngine: tensors and operators by name, in memory that is counted and limited.

#include <tenon/engine/any_tensor.hpp>
#include <tenon/engine/execution_context.hpp>
#include <tenon/engine/memory_tracker.hpp>
#include <tenon/engine/operator_registry.hpp>
#include <tenon/engine/tensor_pool.hpp>

#include <tenon/core/thread_team.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <memory_resource>
#include <span>
#include <string_view>
#include <utility>

namespace tenon {

struct EngineConfig {
  std::size_t max_memory_bytes =
      MemoryTracker::no_limit;        // of everything that the engine allocates
  int thread_count = 1;               // of one operator, the caller's included
  std::size_t tensor_pool_size = 20;  // tensors of one type that may wait for reuse
};

struct EngineStats {
  MemoryTrackerStats memory;
  TensorPoolStats tensor_pool;
  std::size_t operator_count;
};

// The statistics as text, a line each.
struct EngineReport {
  char text[320];
};

// Every byte comes from `upstream` and passes through memory(): tensors, kernels, workspaces, names. Threads of a
// team (thread_count > 1) are the system's, as ThreadTeam says.
// Contract: upstream outlives the engine, the engine its tensors; with several threads, upstream is thread-safe.
// Thread rules: any member from any thread at any time; an operator call at most 64 at a time, others wait.
class InferenceEngine {
 public:
  // Errors: those of ThreadTeam. Allocations: none but the team's.
  explicit InferenceEngine(const EngineConfig& config = {},
                           std::pmr::memory_resource* upstream = system_resource());
  InferenceEngine(const InferenceEngine&) = delete;  // its tensors know where it lies
  InferenceEngine& operator=(const InferenceEngine&) = delete;
  ~InferenceEngine();

  // A tensor of this type, elements not initialised: from the pool where one waits there.
  // Errors: BudgetError beyond max_memory_bytes, with the numbers; what upstream raises. Nothing is changed then.
  [[nodiscard]] AnyTensor get_tensor(const TensorType& type) { return pool_.get(type); }
  [[nodiscard]] AnyTensor get_tensor(std::initializer_list<index_t> shape, DType dtype) {
    return pool_.get(TensorType(dtype, shape));
  }
  [[nodiscard]] AnyTensor get_tensor(std::span<const index_t> shape, DType dtype) {
    return pool_.get(TensorType(dtype, shape));
  }
  // Gives a tensor to the pool, for the next get_tensor of its type; a large one is freed.
  void return_tensor(AnyTensor&& tensor) noexcept { pool_.put(std::move(tensor)); }
  // Frees a tensor.
  void cleanup_tensor(AnyTensor&& tensor) noexcept { const AnyTensor freed = std::move(tensor); }
  // Puts `count` tensors of this type into the pool, at most tensor_pool_size of one type.
  void reserve_tensors(const TensorType& type, std::size_t count) { pool_.reserve(type, count); }
  // Frees the tensors that wait in the pool.
  void trim() noexcept { pool_.trim(); }

  // Computes outputs from inputs: execute_operator("MatMul", {a, b}, {c}). Inputs and outputs are tensors of any
  // kind: AnyTensor, Tensor, row-major TensorView.
  // Errors: ContractError for an unknown name, with the closest one; those of ExecutionContext::execute.
  // Allocations: none where this thread ran the same operator on the same types and attributes before.
  void execute_operator(std::string_view name, std::span<const ConstAnyView> inputs,
                        std::span<const AnyView> outputs, const Attributes& attributes);
  void execute_operator(std::string_view name, std::initializer_list<ConstAnyView> inputs,
                        std::initializer_list<AnyView> outputs, const Attributes& attributes) {
    execute_operator(name, std::span(inputs.begin(), inputs.size()),
                     std::span(outputs.begin(), outputs.size()), attributes);
  }
  void execute_operator(std::string_view name, std::initializer_list<ConstAnyView> inputs,
                        std::initializer_list<AnyView> outputs) {
    execute_operator(name, std::span(inputs.begin(), inputs.size()),
                     std::span(outputs.begin(), outputs.size()), no_attributes());
  }

  // Adds an operator of yours. Errors, allocations: OperatorRegistry::add.
  template <class Op>
  void register_operator(std::string_view name, Op&& op) {
    registry_.add(name, std::forward<Op>(op));
  }
  [[nodiscard]] OperatorRegistry& operators() noexcept { return registry_; }
  [[nodiscard]] const OperatorRegistry& operators() const noexcept { return registry_; }
  // The resource behind everything: for tensors, models and sessions that shall count and be limited, too.
  [[nodiscard]] MemoryTracker& memory() noexcept { return tracker_; }
  // Null where thread_count is 1.
  [[nodiscard]] ThreadTeam* team() noexcept { return team_.thread_count() > 1 ? &team_ : nullptr; }

  [[nodiscard]] EngineStats stats() const;
  // The same as text: "=== MEMORY STATISTICS ===" and a line for each number.
  [[nodiscard]] EngineReport memory_report() const;

 private:
  // A place for the context of one call at a time. A thread begins to look at a place of its own, so that it finds
  // the context with its kernels again.
  struct Place {
    std::atomic<bool> is_busy{false};
    ExecutionContext* context = nullptr;
  };
  class Lease;

  static constexpr std::size_t place_count = 64;
  [[nodiscard]] Place& take_place() noexcept;
  [[nodiscard]] static const Attributes& no_attributes() noexcept;

  MemoryTracker tracker_;
  OperatorRegistry registry_;
  TensorPool pool_;
  ThreadTeam team_;
  std::array<Place, place_count> places_;
};

}  // namespace tenon
