#pragma once
// A product by whichever Eigen is included before this; its matrix is a parameter, so that two versions in
// one program are two functions.

#include "../product.hpp"

namespace tenon::bench {

template <class T, class Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>
Contender eigen_product(const char* name, const Product<T>& x) {
  using In = Eigen::Map<const Matrix>;
  using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
  using VectorIn = Eigen::Map<const Vector>;
  using VectorOut = Eigen::Map<Vector>;
  if (x.n == 1)
    return contender(
        name, [=] { VectorOut(x.c, x.m).noalias() = In(x.a, x.m, x.k) * VectorIn(x.b, x.k); });
  if (x.m == 1)
    return contender(name, [=] {
      VectorOut(x.c, x.n).noalias() = In(x.b, x.k, x.n).transpose() * VectorIn(x.a, x.k);
    });
  return contender(name, [=] {
    Eigen::Map<Matrix> c(x.c, x.m, x.n);
    if (x.a_transposed)
      c.noalias() = In(x.a, x.k, x.m).transpose() * In(x.b, x.k, x.n);
    else if (x.b_transposed)
      c.noalias() = In(x.a, x.m, x.k) * In(x.b, x.n, x.k).transpose();
    else
      c.noalias() = In(x.a, x.m, x.k) * In(x.b, x.k, x.n);
  });
}

}  // namespace tenon::bench
