// Eigen 5. Its namespace has another name here, so that Eigen 3.4 lives in the same program.
#define Eigen Eigen5
#include <Eigen/Core>

#include "eigen_product.hpp"
#include "peers.hpp"

namespace tenon::bench {

template <class T>
Contender eigen5_product(const Product<T>& x) {
  return eigen_product("eigen5", x);
}
template Contender eigen5_product(const Product<float>&);
template Contender eigen5_product(const Product<double>&);

Contender eigen5_epilogue(const Product<float>& x, const float* bias, const float* r) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using In = Eigen::Map<const Matrix>;
  return contender("eigen5", [=] {
    Eigen::Map<Matrix>(x.c, x.m, x.n) = ((In(x.a, x.m, x.k) * In(x.b, x.k, x.n)).rowwise() +
                                         Eigen::Map<const Eigen::RowVectorXf>(bias, x.n))
                                            .cwiseMax(0.0F) +
                                        In(r, x.m, x.n);
  });
}

template <class T>
Contender eigen5_static_product(const Product<T>& x) {
  return with_static_extent(x, [&]<int N>() {
    using Matrix = Eigen::Matrix<T, N, N, Eigen::RowMajor>;
    using In = Eigen::Map<const Matrix>;
    return contender("eigen5", [=] { Eigen::Map<Matrix>(x.c).noalias() = In(x.a) * In(x.b); });
  });
}
template Contender eigen5_static_product(const Product<float>&);
template Contender eigen5_static_product(const Product<double>&);

namespace {
using Array = Eigen::Map<const Eigen::ArrayXf>;
}

std::function<void()> eigen5_into(const Streams& x) {
  return [=] {
    Eigen::Map<Eigen::ArrayXf>(x.d, x.n) = Array(x.a, x.n) * Array(x.b, x.n) + Array(x.c, x.n);
  };
}
std::function<void()> eigen5_new(const Streams& x) {
  return [=] {
    const Eigen::ArrayXf d = Array(x.a, x.n) * Array(x.b, x.n) + Array(x.c, x.n);
    asm volatile("" ::"r"(d.data()) : "memory");
  };
}

}  // namespace tenon::bench
