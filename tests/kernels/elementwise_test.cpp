// The elementwise loop over any number of axes and any strides; nothing outside is written.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/kernels/elementwise.hpp>
#include <tenon/kernels/map_cursor.hpp>

namespace kernels = tenon::kernels;
using kernels::StridedCursor;
using naive::index_t;
using naive::values;

namespace {

struct TwicePlus {
  auto operator()(const auto& a, const auto& b) const { return a + a + b; }
};

// Random strides under which no two elements meet, with gaps and negative steps; all in [-reach, reach].
template <std::size_t R>
std::array<index_t, R> distinct_strides(const std::array<index_t, R>& extents,
                                        std::minstd_rand& random) {
  std::array<std::size_t, R> order{};
  for (std::size_t d = 0; d < R; ++d) order[d] = R - 1 - d;
  if (random() % 2 == 0)
    for (std::size_t d = 0; d + 1 < R; ++d) std::swap(order[d], order[d + random() % (R - d)]);
  std::array<index_t, R> strides{};
  index_t step = 1 + static_cast<index_t>(random() % 3 == 0);
  for (const std::size_t d : order) {
    strides[d] = random() % 4 == 0 ? -step : step;
    step = step * extents[d] + static_cast<index_t>(random() % 3 == 0);
  }
  return strides;
}

template <class T, int R>
int wrong_assignments(int rounds, unsigned seed) {
  constexpr auto rank = static_cast<std::size_t>(R);
  constexpr index_t reach = 6000;
  std::minstd_rand random(seed);
  const auto av = values<T>(2 * reach, 1), bv = values<T>(2 * reach, 2);
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    std::array<index_t, rank> extents{};
    index_t size = 1;
    for (auto& e : extents) {
      e = R <= 2 ? static_cast<index_t>(random() % 50)
                 : static_cast<index_t>(random() % 4 + (random() % 20 != 0));
      size *= e;
    }
    if (size > 1500) continue;
    auto sa = distinct_strides(extents, random), sb = distinct_strides(extents, random);
    const auto sd = distinct_strides(extents, random);
    for (auto& s : sb)
      if (random() % 3 == 0) s = 0;  // broadcast
    std::vector<T> out(2 * reach, T{9}), expected = out;
    const T *a = av.data() + reach, *b = bv.data() + reach;
    naive::for_each_index({extents.begin(), extents.end()}, [&](const auto& at) {
      index_t oa = 0, ob = 0, od = 0;
      for (std::size_t d = 0; d < rank; ++d) {
        oa += at[d] * sa[d];
        ob += at[d] * sb[d];
        od += at[d] * sd[d];
      }
      expected[static_cast<std::size_t>(reach + od)] = static_cast<T>(a[oa] + a[oa] + b[ob]);
    });
    // Once without knowledge of the strides, once with guesses that may be wrong.
    const auto run = [&]<int Unit>(std::integral_constant<int, Unit>) {
      using Source = StridedCursor<const T, R, Unit, 0U, false>;
      std::fill(out.begin(), out.end(), T{9});
      kernels::assign(extents, kernels::map_cursor<T>(TwicePlus{}, Source(a, sa), Source(b, sb)),
                      StridedCursor<T, R, Unit, 0U, false>(out.data() + reach, sd));
      wrong += out != expected;
    };
    run(std::integral_constant<int, -1>{});
    run(std::integral_constant<int, R - 1>{});
  }
  return wrong;
}

}  // namespace

TEST_CASE("Elementwise work over any strides, ranks 1 to 8") {
  CHECK(wrong_assignments<float, 1>(300, 1) == 0);
  CHECK(wrong_assignments<double, 2>(300, 2) == 0);
  CHECK(wrong_assignments<float, 3>(500, 3) == 0);
  CHECK(wrong_assignments<float, 4>(500, 4) == 0);
  CHECK(wrong_assignments<double, 8>(500, 5) == 0);
}

