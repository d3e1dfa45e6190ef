// expect: The expression has more axes than the view that it is assigned to: slice or reduce it first.

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

void right(View<float, tenon::dyn, 3> y, View<float, 2, 3> x) { y = x; }

#ifdef TENON_SHOULD_FAIL
void wrong(View<float, tenon::dyn> y, View<float, 2, 3> x) { y = x; }
#endif
