// Expressions 0 to 39 of tests/random_expressions.hpp against plain loops, in exactly their bytes.

#include "catch.hpp"
#include "random_expressions.hpp"

TEST_CASE("Random expressions 0 to 39 in exactly their bytes", "[eval][plan]") {
  random_expressions::check_all<0, 40>();
}
