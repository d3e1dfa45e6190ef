// expect: permute needs every axis of its operand exactly once.

#include <tenon/expr/views.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 2, 3> x) { return tenon::permute<1, 0>(x); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 2, 3> x) { return tenon::permute<1, 1>(x); }
#endif
