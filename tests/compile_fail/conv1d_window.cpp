// expect: The window of a convolution must have a tap and fit the padded operand
// expect: /Shape<3, 4>.*Shape<8, 3, 5>/

#include <tenon/expr/windows.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 3, 4> x, View<float, 8, 3, 5> w) {
  return tenon::conv1d<tenon::Conv1d{.padding = {0, 1}}>(x, w);
}

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 3, 4> x, View<float, 8, 3, 5> w) { return tenon::conv1d(x, w); }
#endif
