// expect: /constraints? not satisfied|template constraint failure|constraint.*StaticallyPlanned/

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 3> x, View<float, tenon::dyn> y) {
  return static_cast<void>(y), tenon::plan_of<decltype(x + 1)>.workspace_bytes;
}

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 3> x, View<float, tenon::dyn> y) {
  return static_cast<void>(x), tenon::plan_of<decltype(y + 1)>.workspace_bytes;
}
#endif
