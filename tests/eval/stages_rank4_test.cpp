// Reductions over every choice of axes of ranks 3 and 4, axes moved and strides of any kind.

#include "catch.hpp"
#include "reductions.hpp"

namespace tn = tenon;
using naive::index_t;
using naive::values;
using naive::wrong_over_all_axes;

TEST_CASE("Reductions over every choice of axes of rank 4, with axes moved") {
  tn::PoolAllocator pool;
  auto v = values<float>(3 * 4 * 5 * 6, 2);
  for (auto& x : v) x = std::floor(x * 4);
  const tn::TensorView<float, tn::Shape<3, 4, 5, 6>> x(v.data(), {});
  CHECK(wrong_over_all_axes(tn::permute<2, 0, 3, 1>(x), pool) == 0);
}

TEST_CASE("Reductions over every choice of axes of strided memory") {
  tn::PoolAllocator pool;
  const auto v = values<float>(200, 1);
  CHECK(wrong_over_all_axes(
            tn::view(v.data() + 60, tn::shape(3, 4, 5), std::array<index_t, 3>{30, -6, 1}), pool) ==
        0);
}
