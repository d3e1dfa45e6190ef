// expect: A program reads and writes tensors of yours: this one would be gone after the statement.

#include <tenon/tenon.hpp>

using Tensor = tenon::StaticTensor<float, 3, 3>;

void right(Tensor& y, Tensor& x) { tenon::prepare(y, x + x).rebind<0>(x); }

#ifdef TENON_SHOULD_FAIL
void wrong(Tensor& y, Tensor& x) { tenon::prepare(y, x + x).rebind<0>(Tensor{}); }
#endif
