// expect: Tenon tensors have at most 8 axes.

#include <tenon/core/shape.hpp>

tenon::Shape<1, 1, 1, 1, 1, 1, 1, 1> most;

#ifdef TENON_SHOULD_FAIL
tenon::Shape<1, 1, 1, 1, 1, 1, 1, 1, 1> too_many;
#endif
