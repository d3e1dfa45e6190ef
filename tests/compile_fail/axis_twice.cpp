// expect: A reduction names the same axis twice.

#include <tenon/expr/reductions.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 2, 3> x) { return tenon::sum<0, 1>(x); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 2, 3> x) { return tenon::sum<1, -1>(x); }
#endif
