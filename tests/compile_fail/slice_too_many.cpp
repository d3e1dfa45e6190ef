// expect: A slice names more axes than its operand has.

#include <tenon/expr/views.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 2, 3> x) { return tenon::slice(x, 0, tenon::newaxis, 1); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 2, 3> x) { return tenon::slice(x, 0, 1, 0); }
#endif
