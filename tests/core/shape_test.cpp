#include <tenon/core/shape.hpp>

#include "catch.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <type_traits>

using namespace tenon;
using namespace tenon::literals;

namespace {

template <std::size_t R>
using Extents = std::array<index_t, R>;

template <class A, class B, class Expected>
constexpr bool broadcast_to = std::is_same_v<broadcast_shape_t<A, B>, Expected> &&
                              std::is_same_v<broadcast_shape_t<B, A>, Expected>;

// Only extents that are not static take space.
static_assert(std::is_empty_v<Shape<>> && std::is_empty_v<Shape<2, 3>>);
static_assert(sizeof(Shape<dyn, 3>) == 8 && sizeof(Shape<dyn, 3, upto<4>>) == 16);
static_assert(std::is_trivially_copyable_v<Shape<dyn, dyn>>);

// What the type knows.
static_assert(Shape<2, 3>::is_static && Shape<2, 3>::is_bounded && Shape<>::is_static);
static_assert(!Shape<2, upto<3>>::is_static && Shape<2, upto<3>>::is_bounded);
static_assert(!Shape<2, dyn>::is_static && !Shape<2, dyn>::is_bounded);
static_assert(Shape<dyn, upto<5>, 0>::dynamic_count == 2);

static_assert(ShapeLike<Shape<2>> && !ShapeLike<int> && !ShapeLike<const Shape<2>>);

// Arguments decide what is static.
static_assert(std::is_same_v<decltype(shape(2, 3)), Shape<dyn, dyn>>);
static_assert(std::is_same_v<decltype(shape(2_c, 3)), Shape<2, dyn>>);
static_assert(std::is_same_v<decltype(shape<2, 3>()), Shape<2, 3>>);
static_assert(std::is_same_v<decltype(shape(std::integral_constant<int, 4>{})), Shape<4>>);
static_assert(std::is_same_v<decltype(shape()), Shape<>>);
static_assert(shape(2_c, 3_c) == shape<2, 3>());

// The whole algebra is constexpr.
static_assert(shape(2, 0_c, 5).size() == 0 && shape().size() == 1 && shape(4, 5).size() == 20);
static_assert(row_major_strides(Extents<3>{2, 3, 4}) == Extents<3>{12, 4, 1});
static_assert(column_major_strides(Extents<3>{2, 3, 4}) == Extents<3>{1, 2, 6});
static_assert(row_major_strides(Extents<0>{}).empty());
static_assert(normalize_axis(-1, 3) == 2 && normalize_axis(1, 3) == 1 &&
              normalize_axis(-3, 3) == 0);

// NumPy's broadcasting, as far as types know.
static_assert(broadcast_to<Shape<2, 3>, Shape<3>, Shape<2, 3>>);
static_assert(broadcast_to<Shape<2, 3>, Shape<>, Shape<2, 3>>);
static_assert(broadcast_to<Shape<2, 1>, Shape<1, 3>, Shape<2, 3>>);
static_assert(broadcast_to<Shape<5, 1, 4>, Shape<3, 1>, Shape<5, 3, 4>>);
static_assert(broadcast_to<Shape<0>, Shape<1>, Shape<0>>);
static_assert(broadcast_to<Shape<dyn>, Shape<1>, Shape<dyn>>);
static_assert(broadcast_to<Shape<dyn>, Shape<7>, Shape<7>>);
static_assert(broadcast_to<Shape<dyn>, Shape<dyn>, Shape<dyn>>);
static_assert(broadcast_to<Shape<dyn>, Shape<upto<8>>, Shape<dyn>>);
static_assert(broadcast_to<Shape<upto<4>>, Shape<upto<8>>, Shape<upto<8>>>);
static_assert(broadcast_to<Shape<upto<4>>, Shape<3>, Shape<3>>);
static_assert(broadcast_to<Shape<upto<4>>, Shape<1>, Shape<upto<4>>>);
static_assert(!BroadcastableShapes<Shape<2, 3>, Shape<2>>);
static_assert(!BroadcastableShapes<Shape<0>, Shape<2>>);
static_assert(BroadcastableShapes<Shape<dyn, 3>, Shape<2, 1>>);

std::string text(std::initializer_list<index_t> extents) {
  return detail::ShapeText(std::span(extents.begin(), extents.size())).text;
}

}  // namespace

TEST_CASE("extents come back as they were given, negative axes from the end") {
  const auto s = Shape<dyn, 3, upto<9>, dyn>::from_extents({5, 3, 7, 0});
  CHECK(s.rank() == 4);
  CHECK(s.extents() == Extents<4>{5, 3, 7, 0});
  for (int axis = 0; axis < 4; ++axis) {
    CHECK(s.extent(axis) == s.extents()[static_cast<std::size_t>(axis)]);
    CHECK(s.extent(axis - 4) == s.extent(axis));
  }
  CHECK(s.size() == 0);
  CHECK(shape(std::uint8_t{200}, 2L).size() == 400);
  CHECK(Shape<dyn, 3>{}.size() == 0);
}

