#pragma once
// Model: a graph made ready to run: constants folded, operators fused, an order, and a place for every tensor.

#include <tenon/engine/graph.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <tenon/memory/page_resource.hpp>

#include <cstddef>
#include <limits>
#include <memory_resource>
#include <string>
#include <string_view>

namespace tenon {

namespace detail {
class ModelPlan;
}

struct ModelOptions {
  std::pmr::memory_resource* resource = system_resource();  // of all that the model keeps
  int threads = 1;  // that a run may use, the caller's included
  // Of tensors: what the model keeps and the workspace of one session. What plans and kernels take for themselves
  // is not counted.
  std::size_t max_memory_bytes = std::numeric_limits<std::size_t>::max();
  bool fuse = true;  // chains of elementwise operators in one pass; false: each operator by itself
};

// Immutable: any number of sessions on any threads share one model.
class Model {
 public:
  // Computes what depends on constants alone, drops what no output needs, fuses chains of elementwise operators,
  // orders what is left for the least peak and packs its tensors.
  // Contract: the elements of the graph's constants, its operators and the resource outlive the model; the graph
  // need not.
  // Errors: BudgetError with the bytes needed, before any tensor is allocated; ContractError for a graph without
  // outputs; what operators and the resource raise. Nothing leaks then.
  explicit Model(const Graph& graph, const ModelOptions& options = {});
  Model(Model&& other) noexcept;
  Model& operator=(Model&& other) noexcept;
  ~Model();

  [[nodiscard]] std::size_t input_count() const noexcept;
  [[nodiscard]] std::size_t output_count() const noexcept;
  // Contract: i < input_count(), i < output_count().
  [[nodiscard]] const TensorType& input_type(std::size_t i) const noexcept;
  [[nodiscard]] const TensorType& output_type(std::size_t i) const noexcept;
  [[nodiscard]] std::string_view input_name(std::size_t i) const noexcept;
  [[nodiscard]] std::string_view output_name(std::size_t i) const noexcept;

  // What tensors between inputs and outputs, and the workspaces of kernels, take in a session: exact.
  [[nodiscard]] std::size_t workspace_bytes() const noexcept;
  // The one block that a session allocates: the workspace and its table of pointers.
  [[nodiscard]] std::size_t session_bytes() const noexcept;
  // Formula: max over steps of the bytes alive in it. No packing of this order takes fewer.
  [[nodiscard]] std::size_t lower_bound_bytes() const noexcept;
  // Constants that the model computed and keeps; those of the graph are not its own.
  [[nodiscard]] std::size_t weights_bytes() const noexcept;
  // weights_bytes() + workspace_bytes(): the most that one session needs for tensors.
  [[nodiscard]] std::size_t peak_bytes() const noexcept;
  // How many kernels run one after the other.
  [[nodiscard]] std::size_t step_count() const noexcept;

  // A table of the steps in order, what was fused into each, the tensors in the workspace and their lives.
  [[nodiscard]] std::string explain() const;

  // For sessions and tests.
  [[nodiscard]] const detail::ModelPlan& plan() const noexcept { return *plan_; }

 private:
  detail::ModelPlan* plan_;
};

}  // namespace tenon
