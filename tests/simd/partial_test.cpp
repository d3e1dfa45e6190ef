#include "lanes.hpp"

using namespace lanes;

TEMPLATE_LIST_TEST_CASE("partial access keeps inside its elements, next to protected pages too",
                        "[simd][partial]", AllTypes) {
  using T = TestType;
  GuardedPage page;
  for_each_pack<T>([&](auto type) {
    using P = decltype(type);
    constexpr int N = P::size;
    for (int count = 0; count <= N; ++count) {
      for (T* p : {page.first<T>(), page.last<T>(count)}) {
        for (int i = 0; i < count; ++i) p[i] = value<T>(static_cast<std::uint64_t>(i + count));
        const P a = P::load_partial(p, count);
        CHECK(each_lane(a, [&](int i) { return i < count ? p[i] : T{}; }));
        CHECK(each_lane(P::gather_partial(p, 1, count),
                        [&](int i) { return i < count ? p[i] : T{}; }));

        const P b = pack_of<P>(static_cast<std::uint64_t>(count) + 500);
        b.store_partial(p, count);
        for (int i = 0; i < count; ++i) CHECK(same(p[i], b.lane(i)));
        a.scatter_partial(p, 1, count);
        for (int i = 0; i < count; ++i) CHECK(same(p[i], a.lane(i)));
      }
      T* const end = page.last<T>(count);
      for (int first = 0; first <= count; ++first)
        CHECK(each_lane(P::load_between(end, first, count),
                        [&](int i) { return i >= first && i < count ? end[i] : T{}; }));
      if (count > 0) {  // every second element, the last of them at the end of the page
        T* const pairs = page.last<T>(2 * count - 1);
        for (int i = 0; i < 2 * count - 1; ++i) pairs[i] = value<T>(static_cast<std::uint64_t>(i));
        CHECK(each_lane(P::gather_partial(pairs, 2, count),
                        [&](int i) { return i < count ? pairs[2 * i] : T{}; }));
        if (count == N) CHECK(each_lane(P::gather(pairs, 2), [&](int i) { return pairs[2 * i]; }));
      }
      if (count == N) {
        CHECK(each_lane(P::load(end), [&](int i) { return end[i]; }));
        CHECK(each_lane(P::gather(end, 1), [&](int i) { return end[i]; }));
      }
    }
  });
}

TEMPLATE_LIST_TEST_CASE("a partial store leaves the elements around it", "[simd][partial]",
                        AllTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    constexpr int N = P::size;
    constexpr int margin = 64;
    for (int offset = 0; offset < 4; ++offset) {
      for (int count = 0; count <= N; ++count) {
        const std::vector<unsigned char> before(sizeof(T) * (N + 2 * margin), 0x01);
        auto raw = before;
        auto expected = before;
        const P p = pack_of<P>(static_cast<std::uint64_t>(count));
        T* const to = reinterpret_cast<T*>(raw.data()) + margin + offset;
        T* const e = reinterpret_cast<T*>(expected.data()) + margin + offset;
        for (int i = 0; i < count; ++i) e[i] = p.lane(i);
        p.store_partial(to, count);
        CHECK(raw == expected);
      }
    }
  });
}
