// expect: These element types have no common type in the array-API promotion table

#include <tenon/expr/operators.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<int, 3> n, View<float, 3> x) { return tenon::cast<float>(n) + x; }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<int, 3> n, View<float, 3> x) { return n + x; }
#endif
