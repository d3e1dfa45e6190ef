// expect: concat needs operands of the same extents but for the axis that it joins
// expect: /Shape<2, 3>.*Shape<2, 4>/

#include <tenon/expr/join.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 2, 3> a, View<float, 2, 4> b) { return tenon::concat<1>(a, b); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 2, 3> a, View<float, 2, 4> b) { return tenon::concat<0>(a, b); }
#endif
