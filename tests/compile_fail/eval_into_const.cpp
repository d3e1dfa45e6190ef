// expect: The destination of an evaluation has const elements.

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

void right(View<float, 3> y, View<const float, 3> x) { tenon::eval_into(y, x + 1); }

#ifdef TENON_SHOULD_FAIL
void wrong(View<float, 3> y, View<const float, 3> x) { tenon::eval_into(x, y + 1); }
#endif
