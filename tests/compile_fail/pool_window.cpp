// expect: A pooling window must fit the padded axis
// expect: MaxPool

#include <tenon/expr/pooling.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

auto right(View<float, 3, 4> x) { return tenon::max_pool<tenon::Pool1d{.kernel = 4}>(x); }

#ifdef TENON_SHOULD_FAIL
auto wrong(View<float, 3, 4> x) { return tenon::max_pool<tenon::Pool1d{.kernel = 5}>(x); }
#endif
