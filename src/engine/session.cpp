#include <tenon/engine/session.hpp>

#include "session_layout.hpp"

#include <tenon/core/error.hpp>
#include <tenon/core/thread_team.hpp>

#include <cassert>
#include <cstdint>
#include <new>

namespace tenon {

namespace {

bool meet(const ConstAnyView& a, const ConstAnyView& b) noexcept {
  const auto first = reinterpret_cast<std::uintptr_t>(a.data());
  const auto second = reinterpret_cast<std::uintptr_t>(b.data());
  return first < second + b.type().bytes() && second < first + a.type().bytes();
}

void require_count(const char* what, std::size_t given, std::size_t needed) {
  if (given != needed)
    detail::raise<ContractError>("Session::bind", "%zu %s; the model has %zu", given, what, needed);
}

void require_type(const detail::NamedType& needed, const TensorType& given) {
  if (given == needed.type) return;
  if (given.dtype() != needed.type.dtype())
    detail::raise<DTypeError>("Session::bind", "'%.60s' is %s, given as %s", needed.name.c_str(),
                              TensorTypeText(needed.type).text, TensorTypeText(given).text);
  detail::raise<ShapeError>("Session::bind", "'%.60s' is %s, given as %s", needed.name.c_str(),
                            TensorTypeText(needed.type).text, TensorTypeText(given).text);
}

}  // namespace

Session::Session(const Model& model, std::pmr::memory_resource* resource, ThreadTeam* team)
    : model_(&model), resource_(resource), block_(nullptr) {
  const detail::ModelPlan& plan = model.plan();
  const int threads = team == nullptr ? 1 : team->thread_count();
  if (threads < plan.options.threads)
    detail::raise<ContractError>("Session", "a team of %d threads; the model was made for %d",
                                 threads, plan.options.threads);
  block_ = static_cast<std::byte*>(resource->allocate(model.session_bytes(), workspace_alignment));
  const detail::SessionLayout layout(plan);
  std::byte* const workspace = block_ + layout.workspace;
  steps_ = reinterpret_cast<detail::SessionStep*>(block_);
  inputs_ = reinterpret_cast<const void**>(block_ + layout.inputs);
  outputs_ = reinterpret_cast<void**>(block_ + layout.outputs);
  const void** input = inputs_;
  void** output = outputs_;
  const auto place = [&](const detail::TensorPlace& p) -> void* {
    return p.home == detail::TensorPlace::Home::workspace ? workspace + p.index : nullptr;
  };
  detail::SessionStep* made = steps_;
  for (const detail::PlanStep& step : plan.steps) {
    ::new (static_cast<void*>(made++))
        detail::SessionStep{step.kernel.get(),
                            {{input, step.inputs.size()},
                             {output, step.outputs.size()},
                             workspace + step.workspace_offset,
                             plan.options.threads > 1 ? team : nullptr}};
    for (const detail::TensorPlace& p : step.inputs)
      *input++ = p.home == detail::TensorPlace::Home::constant ? p.constant : place(p);
    for (const detail::TensorPlace& p : step.outputs) *output++ = place(p);
  }
}

Session::~Session() { resource_->deallocate(block_, model_->session_bytes(), workspace_alignment); }

std::span<std::byte> Session::workspace() noexcept {
  const std::size_t bytes = model_->workspace_bytes();
  return {block_ + model_->session_bytes() - bytes, bytes};
}

void Session::require_types(std::span<const ConstAnyView> inputs,
                            std::span<const AnyView> outputs) const {
  const detail::ModelPlan& plan = model_->plan();
  require_count("inputs", inputs.size(), plan.inputs.size());
  require_count("outputs", outputs.size(), plan.outputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) require_type(plan.inputs[i], inputs[i].type());
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    require_type(plan.outputs[o], outputs[o].type());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (meet(outputs[o], inputs[i]))
        detail::raise<ContractError>("Session::bind",
                                     "output '%.60s' shares bytes with input '%.60s'",
                                     plan.outputs[o].name.c_str(), plan.inputs[i].name.c_str());
    for (std::size_t other = 0; other < o; ++other)
      if (meet(outputs[o], outputs[other]))
        detail::raise<ContractError>(
            "Session::bind", "output '%.60s' shares bytes with output '%.60s'",
            plan.outputs[o].name.c_str(), plan.outputs[other].name.c_str());
  }
}

template <class Inputs, class Outputs>
void Session::set(const Inputs& input, const Outputs& output) noexcept {
  const detail::ModelPlan& plan = model_->plan();
  for (const detail::Patch& p : plan.inputs_read) inputs_[p.position] = input(p.index);
  for (const detail::Patch& p : plan.outputs_read) inputs_[p.position] = output(p.index);
  for (const detail::Patch& p : plan.outputs_stored) outputs_[p.position] = output(p.index);
}

void Session::bind(std::span<const ConstAnyView> inputs, std::span<const AnyView> outputs) {
  require_types(inputs, outputs);
  set([&](std::size_t i) { return inputs[i].data(); },
      [&](std::size_t o) { return outputs[o].data(); });
}

void Session::run() noexcept {
  const detail::SessionStep* const end = steps_ + model_->plan().steps.size();
  for (const detail::SessionStep* step = steps_; step != end; ++step) step->kernel->run(step->call);
}

void Session::run(std::span<const ConstAnyView> inputs, std::span<const AnyView> outputs) noexcept {
  if constexpr (checked_build) require_types(inputs, outputs);
  set([&](std::size_t i) { return inputs[i].data(); },
      [&](std::size_t o) { return outputs[o].data(); });
  run();
}

void Session::run(std::span<const void* const> inputs, std::span<void* const> outputs) noexcept {
  assert(inputs.size() == model_->input_count() && outputs.size() == model_->output_count());
  set([&](std::size_t i) { return inputs[i]; }, [&](std::size_t o) { return outputs[o]; });
  run();
}

}  // namespace tenon
