// expect: rebind needs the shape that the program was prepared with.
// expect: /Shape<4, 3>.*Shape<3, 4>/

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

void right(View<float, 3, 4> y, View<float, 3, 4> x) { tenon::prepare(y, x + x).rebind<1>(x); }

#ifdef TENON_SHOULD_FAIL
void wrong(View<float, 3, 4> y, View<float, 3, 4> x, View<float, 4, 3> z) {
  tenon::prepare(y, x + x).rebind<1>(z);
}
#endif
