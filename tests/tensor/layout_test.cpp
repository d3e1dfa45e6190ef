#include <tenon/tensor/layout.hpp>

#include "catch.hpp"

using namespace tenon;
using detail::LayoutStrides;

namespace {
using Strides3 = std::array<index_t, 3>;
struct other {};
}  // namespace

TEST_CASE("layouts give the strides that they promise") {
  constexpr Strides3 extents{2, 3, 4};
  STATIC_REQUIRE(LayoutStrides<row_major>::of(extents) == Strides3{12, 4, 1});
  STATIC_REQUIRE(LayoutStrides<column_major>::of(extents) == Strides3{1, 2, 6});
  STATIC_REQUIRE(LayoutStrides<static_strides<-1, 0, 9>>::of(extents) == Strides3{-1, 0, 9});
  STATIC_REQUIRE(LayoutStrides<row_major>::of(std::array<index_t, 0>{}).empty());
}

TEST_CASE("only layout tags are layouts, and only dyn_strides stores strides") {
  STATIC_REQUIRE(LayoutTag<row_major>);
  STATIC_REQUIRE(LayoutTag<column_major>);
  STATIC_REQUIRE(LayoutTag<dyn_strides>);
  STATIC_REQUIRE(LayoutTag<static_strides<1>>);
  STATIC_REQUIRE_FALSE(LayoutTag<other>);
  STATIC_REQUIRE(std::is_empty_v<detail::StoredStrides<row_major, 3>>);
  STATIC_REQUIRE(sizeof(detail::StoredStrides<dyn_strides, 3>) == 3 * sizeof(index_t));
}
