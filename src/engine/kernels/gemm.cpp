// Gemm.

#include <tenon/expr/contraction.hpp>
#include <tenon/expr/operators.hpp>

#include "expression_kernel.hpp"
#include "factories.hpp"
#include "product_geometry.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

// alpha · A' · B'. Transposed operands are read where they lie.
template <class T>
struct ScaledProduct {
  static constexpr bool uses_team = true;
  GemmGeometry g;

  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    const StridedMatrixView<T> a(static_cast<const T*>(inputs[0]), shape(g.m, g.k),
                                 strides(g.trans_a, g.m, g.k));
    const StridedMatrixView<T> b(static_cast<const T*>(inputs[1]), shape(g.k, g.n),
                                 strides(g.trans_b, g.k, g.n));
    return matmul(a, b) * static_cast<T>(g.alpha);
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<T, dyn, dyn>(static_cast<T*>(output), shape(g.m, g.n));
  }

 private:
  static std::array<index_t, 2> strides(bool transposed, index_t rows, index_t columns) {
    return transposed ? std::array<index_t, 2>{1, rows} : std::array<index_t, 2>{columns, 1};
  }
};

// The same with beta · C added as the product is stored; a row or a column of C is read again and again.
template <class T>
struct ProductAndSum : ScaledProduct<T> {
  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    const StridedMatrixView<T> c(
        static_cast<const T*>(inputs[2]), shape(this->g.m, this->g.n),
        {this->g.c_rows == 1 ? 0 : this->g.c_columns, index_t{this->g.c_columns == 1 ? 0 : 1}});
    return ScaledProduct<T>::expression(inputs) + c * static_cast<T>(this->g.beta);
  }
};

}  // namespace

KernelPtr make_gemm_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                           const KernelOptions& options) {
  const GemmGeometry g = gemm_geometry(inputs, attributes);
  return with_element_type<float, double>(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    return g.has_c ? make_expression_kernel(ProductAndSum<T>{{g}}, options)
                   : make_expression_kernel(ScaledProduct<T>{g}, options);
  });
}

}  // namespace tenon::detail::inline TENON_MODE
