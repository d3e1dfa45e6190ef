// expect: a_view_of_a_temporary_would_dangle

#include <tenon/tensor/static_tensor.hpp>

using Pair = tenon::StaticTensor<float, 2>;

float first(const Pair& named) { return named.view()(0); }

#ifdef TENON_SHOULD_FAIL
auto dangling() { return Pair{1.0F, 2.0F}.view(); }
#endif
