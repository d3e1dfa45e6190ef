// Twelve of the random expressions of tests/random_expressions.hpp against plain loops, in exactly their
// bytes. All two hundred: tests/sweeps.

#include "random_expressions.hpp"
#include "catch.hpp"

TEST_CASE("Random expressions in exactly their bytes", "[eval][plan]") {
  random_expressions::check_all<0, 12>();
}
