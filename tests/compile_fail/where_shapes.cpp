// expect: Shapes do not broadcast
// expect: functor::Where
// expect: /Shape<2, 3>.*Shape<4>/

#include <tenon/expr/operators.hpp>
#include <tenon/expr/views.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<bool, 2, 3> c, View<float, 3> a, View<float, 4> b) {
  return tenon::where(c, a, tenon::slice(b, 0));
}

#ifdef TENON_SHOULD_FAIL
auto wrong(View<bool, 2, 3> c, View<float, 3> a, View<float, 4> b) {
  return tenon::where(c, 1.0F, b);
}
#endif
