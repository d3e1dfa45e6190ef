// Cursors: what they read and write, and how axes are moved, stretched and merged.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/kernels/map_cursor.hpp>

namespace kernels = tenon::kernels;
namespace simd = tenon::simd;
using kernels::EmptyEnvironment;
using kernels::Position;
using kernels::StridedCursor;
using naive::index_t;
using naive::values;

namespace {

template <class T, int N>
std::vector<T> lanes(const simd::Pack<T, N>& pack, int count = N) {
  std::vector<T> all(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) all[static_cast<std::size_t>(i)] = pack.lane(i);
  return all;
}

struct Plus {
  auto operator()(const auto& a, const auto& b) const { return a + b; }
};
struct NumbersOnly {
  double operator()(float x) const { return 2.0 * static_cast<double>(x); }
};
struct Name;

}  // namespace

TEMPLATE_TEST_CASE("A strided cursor reads packs along either axis, whole and partial", "", float,
                   double, std::int8_t) {
  using T = TestType;
  constexpr int N = simd::native_lanes<T>;
  const auto v = values<T>(9000, 1);
  const T* p = v.data() + 4500;
  int wrong = 0;
  const auto check = [&](const auto& cursor, index_t s0, index_t s1) {
    for (index_t row : {0, 3})
      for (index_t col : {0, 5}) {
        const auto along =
            lanes(cursor.template read<N, 1, false>(Position{row, col, N}, EmptyEnvironment{}));
        const auto down =
            lanes(cursor.template read<N, 0, false>(Position{row, col, N}, EmptyEnvironment{}));
        for (index_t i = 0; i < N; ++i) {
          wrong += along[static_cast<std::size_t>(i)] != p[row * s0 + (col + i) * s1];
          wrong += down[static_cast<std::size_t>(i)] != p[(row + i) * s0 + col * s1];
        }
        for (int count = 1; count < N; ++count) {
          const auto part =
              lanes(cursor.template read<N, 1, true>(Position{row, col, count}, EmptyEnvironment{}),
                    count);
          for (index_t i = 0; i < count; ++i)
            wrong += part[static_cast<std::size_t>(i)] != p[row * s0 + (col + i) * s1];
        }
      }
  };
  check(StridedCursor<const T, 2, 1, 0U>(p, {50, 1}), 50, 1);
  check(StridedCursor<const T, 2, 0, 0U>(p, {1, 60}), 1, 60);
  check(StridedCursor<const T, 2, -1, 0U>(p, {-7, 3}), -7, 3);
  check(StridedCursor<const T, 2, -1, 0U>(p, {0, 1}), 0, 1);
  check(StridedCursor<const T, 2, -1, 2U>(p, {5, 0}), 5, 0);
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("A strided cursor writes what belongs to it and nothing else", "", float,
                   double) {
  using T = TestType;
  constexpr int N = simd::native_lanes<T>;
  int wrong = 0;
  for (index_t stride : {1, 2, -3})
    for (int count = 1; count <= N; ++count) {
      std::vector<T> v(400, T{7}), expected = v;
      const StridedCursor<T, 1, -1, 0U> cursor(v.data() + 200, {stride});
      const auto pack = simd::Pack<T, N>::iota(T{1});
      if (count == N)
        cursor.template write<N, 0, false>(Position{0, 2, N}, pack);
      else
        cursor.template write<N, 0, true>(Position{0, 2, count}, pack);
      for (index_t i = 0; i < count; ++i)
        expected[static_cast<std::size_t>(200 + (2 + i) * stride)] = static_cast<T>(1 + i);
      wrong += v != expected;
    }
  CHECK(wrong == 0);
}

TEST_CASE("An axis stretched at run time is seen by its hints, not read as memory") {
  constexpr int N = simd::native_lanes<float>;
  const auto v = values<float>(10, 1);
  const StridedCursor<const float, 2, 1, 0U> column(v.data(), {1, 1});
  const auto stretched = column.broadcast<3, 0U, 3U>(std::array<index_t, 2>{10, 1});
  static_assert(!decltype(stretched)::sure);
  CHECK(stretched.strides() == std::array<index_t, 3>{0, 1, 0});
  CHECK_FALSE(stretched.hints_hold(2));
  const auto plain = stretched.without_hints();
  CHECK(plain.hints_hold(2));
  const auto read = lanes(plain.read<N, 2, false>(Position{4, 3, N}, EmptyEnvironment{}));
  CHECK(read == std::vector<float>(static_cast<std::size_t>(N), v[4]));
  // Where the type says that an extent is 1, no guess is needed.
  const auto known = column.broadcast<2, 2U, 1U>(std::array<index_t, 2>{10, 1});
  static_assert(decltype(known)::sure && decltype(known)::unit_axis == -1);
  CHECK(known.hints_hold(1));
  CHECK(lanes(known.read<N, 1, false>(Position{2, 0, N}, EmptyEnvironment{}))[1] == v[2]);
}

TEST_CASE("remap takes axes in any order, from any start, in any step") {
  const auto v = values<float>(60, 1);
  const StridedCursor<const float, 3, 2, 0U> x(v.data(), {20, 5, 1});
  constexpr std::array<int, 4> source{2, -1, 0, 1};
  const auto y =
      x.remap<source, 5U>(std::array<index_t, 3>{1, 3, 0}, std::array<index_t, 3>{1, -2, 1});
  CHECK(y.pointer() == v.data() + 20 + 15);
  CHECK(y.strides() == std::array<index_t, 4>{1, 0, 20, -10});
  static_assert(decltype(y)::unit_axis == 0);
  constexpr std::array<int, 2> reversed{2, 1};
  const auto z =
      x.remap<reversed, 0U>(std::array<index_t, 3>{0, 0, 4}, std::array<index_t, 3>{1, 1, -1});
  static_assert(decltype(z)::unit_axis == -1);  // a step that only the run knows
  CHECK(z.strides() == std::array<index_t, 2>{-1, 5});
}

TEST_CASE("Maps, scalars, names and lets read through each other") {
  constexpr int N = simd::native_lanes<float>;
  const auto v = values<float>(100, 1);
  const StridedCursor<const float, 1, 0, 0U> x(v.data(), {1});
  const kernels::ScalarCursor<float, 1> two(2.0f);
  const kernels::BoundCursor<Name, float, 1> name;
  const auto sum = kernels::map_cursor<float>(Plus{}, x, name);
  const kernels::LetCursor<Name, kernels::ScalarCursor<float, 1>,
                           std::remove_const_t<decltype(sum)>>
      let(two, sum);
  const auto read = lanes(let.read<N, 0, false>(Position{0, 3, N}, EmptyEnvironment{}));
  for (std::size_t i = 0; i < read.size(); ++i) CHECK(read[i] == v[3 + i] + 2.0f);
  const auto scalar = kernels::map_cursor<double>(NumbersOnly{}, x);
  const auto each = lanes(scalar.read<N, 0, false>(Position{0, 1, N}, EmptyEnvironment{}));
  for (std::size_t i = 0; i < each.size(); ++i)
    CHECK(each[i] == 2.0 * static_cast<double>(v[1 + i]));
}

TEST_CASE("Merged loops visit the same elements in the same order") {
  std::minstd_rand random(7);
  int wrong = 0;
  for (int round = 0; round < 2000; ++round) {
    std::array<index_t, 5> extents{}, strides{};
    index_t step = 1;
    for (std::size_t d = 5; d-- > 0;) {
      extents[d] = static_cast<index_t>(random() % 4);
      if (extents[d] == 0) extents[d] = 1;
      const auto kind = random() % 5;
      strides[d] = kind == 0 ? 0 : kind == 1 ? -step : kind == 2 ? step + 1 : step;
      step *= extents[d];
    }
    const StridedCursor<const char, 5, -1, 0U> cursor(nullptr, strides);
    const auto nest = kernels::merge_loops(extents, [&](int outer, int inner, index_t extent) {
      return cursor.mergeable(outer, inner, extent);
    });
    std::vector<index_t> expected, got;
    naive::for_each_index({extents.begin(), extents.end()}, [&](const auto& at) {
      index_t o = 0;
      for (std::size_t d = 0; d < 5; ++d) o += at[d] * strides[d];
      expected.push_back(o);
    });
    const auto depth = static_cast<std::size_t>(nest.depth);
    naive::for_each_index({nest.extents.begin(), nest.extents.begin() + nest.depth},
                          [&](const auto& at) {
                            index_t o = 0;
                            for (std::size_t d = 0; d < depth; ++d)
                              o += at[d] * strides[static_cast<std::size_t>(nest.source[d])];
                            got.push_back(o);
                          });
    wrong += got != expected;
  }
  CHECK(wrong == 0);
  const std::array<index_t, 3> flat{4, 5, 6};
  const StridedCursor<const char, 3, 2, 0U> row_major(nullptr, {30, 6, 1});
  CHECK(kernels::merge_loops(flat, [&](int o, int i, index_t e) {
          return row_major.mergeable(o, i, e);
        }).depth == 1);
}
