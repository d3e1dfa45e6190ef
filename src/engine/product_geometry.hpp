#pragma once
// Matrix products of tensors of any rank, as batches of products of two matrices.

#include <tenon/engine/attributes.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <tenon/core/config.hpp>

#include <array>
#include <cstddef>

namespace tenon::detail {

// Batches of equal work: the extents of the batch axes, and how far apart the operands of neighbours lie, in elements;
// 0 where an operand is broadcast along the axis.
struct Batches {
  static constexpr std::size_t most_operands = 3;

  int rank = 0;
  std::array<index_t, max_rank> extents{};
  std::array<std::array<index_t, max_rank>, most_operands> strides{};

  [[nodiscard]] index_t count() const noexcept {
    index_t n = 1;
    for (int i = 0; i < rank; ++i) n *= extents[static_cast<std::size_t>(i)];
    return n;
  }
};

// (batches…, M, K) · (batches…, K, N) -> (batches…, M, N).
struct ProductGeometry {
  Batches batches;  // of a and b
  index_t m = 1, k = 1, n = 1;
  TensorType output;
};

// numpy.matmul: batch axes broadcast; a vector on the left is a row, on the right a column, without that axis in the
// output. Batches of rows that meet the same matrix are one product with more rows.
// Errors: ShapeError with both types; DTypeError for different or other element types.
[[nodiscard]] ProductGeometry matmul_geometry(const TensorType& a, const TensorType& b);

// Gemm of ONNX: alpha · A' · B' + beta · C, where A' is A or (transA) its transpose, and C broadcasts to (M, N).
struct GemmGeometry {
  index_t m = 1, k = 1, n = 1;
  bool trans_a = false, trans_b = false;
  bool has_c = false;
  index_t c_rows = 1, c_columns = 1;  // of C, 1 or those of the output; 1 where there is none
  double alpha = 1, beta = 1;
  TensorType output;
};
[[nodiscard]] GemmGeometry gemm_geometry(std::span<const TensorType> inputs,
                                         const Attributes& attributes);

}  // namespace tenon::detail
