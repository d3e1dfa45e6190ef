// Four of the trees of tests/random_trees.hpp: fused, stage by stage and NumPy. All of them: tests/sweeps.

#include "random_trees.hpp"

TEST_CASE("Random trees agree fused, stage by stage and with NumPy", "[eval]") {
  random_trees::check_trees<1, 4, 2>(20, "random_trees_test.tmp");
}
