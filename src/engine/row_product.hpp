#pragma once
// RowProductKernel: one row times a matrix that is small enough for the columns to be summed in registers, a bias,
// and elementwise operators on the row while it is in the first cache.

#include "kernels/kernel_table.hpp"

#include <tenon/engine/operator.hpp>

#include <array>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

namespace tenon::detail {

class RowProductKernel final : public Kernel {
 public:
  RowProductKernel(DType dtype, index_t k, index_t n, bool has_bias,
                   std::pmr::memory_resource* resource)
      : multiply_(engine_kernels().row_product(dtype)),
        dtype_(dtype),
        k_(k),
        n_(n),
        has_bias_(has_bias),
        epilogue_(resource) {}

  // What is done to the row next. Before the kernel is shared. Contract: an operation of one operand.
  void append(const Elementwise& operation) {
    epilogue_.push_back(
        {engine_kernels().tile_function(operation.code, dtype_, TileOperands::vectors),
         operation.parameters});
  }

  void run(const KernelCall& call) const noexcept override {
    void* const y = call.outputs[0];
    multiply_(call.inputs[0], call.inputs[1], has_bias_ ? call.inputs[2] : nullptr, y, k_, n_);
    for (const Step& step : epilogue_) step.function(y, y, y, n_, step.parameters.data());
  }

 private:
  struct Step {
    TileFunction function;
    std::array<double, 2> parameters;
  };

  RowProduct multiply_;
  DType dtype_;
  index_t k_, n_;
  bool has_bias_;
  std::pmr::vector<Step> epilogue_;
};

// Whether the operator is Tenon's own of this name.
[[nodiscard]] bool is_built_in(const Operator& op, std::string_view name) noexcept;

// Null where the operator is none of Tenon's own products, or not one of a row and a small matrix.
[[nodiscard]] KernelPtr make_row_product(const Operator& op, std::span<const TensorType> inputs,
                                         const Attributes& attributes,
                                         std::pmr::memory_resource* resource);

}  // namespace tenon::detail
