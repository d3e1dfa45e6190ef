// expect: The destination and the expression have different element types: write cast<T>(expression).

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

void right(View<float, 3> y, View<double, 3> x) { tenon::eval_into(y, tenon::cast<float>(x)); }

#ifdef TENON_SHOULD_FAIL
void wrong(View<float, 3> y, View<double, 3> x) { tenon::eval_into(y, x); }
#endif
