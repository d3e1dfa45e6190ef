// expect: The condition of where needs bool elements.

#include <tenon/expr/operators.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<int, 3> n) { return tenon::where(n > 0, n, 0); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<int, 3> n) { return tenon::where(n, n, 0); }
#endif
