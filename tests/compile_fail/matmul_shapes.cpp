// expect: matmul needs (..., M, K) and (..., K, N)
// expect: /Shape<2, 3>.*Shape<2, 4>/

#include <tenon/expr/contraction.hpp>
#include <tenon/expr/views.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 2, 3> a, View<float, 2, 4> b) {
  return tenon::matmul(tenon::transpose(a), b);
}

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 2, 3> a, View<float, 2, 4> b) { return tenon::matmul(a, b); }
#endif
