// expect: rebind names an operand that the program does not have: they count from 0

#include <tenon/tenon.hpp>

using View = tenon::TensorView<float, tenon::Shape<3, 3>>;

void right(View y, View x) { tenon::prepare(y, x * 2.0F + x).rebind<1>(x); }

#ifdef TENON_SHOULD_FAIL
void wrong(View y, View x) { tenon::prepare(y, x * 2.0F + x).rebind<2>(x); }
#endif
