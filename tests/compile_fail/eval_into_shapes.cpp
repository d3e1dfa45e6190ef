// expect: The destination of eval_into does not have the shape of the expression.
// expect: /Shape<4, 3>.*Shape<3, 4>/

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

void right(View<float, 4, 3> y, View<float, 3, 4> x) { tenon::eval_into(y, tenon::transpose(x)); }

#ifdef TENON_SHOULD_FAIL
void wrong(View<float, 4, 3> y, View<float, 3, 4> x) { tenon::eval_into(y, x + 1); }
#endif
