#pragma once
// Operators for tests of graphs: the elementwise ones, and some that are not.

#include "src/engine/elementwise_operators.hpp"

#include <tenon/engine/operator_registry.hpp>

#include <cstddef>
#include <span>

namespace graphs {

using namespace tenon;

// Formula: y = x reversed, by way of the workspace.
class Reverse final : public Operator {
 public:
  class Work final : public Kernel {
   public:
    explicit Work(std::size_t n) : n_(n) {}
    [[nodiscard]] std::size_t workspace_bytes() const noexcept override {
      return n_ * sizeof(double);
    }
    void run(const KernelCall& call) const noexcept override {
      const auto* x = static_cast<const double*>(call.inputs[0]);
      auto* y = static_cast<double*>(call.outputs[0]);
      auto* w = reinterpret_cast<double*>(call.workspace);
      for (std::size_t i = 0; i < n_; ++i) w[i] = x[n_ - 1 - i];
      for (std::size_t i = 0; i < n_; ++i) y[i] = w[i];
    }

   private:
    std::size_t n_;
  };
  void infer(std::span<const TensorType> inputs, const Attributes&,
             std::span<TensorType> outputs) const override {
    if (inputs.size() != 1) detail::raise<ContractError>("Reverse", "%zu inputs", inputs.size());
    outputs[0] = inputs[0];
  }
  [[nodiscard]] KernelPtr compile(std::span<const TensorType> inputs, const Attributes&,
                                  const KernelOptions& options) const override {
    return make_kernel<Work>(options.resource, static_cast<std::size_t>(inputs[0].size()));
  }
};

// Formula: low = min(x, 0), high = max(x, 0); low may take the place of x.
class Parts final : public Operator {
 public:
  class Work final : public Kernel {
   public:
    explicit Work(std::size_t n) : n_(n) {}
    [[nodiscard]] bool in_place(int) const noexcept override { return true; }
    void run(const KernelCall& call) const noexcept override {
      const auto* x = static_cast<const double*>(call.inputs[0]);
      auto* low = static_cast<double*>(call.outputs[0]);
      auto* high = static_cast<double*>(call.outputs[1]);
      for (std::size_t i = 0; i < n_; ++i) {
        high[i] = x[i] > 0 ? x[i] : 0;
        low[i] = x[i] < 0 ? x[i] : 0;
      }
    }

   private:
    std::size_t n_;
  };
  void infer(std::span<const TensorType> inputs, const Attributes&,
             std::span<TensorType> outputs) const override {
    outputs[0] = outputs[1] = inputs[0];
  }
  [[nodiscard]] KernelPtr compile(std::span<const TensorType> inputs, const Attributes&,
                                  const KernelOptions& options) const override {
    return make_kernel<Work>(options.resource, static_cast<std::size_t>(inputs[0].size()));
  }
  [[nodiscard]] int output_count() const noexcept override { return 2; }
};

// Elementwise operators, "Reverse" and "Parts".
struct Operators {
  Reverse reverse;
  Parts parts;
  OperatorRegistry registry{system_resource(), nullptr};

  Operators() {
    for (const auto& entry : detail::elementwise_operators()) registry.add(entry.name, entry.op);
    registry.add("Reverse", &reverse);
    registry.add("Parts", &parts);
  }
};

inline const OperatorRegistry& registry() {
  static const Operators operators;
  return operators.registry;
}

}  // namespace graphs
