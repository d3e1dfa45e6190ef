// MatMul.

#include "factories.hpp"
#include "product.hpp"
#include "repeated_kernel.hpp"

namespace tenon::detail::inline TENON_MODE {

KernelPtr make_matmul_kernel(std::span<const TensorType> inputs, const Attributes&,
                             const KernelOptions& options) {
  const ProductGeometry g = matmul_geometry(inputs[0], inputs[1]);
  const DType dtype = inputs[0].dtype();
  // What a team needs about as long for as for waking up.
  const bool worth_threads = g.output.size() * g.k > index_t{80} * 80 * 80;
  return make_repeated(g.batches, static_cast<std::size_t>(size_bytes(dtype)), g.m * g.n,
                       worth_threads, options, [&](const KernelOptions& one) {
                         if (dtype == DType::int32 || dtype == DType::int64)
                           return make_integer_product(dtype, g.m, g.k, g.n, one);
                         return with_element_type<float, double>(
                             dtype, [&]<class T>(std::type_identity<T>) {
                               return make_expression_kernel(Product<T>{g.m, g.k, g.n}, one);
                             });
                       });
}

}  // namespace tenon::detail::inline TENON_MODE
