#include <tenon/engine/model.hpp>

#include "model_compiler.hpp"
#include "session_layout.hpp"

#include <utility>

namespace tenon {

namespace {

// A plan that is not yet a model's.
struct NewPlan {
  std::pmr::polymorphic_allocator<> allocator;
  detail::ModelPlan* plan;
  ~NewPlan() {
    if (plan != nullptr) allocator.delete_object(plan);
  }
};

}  // namespace

Model::Model(const Graph& graph, const ModelOptions& options) : plan_(nullptr) {
  std::pmr::polymorphic_allocator<> allocator(options.resource);
  NewPlan made{allocator, allocator.new_object<detail::ModelPlan>(options)};
  detail::ModelCompiler(*made.plan, graph).compile();
  plan_ = std::exchange(made.plan, nullptr);
}

Model::Model(Model&& other) noexcept : plan_(std::exchange(other.plan_, nullptr)) {}
Model& Model::operator=(Model&& other) noexcept {
  std::swap(plan_, other.plan_);
  return *this;
}
Model::~Model() {
  if (plan_ != nullptr)
    std::pmr::polymorphic_allocator<>(plan_->options.resource).delete_object(plan_);
}

std::size_t Model::input_count() const noexcept { return plan_->inputs.size(); }
std::size_t Model::output_count() const noexcept { return plan_->outputs.size(); }
const TensorType& Model::input_type(std::size_t i) const noexcept { return plan_->inputs[i].type; }
const TensorType& Model::output_type(std::size_t i) const noexcept {
  return plan_->outputs[i].type;
}
std::string_view Model::input_name(std::size_t i) const noexcept { return plan_->inputs[i].name; }
std::string_view Model::output_name(std::size_t i) const noexcept { return plan_->outputs[i].name; }

std::size_t Model::workspace_bytes() const noexcept { return plan_->workspace_bytes; }
std::size_t Model::session_bytes() const noexcept {
  return detail::SessionLayout(*plan_).workspace + plan_->workspace_bytes;
}
std::size_t Model::lower_bound_bytes() const noexcept { return plan_->lower_bound_bytes; }
std::size_t Model::weights_bytes() const noexcept { return plan_->weights_bytes; }
std::size_t Model::peak_bytes() const noexcept { return weights_bytes() + workspace_bytes(); }
std::size_t Model::step_count() const noexcept { return plan_->steps.size(); }
std::string Model::explain() const { return plan_->explain(); }

}  // namespace tenon
