#pragma once
// The product of two matrices as a kernel.

#include <tenon/expr/contraction.hpp>

#include "expression_kernel.hpp"

namespace tenon::detail::inline TENON_MODE {

// A row or a column is a matrix here: the kernels see its extents when they run.
template <class T>
struct Product {
  static constexpr bool uses_team = true;
  index_t m, k, n;
  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    return matmul(InputView<T, dyn, dyn>(static_cast<const T*>(inputs[0]), shape(m, k)),
                  InputView<T, dyn, dyn>(static_cast<const T*>(inputs[1]), shape(k, n)));
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<T, dyn, dyn>(static_cast<T*>(output), shape(m, n));
  }
};

// The kernels of matrices of integers, which are compiled by themselves. Null for other elements.
[[nodiscard]] KernelPtr make_integer_product(DType dtype, index_t m, index_t k, index_t n,
                                             const KernelOptions& options);

}  // namespace tenon::detail::inline TENON_MODE
