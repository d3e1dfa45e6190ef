// expect: softmax names an axis that its operand does not have.

#include <tenon/expr/reductions.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 2, 3> x) { return tenon::softmax<-1>(x); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 2, 3> x) { return tenon::softmax<2>(x); }
#endif
