#pragma once
// The factories of this instruction set.

#include <tenon/core/config.hpp>

#include "kernel_table.hpp"

namespace tenon::detail::inline TENON_MODE {

KernelPtr make_matmul_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                             const KernelOptions& options);
KernelPtr make_gemm_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                           const KernelOptions& options);

}  // namespace tenon::detail::inline TENON_MODE
