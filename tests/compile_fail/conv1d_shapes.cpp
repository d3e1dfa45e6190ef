// expect: A convolution needs x (..., C, axes...) and w (C_out, C / groups, taps...)
// expect: /Shape<3, 17>.*Shape<8, 4, 3>/

#include <tenon/expr/windows.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 3, 17> x, View<float, 8, 3, 3> w) { return tenon::conv1d(x, w); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 3, 17> x, View<float, 8, 4, 3> w) { return tenon::conv1d(x, w); }
#endif
