#include "elementwise.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

TileFunction tile_function(ElementwiseCode code, DType dtype, TileOperands operands) noexcept {
  return operand_count(code) == 2 ? binary_tile_function(code, dtype, operands)
                                  : unary_tile_function(code, dtype);
}

}  // namespace

}  // namespace tenon::detail::inline TENON_MODE

TENON_DISPATCHED_TABLE(tenon::detail::KernelTable, engine_kernels, &tenon::detail::tile_function);
