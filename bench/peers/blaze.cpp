// Blaze, with its own kernels for products (no BLAS behind it).
#include <blaze/Math.h>

#include "peers.hpp"

#include <memory>

namespace tenon::bench {
namespace {

using blaze::rowMajor, blaze::unaligned, blaze::unpadded;

std::size_t size(index_t extent) { return static_cast<std::size_t>(extent); }

// Blaze has no expressions over constant elements.
template <class T>
auto matrix(const T* p, index_t rows, index_t columns) {
  return blaze::CustomMatrix<T, unaligned, unpadded, rowMajor>(const_cast<T*>(p), size(rows),
                                                               size(columns));
}
template <bool Orientation = blaze::columnVector, class T>
auto vector(const T* p, index_t n) {
  return blaze::CustomVector<T, unaligned, unpadded, Orientation>(const_cast<T*>(p), size(n));
}

}  // namespace

template <class T>
Contender blaze_product(const Product<T>& x) {
  if (x.n == 1 && !x.a_transposed)
    return contender("blaze", [=] {
      auto c = vector(x.c, x.m);
      c = matrix(x.a, x.m, x.k) * vector(x.b, x.k);
    });
  if (x.m == 1 && !x.b_transposed)
    return contender("blaze", [=] {
      auto c = vector<blaze::rowVector>(x.c, x.n);
      c = vector<blaze::rowVector>(x.a, x.k) * matrix(x.b, x.k, x.n);
    });
  return contender("blaze", [=] {
    auto c = matrix(x.c, x.m, x.n);
    if (x.a_transposed)
      c = blaze::trans(matrix(x.a, x.k, x.m)) * matrix(x.b, x.k, x.n);
    else if (x.b_transposed)
      c = matrix(x.a, x.m, x.k) * blaze::trans(matrix(x.b, x.n, x.k));
    else
      c = matrix(x.a, x.m, x.k) * matrix(x.b, x.k, x.n);
  });
}
template Contender blaze_product(const Product<float>&);
template Contender blaze_product(const Product<double>&);

// Matrices of Blaze's own, padded as it likes them; the result is copied out once for all repetitions.
template <class T>
Contender blaze_static_product(const Product<T>& x) {
  return with_static_extent(x, [&]<int N>() {
    using Matrix = blaze::StaticMatrix<T, N, N, blaze::rowMajor>;
    struct Operands {
      Matrix a, b, c;
    };
    const auto own = std::make_shared<Operands>();
    for (std::size_t i = 0; i < N; ++i)
      for (std::size_t j = 0; j < N; ++j) {
        own->a(i, j) = x.a[i * N + j];
        own->b(i, j) = x.b[i * N + j];
      }
    return Contender{"blaze", [=](long times) {
                       for (; times > 0; --times) {
                         own->c = own->a * own->b;
                         asm volatile("" ::: "memory");
                       }
                       for (std::size_t i = 0; i < N; ++i)
                         for (std::size_t j = 0; j < N; ++j) x.c[i * N + j] = own->c(i, j);
                     }};
  });
}
template Contender blaze_static_product(const Product<float>&);
template Contender blaze_static_product(const Product<double>&);

std::function<void()> blaze_into(const Streams& x) {
  return [=] {
    auto d = vector(x.d, x.n);
    d = vector(x.a, x.n) * vector(x.b, x.n) + vector(x.c, x.n);
  };
}
std::function<void()> blaze_new(const Streams& x) {
  return [=] {
    const blaze::DynamicVector<float> d = vector(x.a, x.n) * vector(x.b, x.n) + vector(x.c, x.n);
    asm volatile("" ::"r"(d.data()) : "memory");
  };
}

}  // namespace tenon::bench
