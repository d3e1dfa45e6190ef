#include "lanes.hpp"

using namespace lanes;

namespace {

template <class T, int N>
Mask<T, N> mask_of(std::uint64_t first) {
  return Mask<T, N>::from_bools(values<bool, N>(first).data());
}

template <class T, int N, class F>
bool each_bit(Mask<T, N> m, F f) {
  for (int i = 0; i < N; ++i) {
    if (m.lane(i) != static_cast<bool>(f(i))) return false;
  }
  return true;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a mask keeps its lanes through bools, bits, packs and other types",
                        "[simd][mask]", AllTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    constexpr int N = decltype(type)::size;
    using M = Mask<T, N>;
    for (std::uint64_t k = 0; k < 10; ++k) {
      const auto bools = values<bool, N>(k * 31);
      const auto lane = [&](int i) { return bools[static_cast<std::size_t>(i)]; };
      const M m = M::from_bools(bools.data());
      CHECK(each_bit(m, lane));

      std::array<bool, N> stored{};
      m.store(stored.data());
      CHECK(stored == bools);
      CHECK(each_bit(M::from_bits(m.bits()), lane));
      CHECK(each_lane(Pack<bool, N>(m), lane));
      CHECK(each_bit(M(Pack<bool, N>(m)), lane));
      CHECK(each_bit(simd::mask_cast<float>(m), lane));
      CHECK(each_bit(simd::mask_cast<double>(m), lane));
      CHECK(each_bit(simd::mask_cast<std::uint8_t>(m), lane));
      CHECK(each_bit(simd::mask_cast<std::int64_t>(m), lane));

      int count = 0;
      for (bool b : bools) count += b;
      CHECK(m.count() == count);
      CHECK(m.any() == (count > 0));
      CHECK(m.all() == (count == N));
    }
    CHECK(M(true).all());
    CHECK(M(true).count() == N);
    CHECK_FALSE(M(false).any());
    for (int i = 0; i < N; ++i) {
      const M one = M::from_bits(std::uint64_t{1} << i);
      CHECK(one.any());
      CHECK(one.all() == (N == 1));
      CHECK_FALSE((!one).all());
      CHECK(one.count() == 1);
    }
  });
}

TEMPLATE_LIST_TEST_CASE("masks combine lane by lane", "[simd][mask]", AllTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    constexpr int N = decltype(type)::size;
    const auto a = mask_of<T, N>(3), b = mask_of<T, N>(90);
    CHECK(each_bit(a & b, [&](int i) { return a.lane(i) && b.lane(i); }));
    CHECK(each_bit(a | b, [&](int i) { return a.lane(i) || b.lane(i); }));
    CHECK(each_bit(a ^ b, [&](int i) { return a.lane(i) != b.lane(i); }));
    CHECK(each_bit(a == b, [&](int i) { return a.lane(i) == b.lane(i); }));
    CHECK(each_bit(!a, [&](int i) { return !a.lane(i); }));
    CHECK(each_bit(~a, [&](int i) { return !a.lane(i); }));
    const auto other = mask_of<std::int16_t, N>(90);
    CHECK(each_bit(a & simd::mask_cast<T>(other), [&](int i) { return a.lane(i) && b.lane(i); }));
    if constexpr (!std::is_same_v<T, std::int16_t>) {
      CHECK(each_bit(a & other, [&](int i) { return a.lane(i) && b.lane(i); }));
      CHECK(each_bit(a | other, [&](int i) { return a.lane(i) || b.lane(i); }));
      CHECK(each_bit(a ^ other, [&](int i) { return a.lane(i) != b.lane(i); }));
    }
  });
}
