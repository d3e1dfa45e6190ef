#pragma once
// KernelTable: the arithmetic of the engine, behind pointers, so that one program can have it for several
// instruction sets.

#include <tenon/engine/elementwise.hpp>
#include <tenon/engine/operator.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/dispatch.hpp>
#include <tenon/core/dtype.hpp>

#include <span>

namespace tenon::detail {

// Formula: to[i] = op(a[i], b[i]) for 0 <= i < n; a scalar operand is one element.
// Contract: pointers are aligned to their elements; `to` is a, is b, or meets neither. An operation of one
// operand does not read b. parameters: p and q.
using TileFunction = void (*)(void* to, const void* a, const void* b, index_t n,
                              const double* parameters) noexcept;

enum class TileOperands : unsigned char { vectors, scalar_first, scalar_second };

// Formula: y(j) = sum_i x(i) w(i, j) + bias(j); without a bias where it is null. Shapes: x (k), w (k, n).
using RowProduct = void (*)(const void* x, const void* w, const void* bias, void* y, index_t k,
                            index_t n) noexcept;

// Contract of a factory: types and attributes are what the operator's infer accepted.
using KernelFactory = KernelPtr (*)(std::span<const TensorType> inputs,
                                    const Attributes& attributes, const KernelOptions& options);

struct KernelTable {
  // Null where there is none for these elements: float32 and float64 have all, int32 and int64 those of is_for_integers.
  TileFunction (*tile_function)(ElementwiseCode code, DType dtype, TileOperands operands) noexcept;
  // Null but for float32 and float64.
  RowProduct (*row_product)(DType dtype) noexcept;

  KernelFactory matmul;
  KernelFactory gemm;
  KernelFactory softmax;
  KernelFactory layer_norm;
  KernelFactory arg_max;
  KernelFactory reduce_sum;
  KernelFactory reduce_mean;
  KernelFactory reduce_max;
  KernelFactory reduce_min;
  KernelFactory reduce_prod;
  KernelFactory transpose;
  KernelFactory slice;
  KernelFactory copy;
  KernelFactory concat;
  KernelFactory cast;
  KernelFactory conv1d;
};

}  // namespace tenon::detail

TENON_DISPATCHED(tenon::detail::KernelTable, engine_kernels);
