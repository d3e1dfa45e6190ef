// expect: This operation needs a floating-point tensor: write cast<double>(x).

#include <tenon/expr/operators.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<int, 3> n) { return tenon::exp(tenon::cast<double>(n)); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<int, 3> n) { return tenon::exp(n); }
#endif
