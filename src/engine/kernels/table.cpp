#include "elementwise.hpp"
#include "factories.hpp"
#include "row_product.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

TileFunction tile_function(ElementwiseCode code, DType dtype, TileOperands operands) noexcept {
  return operand_count(code) == 2 ? binary_tile_function(code, dtype, operands)
                                  : unary_tile_function(code, dtype);
}

}  // namespace

}  // namespace tenon::detail::inline TENON_MODE

TENON_DISPATCHED_TABLE(
    tenon::detail::KernelTable, engine_kernels, .tile_function = &tenon::detail::tile_function,
    .row_product = &tenon::detail::row_product, .matmul = &tenon::detail::make_matmul_kernel,
    .gemm = &tenon::detail::make_gemm_kernel, .softmax = &tenon::detail::make_softmax_kernel,
    .layer_norm = &tenon::detail::make_layer_norm_kernel,
    .arg_max = &tenon::detail::make_arg_max_kernel,
    .reduce_sum = &tenon::detail::make_reduce_sum_kernel,
    .reduce_mean = &tenon::detail::make_reduce_mean_kernel,
    .reduce_max = &tenon::detail::make_reduce_max_kernel,
    .reduce_min = &tenon::detail::make_reduce_min_kernel,
    .reduce_prod = &tenon::detail::make_reduce_prod_kernel,
    .transpose = &tenon::detail::make_transpose_kernel, .slice = &tenon::detail::make_slice_kernel,
    .copy = &tenon::detail::make_copy_kernel, .concat = &tenon::detail::make_concat_kernel,
    .cast = &tenon::detail::make_cast_kernel, .conv1d = &tenon::detail::make_conv1d_kernel);
