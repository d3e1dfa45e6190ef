// expect: This expression needs a workspace: eval(expression, scratch(res)).

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 3, 3> x, tenon::Arena& arena) {
  return tenon::eval(tenon::softmax<1>(x), tenon::scratch(arena));
}

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 3, 3> x, tenon::Arena& arena) {
  return static_cast<void>(arena), tenon::eval(tenon::softmax<1>(x));
}
#endif
