// expect: Shapes do not broadcast
// expect: functor::Assign
// expect: /Shape<4, 3>.*Shape<4>/

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

void right(View<float, 4, 3> y, View<float, 4> x) { y = tenon::unsqueeze<1>(x); }

#ifdef TENON_SHOULD_FAIL
void wrong(View<float, 4, 3> y, View<float, 4> x) { y = x; }
#endif
