// MatMul.

#include <tenon/expr/contraction.hpp>

#include "expression_kernel.hpp"
#include "factories.hpp"
#include "repeated_kernel.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

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

}  // namespace

KernelPtr make_matmul_kernel(std::span<const TensorType> inputs, const Attributes&,
                             const KernelOptions& options) {
  const ProductGeometry g = matmul_geometry(inputs[0], inputs[1]);
  const DType dtype = inputs[0].dtype();
  // What a team needs about as long for as for waking up.
  const bool worth_threads = g.output.size() * g.k > index_t{80} * 80 * 80;
  return make_repeated(g.batches, static_cast<std::size_t>(size_bytes(dtype)), g.m * g.n,
                       worth_threads, options, [&](const KernelOptions& one) {
                         return with_element_type<float, double, std::int32_t, std::int64_t>(
                             dtype, [&]<class T>(std::type_identity<T>) {
                               return make_expression_kernel(Product<T>{g.m, g.k, g.n}, one);
                             });
                       });
}

}  // namespace tenon::detail::inline TENON_MODE
