// Fastor: tensors of static extents.
#include <Fastor/Fastor.h>

#include "peers.hpp"

#include <algorithm>
#include <memory>

namespace tenon::bench {

// Tensors of Fastor's own; the result is copied out once for all repetitions.
template <class T>
Contender fastor_static_product(const Product<T>& x) {
  return with_static_extent(x, [&]<int N>() {
    struct Operands {
      Fastor::Tensor<T, N, N> a, b, c;
    };
    const auto own = std::make_shared<Operands>();
    std::copy_n(x.a, N * N, own->a.data());
    std::copy_n(x.b, N * N, own->b.data());
    return Contender{"fastor", [=](long times) {
                       for (; times > 0; --times) {
                         own->c = own->a % own->b;
                         asm volatile("" ::: "memory");
                       }
                       std::copy_n(own->c.data(), N * N, x.c);
                     }};
  });
}
template Contender fastor_static_product(const Product<float>&);
template Contender fastor_static_product(const Product<double>&);

}  // namespace tenon::bench
