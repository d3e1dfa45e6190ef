#include <tenon/tensor/walk.hpp>

#include "catch.hpp"

#include <utility>
#include <vector>

using namespace tenon;
using detail::walk;

TEST_CASE("walk visits every index once, in row-major order") {
  std::vector<std::pair<index_t, index_t>> seen, expected;
  const std::array<index_t, 3> extents{2, 3, 4}, a{12, 4, 1}, b{-5, 0, 100};
  walk(extents, [&](index_t x, index_t y) { seen.emplace_back(x, y); }, a, b);
  for (index_t i = 0; i < 2; ++i)
    for (index_t j = 0; j < 3; ++j)
      for (index_t k = 0; k < 4; ++k) expected.emplace_back(12 * i + 4 * j + k, -5 * i + 100 * k);
  CHECK(seen == expected);
}

TEST_CASE("walk visits rank 0 once and a zero extent never") {
  int count = 0;
  walk(
      std::array<index_t, 0>{}, [&](index_t offset) { count += offset == 0 ? 1 : 100; },
      std::array<index_t, 0>{});
  CHECK(count == 1);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::array<index_t, 3> extents{2, 3, 4};
    extents[axis] = 0;
    walk(extents, [&](index_t) { ++count; }, std::array<index_t, 3>{});
  }
  CHECK(count == 1);
}
