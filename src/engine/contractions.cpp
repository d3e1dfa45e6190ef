// MatMul and Gemm: what they take, and what comes out.

#include <tenon/core/error.hpp>

#include "built_in_operator.hpp"
#include "built_in_operators.hpp"
#include "product_geometry.hpp"

#include <algorithm>

namespace tenon::detail {

namespace {

constexpr DType products[] = {DType::float32, DType::float64, DType::int32, DType::int64};

// The element types agree and there are kernels for them.
void check_dtypes(const char* operation, std::span<const TensorType> inputs,
                  std::span<const DType> allowed) {
  require_dtype(operation, inputs[0], allowed);
  for (std::size_t i = 1; i < inputs.size(); ++i)
    if (inputs[i].dtype() != inputs[0].dtype())
      raise<DTypeError>(operation, "input %zu is %s; it has to have elements of %s as %s", i,
                        TensorTypeText(inputs[i]).text, name(inputs[0].dtype()),
                        TensorTypeText(inputs[0]).text);
}

[[noreturn]] void refuse_product(const char* operation, const TensorType& a, const TensorType& b,
                                 const char* reason) {
  raise<ShapeError>(operation, "%s and %s do not multiply: %s", TensorTypeText(a).text,
                    TensorTypeText(b).text, reason);
}

// Extent of an axis counted from the last batch axis; 1 beyond the first.
index_t batch_extent(const TensorType& type, int batch_rank, int from_last) {
  return from_last < batch_rank ? type.extent(batch_rank - 1 - from_last) : 1;
}

}  // namespace

ProductGeometry matmul_geometry(const TensorType& a, const TensorType& b) {
  const TensorType both[] = {a, b};
  check_dtypes("MatMul", both, products);
  if (a.rank() == 0 || b.rank() == 0) refuse_product("MatMul", a, b, "one is a scalar");
  const bool a_vector = a.rank() == 1, b_vector = b.rank() == 1;
  const int a_batch = a_vector ? 0 : a.rank() - 2, b_batch = b_vector ? 0 : b.rank() - 2;

  ProductGeometry g;
  g.m = a_vector ? 1 : a.extent(a.rank() - 2);
  g.k = a.extent(a.rank() - 1);
  g.n = b_vector ? 1 : b.extent(b.rank() - 1);
  if (b.extent(b_vector ? 0 : b.rank() - 2) != g.k)
    refuse_product("MatMul", a, b, "the inner extents differ");

  std::array<index_t, max_rank> extents{};
  const int rank = std::max(a_batch, b_batch);
  g.batches.rank = rank;
  index_t a_stride = g.m * g.k, b_stride = g.k * g.n;
  for (int from_last = 0; from_last < rank; ++from_last) {
    const index_t x = batch_extent(a, a_batch, from_last);
    const index_t y = batch_extent(b, b_batch, from_last);
    if (x != y && x != 1 && y != 1) refuse_product("MatMul", a, b, "batch axes do not broadcast");
    const auto axis = static_cast<std::size_t>(rank - 1 - from_last);
    extents[axis] = g.batches.extents[axis] = x == 1 ? y : x;
    g.batches.strides[0][axis] = x == 1 ? 0 : a_stride;
    g.batches.strides[1][axis] = y == 1 ? 0 : b_stride;
    a_stride *= x;
    b_stride *= y;
  }
  auto last = static_cast<std::size_t>(rank);
  if (!a_vector) extents[last++] = g.m;
  if (!b_vector) extents[last++] = g.n;
  g.output = TensorType(a.dtype(), std::span<const index_t>(extents.data(), last));

  const bool one_matrix = b.size() == g.k * g.n;
  const bool whole_rows = a.size() == g.batches.count() * g.m * g.k;
  if (one_matrix && whole_rows) {  // the rows of all batches, one below the other
    g.m *= g.batches.count();
    g.batches = {};
  }
  return g;
}

GemmGeometry gemm_geometry(std::span<const TensorType> inputs, const Attributes& attributes) {
  check_dtypes("Gemm", inputs, std::span(products).first(2));
  const TensorType& a = inputs[0];
  const TensorType& b = inputs[1];
  if (a.rank() != 2 || b.rank() != 2) refuse_product("Gemm", a, b, "both have to be matrices");
  GemmGeometry g;
  g.trans_a = attributes.integer("transA", 0) != 0;
  g.trans_b = attributes.integer("transB", 0) != 0;
  g.alpha = attributes.number("alpha", 1);
  g.beta = attributes.number("beta", 1);
  g.m = a.extent(g.trans_a ? 1 : 0);
  g.k = a.extent(g.trans_a ? 0 : 1);
  g.n = b.extent(g.trans_b ? 0 : 1);
  if (b.extent(g.trans_b ? 1 : 0) != g.k)
    refuse_product("Gemm", a, b,
                   g.trans_a || g.trans_b ? "the inner extents differ, transposed as asked for"
                                          : "the inner extents differ");
  g.output = TensorType(a.dtype(), {g.m, g.n});
  if (inputs.size() == 3) {
    const TensorType& c = inputs[2];
    g.has_c = true;
    g.c_columns = c.rank() > 0 ? c.extent(c.rank() - 1) : 1;
    g.c_rows = c.rank() > 1 ? c.extent(c.rank() - 2) : 1;
    const bool fits = c.rank() <= 2 && (g.c_rows == 1 || g.c_rows == g.m) &&
                      (g.c_columns == 1 || g.c_columns == g.n);
    if (!fits)
      raise<ShapeError>("Gemm", "input 2, %s, does not broadcast to %s", TensorTypeText(c).text,
                        TensorTypeText(g.output).text);
  }
  return g;
}

void register_contractions(OperatorRegistry& registry) {
  static constexpr std::string_view gemm_attributes[] = {"alpha", "beta", "transA", "transB"};
  static const BuiltInOperator matmul({"MatMul",
                                       2,
                                       2,
                                       {},
                                       [](std::span<const TensorType> inputs, const Attributes&) {
                                         return matmul_geometry(inputs[0], inputs[1]).output;
                                       },
                                       &KernelTable::matmul});
  static const BuiltInOperator gemm(
      {"Gemm", 2, 3, gemm_attributes,
       [](std::span<const TensorType> inputs, const Attributes& attributes) {
         return gemm_geometry(inputs, attributes).output;
       },
       &KernelTable::gemm});
  registry.add("MatMul", &matmul);
  registry.add("Gemm", &gemm);
}

}  // namespace tenon::detail
