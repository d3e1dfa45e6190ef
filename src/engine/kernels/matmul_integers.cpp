// MatMul of integers.

#include "product.hpp"

#include <cstdint>

namespace tenon::detail::inline TENON_MODE {

KernelPtr make_integer_product(DType dtype, index_t m, index_t k, index_t n,
                               const KernelOptions& options) {
  return with_element_type<std::int32_t, std::int64_t>(dtype, [&]<class T>(std::type_identity<T>) {
    return make_expression_kernel(Product<T>{m, k, n}, options);
  });
}

}  // namespace tenon::detail::inline TENON_MODE
