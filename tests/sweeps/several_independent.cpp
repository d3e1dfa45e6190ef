// Groups of results that have operands in common at most.

#include "several_cases.hpp"

TEST_CASE("Independent results of known extents") {
  several::check_independent<tenon::Shape<several::rows, several::columns>>();
}

TEST_CASE("Independent results of dynamic extents") {
  several::check_independent<tenon::Shape<tenon::dyn, tenon::dyn>>();
}
