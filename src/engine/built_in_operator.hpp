#pragma once
// BuiltInOperator: one of Tenon's operators as data: what it takes, what its output is, which kernel computes it.

#include <tenon/engine/operator.hpp>

#include "kernels/kernel_table.hpp"

#include <span>
#include <string_view>

namespace tenon::detail {

// Formula: the type of output 0. Errors: those of Operator::infer. Contract: the numbers of inputs were checked.
using InferOutput = TensorType (*)(std::span<const TensorType> inputs,
                                   const Attributes& attributes);

struct OperatorSpec {
  const char* name;  // a string literal
  int min_inputs;
  int max_inputs;
  std::span<const std::string_view> attributes;  // all that it knows
  InferOutput infer;
  KernelFactory KernelTable::* kernel;
};

// An operator with one output.
class BuiltInOperator final : public Operator {
 public:
  constexpr explicit BuiltInOperator(const OperatorSpec& spec) noexcept : spec_(spec) {}

  [[nodiscard]] const char* name() const noexcept { return spec_.name; }
  void infer(std::span<const TensorType> inputs, const Attributes& attributes,
             std::span<TensorType> outputs) const override;
  [[nodiscard]] KernelPtr compile(std::span<const TensorType> inputs, const Attributes& attributes,
                                  const KernelOptions& options) const override;

 private:
  OperatorSpec spec_;
};

// Refuses an element type that is not among those that there are kernels for.
void require_dtype(const char* operation, const TensorType& type, std::span<const DType> allowed);

}  // namespace tenon::detail
