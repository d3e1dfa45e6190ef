// expect: reshape keeps the number of elements; the two shapes differ in it.
// expect: /Shape<3, 3>/
// expect: /Shape<2, 4>/

#include <tenon/expr/views.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 2, 4> a) { return tenon::reshape(a, tenon::shape<4, 2>()); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 2, 4> a) { return tenon::reshape(a, tenon::shape<3, 3>()); }
#endif
