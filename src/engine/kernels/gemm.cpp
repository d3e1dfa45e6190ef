// Gemm.

#include <tenon/expr/contraction.hpp>
#include <tenon/expr/operators.hpp>

#include "expression_kernel.hpp"
#include "factories.hpp"
#include "product_geometry.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

// alpha · A' · B' + beta · C. Transposed operands are read where they lie, and so are a row or a column of C again and
// again; where there is no C, it is a zero.
template <class T>
struct ScaledProduct {
  static constexpr bool uses_team = true;
  static constexpr T zero{};
  GemmGeometry g;

  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    const StridedMatrixView<T> a(static_cast<const T*>(inputs[0]), shape(g.m, g.k),
                                 strides(g.trans_a, g.m, g.k));
    const StridedMatrixView<T> b(static_cast<const T*>(inputs[1]), shape(g.k, g.n),
                                 strides(g.trans_b, g.k, g.n));
    const StridedMatrixView<T> c(
        g.has_c ? static_cast<const T*>(inputs[2]) : &zero, shape(g.m, g.n),
        {g.c_rows == 1 ? 0 : g.c_columns, index_t{g.c_columns == 1 ? 0 : 1}});
    return matmul(a, b) * static_cast<T>(g.alpha) + c * static_cast<T>(g.beta);
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<T, dyn, dyn>(static_cast<T*>(output), shape(g.m, g.n));
  }

 private:
  static std::array<index_t, 2> strides(bool transposed, index_t rows, index_t columns) {
    return transposed ? std::array<index_t, 2>{1, rows} : std::array<index_t, 2>{columns, 1};
  }
};

}  // namespace

KernelPtr make_gemm_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                           const KernelOptions& options) {
  const GemmGeometry g = gemm_geometry(inputs, attributes);
  return with_element_type<float, double>(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    return make_expression_kernel(ScaledProduct<T>{g}, options);
  });
}

}  // namespace tenon::detail::inline TENON_MODE