TEST_CASE("Rank 0 is one element") {
  const float a = 3;
  float d[3] = {7, 7, 7};
  kernels::assign(std::array<index_t, 0>{}, StridedCursor<const float, 0, -1, 0U>(&a, {}),
                  StridedCursor<float, 0, -1, 0U>(&d[1], {}));
  CHECK(d[0] == 7);
  CHECK(d[1] == 3);
  CHECK(d[2] == 7);
}

TEST_CASE("walk visits every index once, in order, and leaves the cursors where they were") {
  const std::array<index_t, 3> extents{2, 3, 4};
  const std::vector<int> v(24);
  StridedCursor<const int, 3, 2, 0U> cursor(v.data(), {12, 4, 1});
  std::vector<index_t> seen;
  kernels::walk(0, 3, extents.data(), [&] { seen.push_back(cursor.pointer() - v.data()); }, cursor);
  REQUIRE(seen.size() == 24);
  for (std::size_t i = 0; i < 24; ++i) CHECK(seen[i] == static_cast<index_t>(i));
  CHECK(cursor.pointer() == v.data());
  int visits = 0;
  const std::array<index_t, 2> empty{3, 0};
  kernels::walk(0, 2, empty.data(), [&] { ++visits; });
  CHECK(visits == 0);
  kernels::walk(0, 0, empty.data(), [&] { ++visits; });
  CHECK(visits == 1);
}

namespace {

// Lengths and misalignments of a streamed row that differ from the plain loop anywhere, sentinels
// on both sides included.
template <class T>
int wrong_streamed_rows() {
  using Source = StridedCursor<const T, 1, 0, 0U>;
  using Row = StridedCursor<T, 1, 0, 0U>;
  using Work =
      decltype(kernels::map_cursor<T>(TwicePlus{}, std::declval<Source>(), std::declval<Source>()));
  constexpr int lanes = kernels::lanes_for<sizeof(T)>;
  constexpr std::size_t reach = 256;
  static_assert(kernels::detail::streams_long_rows<lanes, Work, Row> ==
                tenon::simd::can_stream<tenon::simd::Pack<T, lanes>>);
  const auto a = values<T>(reach, 1), b = values<T>(reach, 2);
  int wrong = 0;
  if constexpr (kernels::detail::streams_long_rows<lanes, Work, Row>) {
    for (std::size_t n = 0; n <= 200; ++n) {
      for (std::size_t shift = 0; shift < 64 / sizeof(T); ++shift) {
        std::vector<T> out(reach + 64, T{9}), expected = out;
        for (std::size_t i = 0; i < n; ++i) expected[shift + i] = a[i] + a[i] + b[i];
        kernels::detail::stream_row<lanes>(
            kernels::map_cursor<T>(TwicePlus{}, Source(a.data(), {1}), Source(b.data(), {1})),
            Row(out.data() + shift, {1}), static_cast<index_t>(n));
        wrong += out != expected;
      }
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("A streamed row is the row, at every length and misalignment") {
  CHECK(wrong_streamed_rows<float>() == 0);
  CHECK(wrong_streamed_rows<double>() == 0);
  CHECK(wrong_streamed_rows<std::int32_t>() == 0);
  CHECK(wrong_streamed_rows<std::int64_t>() == 0);
}

TEST_CASE("A destination beyond the caches gets every element once") {
  constexpr index_t n = kernels::detail::stream_bytes / static_cast<index_t>(sizeof(float)) + 77;
  std::vector<float> x(static_cast<std::size_t>(n) + 1), out(x.size() + 2, -1.0F);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1024);
  using Source = StridedCursor<const float, 1, 0, 0U>;
  kernels::assign(
      std::array<index_t, 1>{n},
      kernels::map_cursor<float>(TwicePlus{}, Source(x.data(), {1}), Source(x.data() + 1, {1})),
      StridedCursor<float, 1, 0, 0U>(out.data() + 1, {1}));
  index_t wrong = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
    wrong += out[i + 1] != x[i] + x[i] + x[i + 1];
  CHECK(wrong == 0);
  CHECK(out.front() == -1.0F);
  CHECK(out[static_cast<std::size_t>(n) + 1] == -1.0F);
}
