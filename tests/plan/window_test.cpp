// The expression of one block: extents, and where its leaves lie.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/plan.hpp>

namespace tn = tenon;
namespace td = tenon::detail;
using tn::index_t;

TEST_CASE("A block has the block's rows of every operand that has rows") {
  const auto v = naive::values<float>(5000 * 20, 1);
  const auto x = tn::view(v.data(), tn::shape<5000, 20>());
  const auto w = tn::view(v.data(), tn::shape<20, 20>());
  const auto e = tn::matmul(tn::relu(tn::matmul(x, w)), w) + x;
  using E = std::remove_const_t<decltype(e)>;
  static_assert(td::structure_of<E>.is_region(0));
  const auto first = td::first_block<0>(e);
  CHECK(first.rows == 5000);
  CHECK(first.count == td::structure_of<E>.regions.rows[0]);
  const td::RowBlock last{5000 - 7, 7, 5000};
  const auto block = td::cut<0>(e, td::HoistedValues<void>{}, last);
  static_assert(td::node_count<std::remove_const_t<decltype(block)>> == td::node_count<E>);
  static_assert(td::planned_when_compiling<std::remove_const_t<decltype(block)>>);
  CHECK(block.shape().extents() == std::array<index_t, 2>{7, 20});
  const auto& leaf = td::node_at<4>(block);
  CHECK(leaf.view().data() == x.data() + 4993 * 20);
  CHECK(leaf.shape().extent(0) == 7);
  CHECK(td::node_at<5>(block).view().data() == w.data());
}

TEST_CASE("A block of a view, in every layout") {
  std::vector<float> memory(4 * 6 * 8);
  const td::RowBlock block{2, 3, 6};
  const auto compare = [&](const auto& whole, auto axis) {
    const auto part = td::cut_view<axis.value, 4>(whole, block);
    auto extents = whole.shape().extents();
    extents[axis.value] = 3;
    REQUIRE(part.shape().extents() == extents);
    CHECK(part.data() == whole.data() + 2 * whole.strides()[axis.value]);
    for (std::size_t d = axis.value; d < extents.size(); ++d)  // before it, extents may all be 1
      CHECK(part.strides()[d] == whole.strides()[d]);
    if (whole.extent(0) != 1) CHECK(part.strides() == whole.strides());
    return part;
  };
  using Zero = std::integral_constant<int, 0>;
  using One = std::integral_constant<int, 1>;
  const auto rows = compare(tn::view(memory.data(), tn::shape<6, 8>()), Zero{});
  static_assert(std::same_as<decltype(rows)::layout_type, tn::row_major>);
  compare(tn::view(memory.data(), tn::shape(6, 8)), Zero{});
  compare(tn::view(memory.data(), tn::shape<4, 6, 8>()), One{});
  compare(tn::view(memory.data(), tn::shape(4, 6, 8)), One{});
  const auto single = compare(tn::view(memory.data(), tn::shape<1, 6, 8>()), One{});
  static_assert(std::same_as<decltype(single)::layout_type, tn::row_major>);
  compare(tn::transpose(tn::view(memory.data(), tn::shape<8, 6>())), Zero{});
  compare(tn::transpose(tn::view(memory.data(), tn::shape(8, 6))), Zero{});
  // An extent of 1 is not cut: it is stretched over the rows.
  const auto one = td::cut_view<0, 0>(tn::view(memory.data(), tn::shape(1, 8)), block);
  CHECK(one.extent(0) == 1);
  CHECK(one.data() == memory.data());
}
