// Nodes by number.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/node_at.hpp>

namespace tn = tenon;
namespace td = tenon::detail;

TEST_CASE("Node I is the I-th in preorder") {
  const float v[4] = {1, 2, 3, 4};
  const auto a = tn::view(&v[0], tn::shape<2>()), b = tn::view(&v[2], tn::shape<2>());
  const auto e = (a + b) * tn::exp(b);  // * + a b exp b
  using E = std::remove_const_t<decltype(e)>;
  CHECK(static_cast<const void*>(&td::node_at<0>(e)) == &e);
  CHECK(td::node_at<2>(e).view().data() == a.data());
  CHECK(td::node_at<3>(e).view().data() == b.data());
  CHECK(td::node_at<5>(e).view().data() == b.data());
  static_assert(td::operand_index<E>(0, 0) == 1 && td::operand_index<E>(0, 1) == 4);
  const td::StageByStage whole(e);
  CHECK(td::node_at<5>(whole).view().data() == b.data());
}
