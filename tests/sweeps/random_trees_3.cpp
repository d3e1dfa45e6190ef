// Trees 118 to 126 of tests/random_trees.hpp, each drawn a hundred times: fused, stage by stage, NumPy.

#include "random_trees.hpp"

TEST_CASE("Random trees 118 to 126 agree fused, stage by stage and with NumPy", "[eval]") {
  random_trees::check_trees<118, 9, 3>(100, "random_trees_3.tmp");
}
