// A bound is at least 1: upto<0> would be dyn.
// expect: constraints not satisfied

#include <tenon/core/shape.hpp>

tenon::Shape<tenon::upto<1>> least;

#ifdef TENON_SHOULD_FAIL
tenon::Shape<tenon::upto<0>> none;
#endif
