#pragma once
// The factories of this instruction set.

#include <tenon/core/config.hpp>

#include "kernel_table.hpp"

namespace tenon::detail::inline TENON_MODE {

KernelPtr make_matmul_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                             const KernelOptions& options);
KernelPtr make_gemm_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                           const KernelOptions& options);
KernelPtr make_softmax_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                              const KernelOptions& options);
KernelPtr make_layer_norm_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                 const KernelOptions& options);
KernelPtr make_arg_max_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                              const KernelOptions& options);
KernelPtr make_reduce_sum_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                 const KernelOptions& options);
KernelPtr make_reduce_mean_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                  const KernelOptions& options);
KernelPtr make_reduce_max_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                 const KernelOptions& options);
KernelPtr make_reduce_min_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                 const KernelOptions& options);
KernelPtr make_reduce_prod_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                  const KernelOptions& options);
KernelPtr make_transpose_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                const KernelOptions& options);
KernelPtr make_slice_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                            const KernelOptions& options);
KernelPtr make_copy_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                           const KernelOptions& options);
KernelPtr make_concat_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                             const KernelOptions& options);
KernelPtr make_cast_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                           const KernelOptions& options);
KernelPtr make_conv1d_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                             const KernelOptions& options);

}  // namespace tenon::detail::inline TENON_MODE
