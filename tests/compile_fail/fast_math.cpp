// expect: Tenon needs IEEE arithmetic: build without -ffast-math and -ffinite-math-only.

#ifdef TENON_SHOULD_FAIL
#define __FAST_MATH__ 1  // what compilers define under -ffast-math
#endif
#include <tenon/core/config.hpp>

static_assert(tenon::max_rank == 8);
