// Trees 109 to 117 of tests/random_trees.hpp, each drawn a hundred times: fused, stage by stage, NumPy.

#include "random_trees.hpp"

TEST_CASE("Random trees 109 to 117 agree fused, stage by stage and with NumPy", "[eval]") {
  random_trees::check_trees<109, 9, 3>(100, "random_trees_2.tmp");
}
