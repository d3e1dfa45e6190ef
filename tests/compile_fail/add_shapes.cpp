// expect: Shapes do not broadcast: aligned at the last axis
// expect: functor::Add
// expect: /Shape<2, 3>.*Shape<2, 4>/

#include <tenon/expr/operators.hpp>
#include <tenon/expr/views.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 2, 3> a, View<float, 1, 3> b, View<float, 2, 4> c) {
  return a + b + tenon::slice(c, 0, 0);
}

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 2, 3> a, View<float, 1, 3> b, View<float, 2, 4> c) { return a + c; }
#endif
