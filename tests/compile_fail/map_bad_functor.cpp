// expect: The functor of this map takes neither packs nor numbers of the operands' element types.

#include <tenon/expr/operators.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 3> x) {
  return tenon::map([](float v) { return v; }, x);
}

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 3> x) {
  return tenon::map([](const char* v) { return v; }, x);
}
#endif
