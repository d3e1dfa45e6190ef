#pragma once
// ModelPlan: the steps of a model, and where their tensors lie.

#include <tenon/engine/graph.hpp>
#include <tenon/engine/model.hpp>
#include <tenon/engine/operator.hpp>

#include <tenon/core/config.hpp>

#include <cstddef>
#include <memory_resource>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tenon::detail {

// Memory of one constant, from a resource.
class OwnedBytes {
 public:
  OwnedBytes(std::size_t bytes, std::pmr::memory_resource* resource)
      : resource_(resource),
        bytes_(bytes),
        data_(bytes == 0
                  ? nullptr
                  : static_cast<std::byte*>(resource->allocate(bytes, workspace_alignment))) {}
  OwnedBytes(OwnedBytes&& other) noexcept
      : resource_(other.resource_),
        bytes_(std::exchange(other.bytes_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  OwnedBytes& operator=(OwnedBytes&& other) noexcept {
    std::swap(resource_, other.resource_);
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~OwnedBytes() {
    if (data_ != nullptr) resource_->deallocate(data_, bytes_, workspace_alignment);
  }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::pmr::memory_resource* resource_;
  std::size_t bytes_;
  std::byte* data_;
};

// Where a tensor lies while a session runs.
struct TensorPlace {
  enum class Home : unsigned char { workspace, input, output, constant };
  Home home = Home::workspace;
  std::size_t index = 0;           // of the input or output, or offset in the workspace
  const void* constant = nullptr;  // elements
};

// A kernel, what it reads and stores (places), and its part of the workspace.
struct PlanStep {
  KernelPtr kernel;
  std::pmr::string label;  // "MatMul", or the operators of a program: "Add Relu"
  std::pmr::string name;   // of output 0
  std::pmr::vector<TensorPlace> inputs, outputs;
  std::size_t workspace_offset = 0;
  std::size_t workspace_bytes = 0;
  std::size_t bytes_moved = 0;  // of a program
  bool is_program = false;
};

// Bytes of the workspace: one tensor, or several that take each other's place, or the workspace of a kernel.
struct PlanSlot {
  std::pmr::string name;
  index_t lower = 0, upper = 0;  // in use from step lower until before step upper
  std::size_t bytes = 0;
  std::size_t offset = 0;
};

// A pointer of a step that every run is told.
struct Patch {
  std::size_t position;  // among those of all steps
  std::size_t index;     // of the input or output
};

struct NamedType {
  std::pmr::string name;
  TensorType type;
};

// Immutable once it is made. Memory from `resource`.
class ModelPlan {
 public:
  explicit ModelPlan(const ModelOptions& model_options)
      : options(model_options),
        inputs(model_options.resource),
        outputs(model_options.resource),
        weights(model_options.resource),
        steps(model_options.resource),
        slots(model_options.resource),
        inputs_read(model_options.resource),
        outputs_read(model_options.resource),
        outputs_stored(model_options.resource) {}

  [[nodiscard]] std::string explain() const;

  ModelOptions options;
  std::pmr::vector<NamedType> inputs, outputs;
  std::pmr::vector<OwnedBytes> weights;
  std::pmr::vector<PlanStep> steps;  // in order
  std::pmr::vector<PlanSlot> slots;
  std::pmr::vector<Patch> inputs_read, outputs_read;  // positions among the inputs of steps
  std::pmr::vector<Patch> outputs_stored;             // positions among the outputs of steps
  std::size_t workspace_bytes = 0;
  std::size_t lower_bound_bytes = 0;
  std::size_t weights_bytes = 0;
  std::size_t step_inputs = 0, step_outputs = 0;  // of all steps
};

}  // namespace tenon::detail
