// expect-gcc: no matching function for call to
// expect-clang: no matching function for call to 'eval'

#include <tenon/tenon.hpp>

template <class T, tenon::index_t... E>
using View = tenon::TensorView<T, tenon::Shape<E...>>;

void right(View<float, 3, 3> x, tenon::PoolAllocator& results, tenon::Arena& temporaries) {
  static_cast<void>(tenon::eval(tenon::softmax<1>(x), results, tenon::scratch(temporaries)));
}

#ifdef TENON_SHOULD_FAIL
void wrong(View<float, 3, 3> x, tenon::PoolAllocator& results, tenon::Arena& temporaries) {
  static_cast<void>(tenon::eval(tenon::softmax<1>(x), tenon::scratch(temporaries), results));
}
#endif
