#pragma once
// SessionLayout: what lies where in the block of a session.

#include "model_plan.hpp"

#include <tenon/engine/operator.hpp>

#include <tenon/core/checked.hpp>

namespace tenon::detail {

struct SessionStep {
  const Kernel* kernel;
  KernelCall call;
};

struct SessionLayout {
  std::size_t inputs, outputs, workspace;  // offsets; steps come first

  explicit SessionLayout(const ModelPlan& plan) noexcept
      : inputs(plan.steps.size() * sizeof(SessionStep)),
        outputs(inputs + plan.step_inputs * sizeof(const void*)),
        workspace(align_up(outputs + plan.step_outputs * sizeof(void*), workspace_alignment)) {}
};

}  // namespace tenon::detail
