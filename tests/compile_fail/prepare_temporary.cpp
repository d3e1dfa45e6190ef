// expect: A program writes to a tensor of yours: this one would be gone after the statement.

#include <tenon/tenon.hpp>

using Tensor = tenon::StaticTensor<float, 3, 3>;

void right(Tensor& y, Tensor& x) { tenon::prepare(y, x + x).run(); }

#ifdef TENON_SHOULD_FAIL
void wrong(Tensor& x) { tenon::prepare(Tensor{}, x + x).run(); }
#endif
