// expect: The remainder % needs an integer tensor.

#include <tenon/expr/operators.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<int, 3> a, View<int, 3> b) { return a % b + a % 3; }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<bool, 3> a, View<bool, 3> b) { return a % b; }
#endif
