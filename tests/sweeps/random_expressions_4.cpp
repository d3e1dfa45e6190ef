// Expressions 120 to 159 of tests/random_expressions.hpp against plain loops, in exactly their bytes.

#include "catch.hpp"
#include "random_expressions.hpp"

TEST_CASE("Random expressions 120 to 159 in exactly their bytes", "[eval][plan]") {
  random_expressions::check_all<120, 40>();
}
