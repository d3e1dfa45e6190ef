// Windows that slide over memory, element by element, in packs along any axis, after every change of axes.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/kernels/slide_cursor.hpp>

namespace kernels = tenon::kernels;
namespace simd = tenon::simd;
using naive::index_t;

namespace {

constexpr float outside = -7;
constexpr int lanes = simd::native_lanes<float>;

// Reads of whole packs and of parts along the last two axes of the cursor, and by column of any axis, that differ
// from element(index).
template <std::size_t R, class Cursor, class Element>
int wrong_reads(const Cursor& cursor, const std::array<index_t, R>& extents,
                const Element& element) {
  static_assert(Cursor::rank == static_cast<int>(R));
  int wrong = 0;
  const auto compare = [&](const auto& pack, auto index, std::size_t axis, int count) {
    for (int v = 0; v < count; ++v, ++index[axis]) wrong += pack.lane(v) != element(index);
  };
  const kernels::EmptyEnvironment none;
  naive::for_each_index({extents.begin(), extents.end()}, [&](const auto& at) {
    std::array<index_t, R> index{};
    std::copy(at.begin(), at.end(), index.begin());
    Cursor row = cursor, first = cursor;
    for (std::size_t d = 0; d < R; ++d) {
      if (d + 2 < R) row.step(static_cast<int>(d), index[d]);
      if (d + 2 != R) first.step(static_cast<int>(d), index[d]);
    }
    const kernels::Position from{R >= 2 ? index[R - 2] : 0, index[R - 1], 0};
    const auto along = [&]<int Axis>(std::integral_constant<int, Axis>) {
      const auto left = static_cast<int>(extents[Axis] - index[Axis]);
      const int count = std::min(lanes, left);
      compare(row.template read<lanes, Axis, true>({from.row, from.col, count}, none), index, Axis,
              count);
      if (left >= lanes)
        compare(row.template read<lanes, Axis, false>({from.row, from.col, lanes}, none), index,
                Axis, lanes);
    };
    along(std::integral_constant<int, static_cast<int>(R) - 1>{});
    if constexpr (R >= 2) {
      constexpr auto before_last = static_cast<int>(R) - 2;
      along(std::integral_constant<int, before_last>{});
      const int count = static_cast<int>(std::min<index_t>(lanes, extents[R - 2] - index[R - 2]));
      compare(first.template read_column<lanes, before_last, true>(index[R - 2], count), index,
              R - 2, count);
    }
  });
  return wrong;
}

using Line = kernels::StridedCursor<const float, 2, 1, 0U>;

}  // namespace

TEST_CASE("windows slide along one axis and along two", "[kernels][slide]") {
  const index_t height = 9, width = 45;
  naive::Fenced<float> x(height * width, 1);  // reads beyond it would be seen
  x.fill(naive::values<float>(static_cast<std::size_t>(height * width), 5));
  const auto value = [&](index_t i, index_t j) {
    return i < 0 || i >= height || j < 0 || j >= width ? outside : x.data()[i * width + j];
  };
  const Line memory(x.data(), {width, 1});

  // (height, taps, places), stride 2, dilation 3, 4 in front
  const auto line = kernels::slide_over<1>(memory, width, 3, 2, 4, outside);
  const std::array<index_t, 3> line_extents{height, 5, 20};
  const auto on_line = [&](const auto& i) { return value(i[0], i[1] * 3 + i[2] * 2 - 4); };
  CHECK(wrong_reads(line, line_extents, on_line) == 0);

  // (taps, places, taps, places), the rows at stride 1 with 2 in front
  const auto plane = kernels::slide_over<0>(line, height, 1, 1, 2, outside);
  const std::array<index_t, 4> plane_extents{3, 11, 5, 20};
  const auto on_plane = [&](const auto& i) {
    return value(i[0] + i[1] - 2, i[2] * 3 + i[3] * 2 - 4);
  };
  CHECK(wrong_reads(plane, plane_extents, on_plane) == 0);

  SECTION("other axes: places first, rows backwards, an axis that stands still") {
    const auto turned = plane.template remap<std::array<int, 4>{3, 2, -1, 1}, 0U>(
        std::array<index_t, 4>{1, 10, 0, 2}, std::array<index_t, 4>{1, -1, 1, 1});
    CHECK(wrong_reads(turned, std::array<index_t, 4>{18, 5, 3, 11}, [&](const auto& i) {
            return on_plane(std::array<index_t, 4>{1, 10 - i[3], i[1], i[0] + 2});
          }) == 0);
  }
  SECTION("stretched to more axes") {
    const auto wide = line.template broadcast<4, 0U, 0U>(line_extents);
    CHECK(wrong_reads(wide, std::array<index_t, 4>{2, height, 5, 20}, [&](const auto& i) {
            return on_line(std::array<index_t, 3>{i[1], i[2], i[3]});
          }) == 0);
  }
  SECTION("axes merge where memory and every window go on at the same pace") {
    CHECK_FALSE(line.mergeable(0, 2, 20));
    CHECK_FALSE(plane.mergeable(2, 3, 20));
    const auto pairs =
        kernels::slide_over<1>(memory, width, 20, 1, 0, outside);  // taps of 20 places
    CHECK(pairs.mergeable(1, 2, 20));
    auto merged = pairs;
    kernels::Nest<3> nest;
    nest.depth = 2;
    nest.source = {0, 2};
    merged.compact(nest);
    const auto flat = merged.template remap<std::array<int, 2>{1, 2}, 0U>(
        std::array<index_t, 3>{}, std::array<index_t, 3>{1, 1, 1});
    CHECK(wrong_reads(flat, std::array<index_t, 2>{height, 60},
                      [&](const auto& i) { return value(i[0], i[1]); }) == 0);
  }
}
