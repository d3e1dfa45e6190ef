// expect: item() needs a tensor with exactly one element.

#include <tenon/tensor/view.hpp>

float one(tenon::TensorView<float, tenon::Shape<1, 1>> view) { return view.item(); }

#ifdef TENON_SHOULD_FAIL
float many(tenon::TensorView<float, tenon::Shape<2, 3>> view) { return view.item(); }
#endif
