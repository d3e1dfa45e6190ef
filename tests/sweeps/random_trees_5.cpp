// Trees of double, as tests/random_trees.hpp grows them, each drawn a hundred times.

#include "random_trees.hpp"

TEST_CASE("Random trees of double agree fused, stage by stage and with NumPy", "[eval]") {
  random_trees::check_trees<200, 6, 3, double>(100, "random_trees_5.tmp");
}
