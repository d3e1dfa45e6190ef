// Eigen 5. Its namespace has another name here, so that Eigen 3.4 lives in the same program.
#define Eigen Eigen5
#include <Eigen/Core>

#include "peers.hpp"

namespace tenon::bench {

template <class T>
Contender eigen5_product(const Product<T>& x) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using In = Eigen::Map<const Matrix>;
  using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
  using VectorIn = Eigen::Map<const Vector>;
  using VectorOut = Eigen::Map<Vector>;
  if (x.n == 1)
    return contender(
        "eigen5", [=] { VectorOut(x.c, x.m).noalias() = In(x.a, x.m, x.k) * VectorIn(x.b, x.k); });
  if (x.m == 1)
    return contender("eigen5", [=] {
      VectorOut(x.c, x.n).noalias() = In(x.b, x.k, x.n).transpose() * VectorIn(x.a, x.k);
    });
  return contender("eigen5", [=] {
    Eigen::Map<Matrix> c(x.c, x.m, x.n);
    if (x.a_transposed)
      c.noalias() = In(x.a, x.k, x.m).transpose() * In(x.b, x.k, x.n);
    else if (x.b_transposed)
      c.noalias() = In(x.a, x.m, x.k) * In(x.b, x.n, x.k).transpose();
    else
      c.noalias() = In(x.a, x.m, x.k) * In(x.b, x.k, x.n);
  });
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
