// expect: The destinations of eval_into are tensors that have a name, or views.

#include <tenon/tenon.hpp>

using View = tenon::TensorView<float, tenon::Shape<3>>;

void right(View x, View y) { tenon::eval_into(tenon::tie(x, y), tenon::tie(x + y, x - y)); }

#ifdef TENON_SHOULD_FAIL
void wrong(View x, View y) { tenon::eval_into(tenon::tie(x, y + 1), tenon::tie(x + y, x - y)); }
#endif
