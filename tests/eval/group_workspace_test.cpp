// Several results in a workspace of the caller's, whose size is a constant.

#include "catch.hpp"

#include <tenon/tenon.hpp>

namespace tn = tenon;

namespace {

using Square = tn::StaticTensor<float, 24, 24>;

Square numbered(float first) {
  Square x{};
  for (std::ptrdiff_t i = 0; i < 24; ++i)
    for (std::ptrdiff_t j = 0; j < 24; ++j)
      x(i, j) = first + static_cast<float>(i) - static_cast<float>(j) / 8;
  return x;
}

// A value that is stored for two results: a product of it and its softmax by columns.
template <class A, class W>
auto shared_by_two(const A& a, const W& w) {
  return tn::let(tn::exp(a), [&](auto h) { return tn::tie(tn::matmul(h, w), tn::softmax<0>(h)); });
}

template <class Expected>
void check_equal(const Square& x, const Expected& y) {
  for (std::ptrdiff_t i = 0; i < 24; ++i)
    for (std::ptrdiff_t j = 0; j < 24; ++j) REQUIRE(x(i, j) == y(i, j));
}

}  // namespace

TEST_CASE("Workspace of a tie has the bytes of its plan and needs no resource", "[eval][tie]") {
  Square a = numbered(-12), w = numbered(1), product{}, normal{};
  const auto group = shared_by_two(a, w);
  using Group = decltype(group);
  static_assert(tn::plan_of<Group>.workspace_bytes >= sizeof(Square));
  static_assert(tn::Workspace<Group>::size_bytes == tn::plan_of<Group>.workspace_bytes);
  static_assert(tn::Workspace<Group, tn::aliased>::size_bytes ==
                tn::plan_of<Group>.workspace_bytes_if_aliased);

  tn::Workspace<Group> workspace;
  tn::eval_into(tn::tie(product, normal), group, workspace);
  tn::Arena arena;
  const auto [expected_product, expected_normal] = tn::eval(group, arena);
  check_equal(product, expected_product);
  check_equal(normal, expected_normal);

  SECTION("a prepared program runs in it") {
    Square again{}, and_again{};
    auto program = tn::prepare(tn::tie(again, and_again), group, workspace);
    CHECK(program.workspace_bytes() == tn::plan_of<Group>.workspace_bytes);
    program.run();
    check_equal(again, product);
    check_equal(and_again, normal);
  }
  SECTION("a destination that overlaps an operand needs the larger one") {
    const Square before = w;
    CHECK_THROWS_AS(tn::eval_into(tn::tie(w, a), group, workspace), tn::ContractError);
    check_equal(w, before);
    CHECK_THROWS_AS(tn::prepare(tn::tie(w, a), group, workspace), tn::ContractError);
    tn::Workspace<Group, tn::aliased> room;
    tn::eval_into(tn::tie(w, a), group, room);
    check_equal(w, product);
    check_equal(a, normal);
  }
}
