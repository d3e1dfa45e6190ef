// A view of const elements is not assigned to; rebind() moves it.
// expect-gcc: constraints not satisfied
// expect-clang: no viable overloaded '='

#include <tenon/tensor/view.hpp>

using View = tenon::TensorView<const float, tenon::Shape<2, 3>>;

void move_view(View& view, const View& other) { view.rebind(other); }

#ifdef TENON_SHOULD_FAIL
void write_elements(View& view, const View& other) { view = other; }
#endif
