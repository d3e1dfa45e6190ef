#include "row_product.hpp"

#include "built_in_operator.hpp"
#include "product_geometry.hpp"

#include <string_view>

namespace tenon::detail {

namespace {

// A row of the matrix in bytes; longer ones stream better row by row.
constexpr index_t most_row_bytes = 1024;

bool fits(const TensorType& matrix, index_t m, index_t k, index_t n) {
  const bool is_floating = matrix.dtype() == DType::float32 || matrix.dtype() == DType::float64;
  return is_floating && m == 1 && k > 0 && n > 1 &&  // one column is a dot product
         n * size_bytes(matrix.dtype()) <= most_row_bytes;
}

}  // namespace

bool is_built_in(const Operator& op, std::string_view name) noexcept {
  const auto* const built_in = dynamic_cast<const BuiltInOperator*>(&op);
  return built_in != nullptr && built_in->name() == name;
}

KernelPtr make_row_product(const Operator& op, std::span<const TensorType> inputs,
                           const Attributes& attributes, std::pmr::memory_resource* resource) {
  if (is_built_in(op, "MatMul")) {
    const ProductGeometry g = matmul_geometry(inputs[0], inputs[1]);
    if (g.batches.count() != 1 || !fits(inputs[1], g.m, g.k, g.n)) return {};
    return make_kernel<RowProductKernel>(resource, inputs[0].dtype(), g.k, g.n, false, resource);
  }
  if (!is_built_in(op, "Gemm")) return {};
  const GemmGeometry g = gemm_geometry(inputs, attributes);
  if (!fits(inputs[1], g.m, g.k, g.n) || g.trans_b || g.alpha != 1) return {};
  if (g.has_c && (g.beta != 1 || g.c_columns != g.n)) return {};
  return make_kernel<RowProductKernel>(resource, inputs[0].dtype(), g.k, g.n, g.has_c, resource);
}

}  // namespace tenon::detail
