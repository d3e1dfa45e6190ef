// expect: This expression needs a workspace: eval_into(dst, expression, scratch(res)).

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

void right(View<float, 3, 3> y, View<float, 3, 3> x, tenon::Arena& arena) {
  tenon::eval_into(y, tenon::softmax<1>(x), tenon::scratch(arena));
}

#ifdef TENON_SHOULD_FAIL
void wrong(View<float, 3, 3> y, View<float, 3, 3> x, tenon::Arena& arena) {
  static_cast<void>(arena), y = tenon::softmax<1>(x);
}
#endif
