// expect: A number beside a tensor must be of the tensor's kind

#include <tenon/expr/operators.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<int, 3> n) { return tenon::cast<double>(2 * n) * 0.5; }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<int, 3> n) { return n * 0.5; }
#endif
