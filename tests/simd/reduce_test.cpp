#include "lanes.hpp"

using namespace lanes;

namespace {

// The documented tree: lane i with lane i + half, until one is left.
template <class P, class F>
auto tree(P p, F f) {
  std::vector<typename P::value_type> lanes;
  for (int i = 0; i < P::size; ++i) lanes.push_back(p.lane(i));
  for (std::size_t half = lanes.size() / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      lanes[i] = static_cast<typename P::value_type>(f(lanes[i], lanes[i + half]));
    }
  }
  return lanes[0];
}

// f for one register, two, and a short array.
template <class T, class F>
void for_each_length(F f) {
  f(Pack<T, simd::native_lanes<T>>{});
  f(Pack<T, 2 * simd::native_lanes<T>>{});
  f(Pack<T, 2>{});
}

template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("reductions follow the documented tree", "[simd][reduce]", NumberTypes) {
  using T = TestType;
  for_each_length<T>([](auto type) {
    using P = decltype(type);
    for (std::uint64_t k = 0; k < 60; ++k) {
      P a = pack_of<P>(k * 100 + 1);
      if (std::is_floating_point_v<T> && k % 2 == 0) {  // finite lanes only
        for (int i = 0; i < P::size; ++i) {
          if (!(simd::abs(a) < P(T(8))).lane(i)) a.set_lane(i, T(1.25) + T(i));
        }
      }
      CHECK(same(reduce_add(a), tree(a, [](T x, T y) { return Wide<T>(x) + Wide<T>(y); })));
      CHECK(same(reduce_mul(a), tree(a, [](T x, T y) { return Wide<T>(x) * Wide<T>(y); })));
      CHECK(same(reduce_max(a), tree(a, [](T x, T y) { return x != x || x > y ? x : y; })));
      CHECK(same(reduce_min(a), tree(a, [](T x, T y) { return x != x || x < y ? x : y; })));
    }
  });
}

TEMPLATE_LIST_TEST_CASE("a NaN in any lane is the maximum and the minimum", "[simd][reduce]",
                        FloatTypes) {
  using T = TestType;
  for_each_length<T>([](auto type) {
    using P = decltype(type);
    for (int i = 0; i < P::size; ++i) {
      P a = P::iota(T(-3));
      a.set_lane(i, std::numeric_limits<T>::quiet_NaN());
      CHECK(std::isnan(reduce_max(a)));
      CHECK(std::isnan(reduce_min(a)));
    }
  });
}

TEST_CASE("bool lanes reduce to any and all", "[simd][reduce]") {
  Pack<bool, 16> a(false);
  CHECK_FALSE(reduce_max(a));
  a.set_lane(11, true);
  CHECK(reduce_max(a));
  CHECK_FALSE(reduce_min(a));
  CHECK(reduce_min(Pack<bool, 16>(true)));
}
