// The matrix of windows, element by element, in packs along rows and along columns.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/kernels/window_cursor.hpp>

namespace kernels = tenon::kernels;
namespace simd = tenon::simd;
using naive::index_t;

namespace {

template <int D>
struct Steps {
  std::array<index_t, D> stride{}, dilation{}, before{};
};
template <std::size_t D>
using Extents = std::array<index_t, D>;

// Walks down the rows of the matrix from each of its elements on; what lies outside of x must be 0.
template <class Cursor, class Element>
int wrong_stretches(const Cursor& cursor, index_t rows, index_t columns, const Element& element) {
  int wrong = 0;
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < columns; ++j) {
      auto walk = cursor.rows(i, j);
      wrong += walk.count() < 1 || walk.count() > columns - j;
      for (index_t row = i; row < rows; ++row, walk.next()) {
        const auto stretch = walk.stretch();
        for (index_t c = 0; c < walk.count(); ++c) {
          const bool inside = stretch.first <= c && c < stretch.last;
          const auto pack = stretch.template load<simd::native_lanes<float>>(c);
          wrong += (inside ? stretch.p[c] : 0.0F) != element(row, j + c);
          wrong += pack.lane(0) != element(row, j + c);
        }
      }
    }
  return wrong;
}

// Compares reads of `Lanes` elements and of fewer with x, channels × n (× m), read one by one.
template <auto How, auto Taps, auto Places, std::size_t D>
int wrong_reads(const Extents<D>& n, const Extents<D>& taps, const Extents<D>& places) {
  constexpr index_t channels = 3;
  constexpr int lanes = simd::native_lanes<float>, rank = 1 + static_cast<int>(D);
  const auto size = static_cast<std::size_t>(channels * tenon::detail::product(n));
  naive::Fenced<float> x(static_cast<index_t>(size), 1);  // gathers beyond it would be seen
  x.fill(naive::values<float>(size, 3));
  std::array<index_t, D + 1> strides{};
  strides[D] = 1;
  for (std::size_t d = D; d-- > 0;) strides[d] = strides[d + 1] * n[d];
  using Inner = kernels::StridedCursor<const float, rank, rank - 1, 0U>;
  const kernels::WindowCursor<How, false, Taps, Places, Inner> cursor(Inner(x.data(), strides), n,
                                                                      taps, places, channels);
  static_assert(cursor.rank == 2);
  const index_t rows = channels * tenon::detail::product(taps);
  const index_t columns = tenon::detail::product(places);
  const auto element = [&](index_t row, index_t column) {
    index_t channel = row / tenon::detail::product(taps);
    const float* p = x.data();
    for (std::size_t d = D; d-- > 0;) {
      const index_t at =
          column % places[d] * How.stride[d] + row % taps[d] * How.dilation[d] - How.before[d];
      column /= places[d];
      row /= taps[d];
      if (at < 0 || at >= n[d]) return 0.0F;
      p += at * strides[d + 1];
    }
    return p[channel * strides[0]];
  };
  int wrong = 0;
  const auto compare = [&](const auto& pack, index_t i, index_t j, int count, bool along_row) {
    for (int v = 0; v < count; ++v)
      wrong += pack.lane(v) != element(along_row ? i : i + v, along_row ? j + v : j);
  };
  const kernels::EmptyEnvironment none;
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < columns; ++j) {
      const int across = static_cast<int>(std::min<index_t>(lanes, columns - j));
      const int down = static_cast<int>(std::min<index_t>(lanes, rows - i));
      if (across == lanes)
        compare(cursor.template read<lanes, 1, false>({i, j, lanes}, none), i, j, lanes, true);
      compare(cursor.template read<lanes, 1, true>({i, j, across}, none), i, j, across, true);
      if (down == lanes)
        compare(cursor.template read<lanes, 0, false>({i, j, lanes}, none), i, j, lanes, false);
      compare(cursor.template read<lanes, 0, true>({i, j, down}, none), i, j, down, false);
    }
  if constexpr (How.stride[D - 1] == 1) wrong += wrong_stretches(cursor, rows, columns, element);
  return wrong;
}

template <auto How, bool Constant, index_t N, index_t Taps, index_t Places>
int wrong_on_a_line() {
  constexpr Extents<1> taps{Constant ? Taps : -1}, places{Constant ? Places : -1};
  return wrong_reads<How, taps, places, 1>({N}, {Taps}, {Places});
}

}  // namespace

TEST_CASE("windows along one axis", "[kernels]") {
  CHECK(wrong_on_a_line<Steps<1>{{1}, {1}, {0}}, true, 40, 3, 38>() == 0);
  CHECK(wrong_on_a_line<Steps<1>{{1}, {2}, {5}}, false, 40, 3, 46>() == 0);
  CHECK(wrong_on_a_line<Steps<1>{{3}, {1}, {2}}, true, 70, 4, 24>() == 0);
  CHECK(wrong_on_a_line<Steps<1>{{2}, {3}, {9}}, false, 3, 5, 5>() == 0);
}

TEST_CASE("windows along two axes", "[kernels]") {
  CHECK(wrong_reads<Steps<2>{{1, 1}, {1, 1}, {1, 1}}, Extents<2>{3, 2}, Extents<2>{7, 22}>(
            Extents<2>{7, 21}, Extents<2>{3, 2}, Extents<2>{7, 22}) == 0);
  CHECK(wrong_reads<Steps<2>{{2, 3}, {2, 1}, {0, 2}}, Extents<2>{-1, -1}, Extents<2>{-1, -1}>(
            Extents<2>{9, 13}, Extents<2>{2, 3}, Extents<2>{4, 5}) == 0);
}
