// expect: only operands that are views can be rebound.

#include <tenon/tenon.hpp>

using Tensor = tenon::StaticTensor<float, 3, 3>;

void right(Tensor& y, Tensor& x) { tenon::prepare(y, tenon::exp(x) + Tensor{}).rebind<0>(y); }

#ifdef TENON_SHOULD_FAIL
void wrong(Tensor& y, Tensor& x) { tenon::prepare(y, tenon::exp(x) + Tensor{}).rebind<1>(x); }
#endif