TEST_CASE("shapes are equal where their extents are, whatever their types know") {
  CHECK(shape(2, 3) == shape<2, 3>());
  CHECK(shape<2, 3>() == shape(2, 3));
  CHECK(shape(2, 3) == shape(2, 3));
  CHECK(shape(2, 3) != shape(3, 2));
  CHECK(shape(2, 3) != shape(2, 3, 1));
  CHECK(shape() == Shape<>{});
}

TEST_CASE("extents that the type or the machine cannot hold are refused with numbers") {
  CHECK_THROWS_WITH(shape(2, -3),
                    "shape: an extent is negative in (2, -3); the type says (dyn, dyn)");
  CHECK_THROWS_WITH((Shape<2, dyn>::from_extents({3, 4})),
                    "shape: an extent differs from its static value in (3, 4); the type says (2, "
                    "dyn)");
  CHECK_THROWS_WITH((Shape<upto<4>>::from_extents({5})),
                    "shape: an extent exceeds its bound in (5,); the type says (upto 4,)");
  CHECK(Shape<upto<4>>::from_extents({4}).size() == 4);
  constexpr auto most = std::numeric_limits<index_t>::max();
  CHECK(shape(most).size() == most);
  CHECK_THROWS_AS(shape(most, 2), ShapeError);
  CHECK_THROWS_AS(shape(most / 2 + 1, 2), ShapeError);
  CHECK(shape(most / 2, 2).size() == most - 1);
  CHECK_THROWS_AS(shape(0, most, 2), ShapeError);  // the strides would not fit either
  CHECK_THROWS_AS(shape(std::numeric_limits<std::uint64_t>::max()), ShapeError);
}

TEST_CASE("broadcasting at run time follows NumPy and names the operation") {
  CHECK(broadcast_shapes("add", shape(2, 1, 4), shape(3, 1)) == shape(2, 3, 4));
  CHECK(broadcast_shapes("add", shape(), shape(3)) == shape(3));
  CHECK(broadcast_shapes("add", shape(0), shape(1)) == shape(0));
  CHECK(broadcast_shapes("add", shape<2, 3>(), shape(3)) == shape(2, 3));
  CHECK(broadcast_shapes("add", shape<2, 1>(), shape<3>()) == shape(2, 3));
  CHECK(broadcast_shapes("add", Shape<upto<8>>::from_extents({5}), shape(1)) == shape(5));
  CHECK_THROWS_WITH(broadcast_shapes("add", shape(2, 3), shape(2)),
                    "add: shapes (2, 3) and (2,) do not broadcast");
  CHECK_THROWS_WITH(broadcast_shapes("add", shape(0), shape(2)),
                    "add: shapes (0,) and (2,) do not broadcast");
  CHECK_THROWS_AS(broadcast_shapes("add", shape<3>(), shape(2)), ShapeError);
  CHECK_THROWS_AS(
      broadcast_shapes("add", Shape<upto<8>>::from_extents({5}), Shape<upto<8>>::from_extents({4})),
      ShapeError);
}

TEST_CASE("shapes print like Python's tuples and are cut, not overrun") {
  CHECK(text({}) == "()");
  CHECK(text({3}) == "(3,)");
  CHECK(text({2, -1}) == "(2, -1)");
  constexpr auto most = std::numeric_limits<index_t>::max();
  const auto longest = text({most, most, most, most, most, most, most, most});
  CHECK(longest.size() == sizeof(detail::ShapeText::text) - 1);
  CHECK(longest.starts_with("(9223372036854775807, 92"));
  const Extents<4> pattern{dyn, 2, upto<7>, 0};
  CHECK(std::string(detail::ShapeText(pattern, detail::ExtentsOf::type).text) ==
        "(dyn, 2, upto 7, 0)");
}

TEST_CASE("the extents of a block are equal, bounded, and no extent of a user's") {
  using namespace tenon::detail;
  STATIC_REQUIRE(is_block_extent(block_of(60)));
  STATIC_REQUIRE(bound_of(block_of(60)) == 60);
  STATIC_REQUIRE(is_bounded_extent(block_of(60)));
  STATIC_REQUIRE(is_settled_extent(block_of(60)));
  STATIC_REQUIRE(!is_bounded_extent(dyn_block));
  STATIC_REQUIRE(is_unbounded_extent(dyn_block));
  STATIC_REQUIRE(!is_settled_extent(dyn_block));
  for (const index_t e :
       {index_t{0}, index_t{1}, index_t{60}, dyn, upto<1>, upto<(index_t{1} << 40)>}) {
    CHECK_FALSE(is_block_extent(e));
    CHECK(e != dyn_block);
  }
  CHECK(Shape<block_of(60), 3>::from_extents({7, 3}).size() == 21);
  CHECK_THROWS_AS((Shape<block_of(60)>::from_extents({61})), ShapeError);
  CHECK(Shape<dyn_block>::from_extents({5000}).size() == 5000);
}
