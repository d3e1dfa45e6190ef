// expect: rebind needs the layout that the program was prepared with.

#include <tenon/tenon.hpp>

using View = tenon::TensorView<float, tenon::Shape<3, 3>>;

void right(View y, View x) {
  tenon::prepare(y, tenon::transpose(x) + x).rebind<0>(tenon::transpose(x));
}

#ifdef TENON_SHOULD_FAIL
void wrong(View y, View x) { tenon::prepare(y, x + x).rebind<0>(tenon::transpose(x)); }
#endif
