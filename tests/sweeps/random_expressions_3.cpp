// Expressions 80 to 119 of tests/random_expressions.hpp against plain loops, in exactly their bytes.

#include "catch.hpp"
#include "random_expressions.hpp"

TEST_CASE("Random expressions 80 to 119 in exactly their bytes", "[eval][plan]") {
  random_expressions::check_all<80, 40>();
}
