// expect: Arithmetic on a bool tensor: write cast<T>(x), or use & | ^ ~.

#include <tenon/expr/operators.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<bool, 3> a, View<bool, 3> b) { return (a & b) | ~a; }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<bool, 3> a, View<bool, 3> b) { return a + b; }
#endif
