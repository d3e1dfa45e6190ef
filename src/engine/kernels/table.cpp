#include "elementwise.hpp"
#include "factories.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

TileFunction tile_function(ElementwiseCode code, DType dtype, TileOperands operands) noexcept {
  return operand_count(code) == 2 ? binary_tile_function(code, dtype, operands)
                                  : unary_tile_function(code, dtype);
}

}  // namespace

}  // namespace tenon::detail::inline TENON_MODE

TENON_DISPATCHED_TABLE(tenon::detail::KernelTable, engine_kernels,
                       .tile_function = &tenon::detail::tile_function,
                       .matmul = &tenon::detail::make_matmul_kernel,
                       .gemm = &tenon::detail::make_gemm_kernel);
