// Groups of results that share a value, of extents known at run time.

#include "several_cases.hpp"

TEST_CASE("Results of dynamic extents that share a value") {
  several::check_shared<tenon::Shape<tenon::dyn, tenon::dyn>>();
}
