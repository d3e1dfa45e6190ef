#include "lanes.hpp"

using namespace lanes;

namespace {

// Whether static_cast<U>(x) has a meaning.
template <class U, class T>
bool fits(T x) {
  if constexpr (std::is_floating_point_v<T> && std::is_integral_v<U> && !std::is_same_v<U, bool>) {
    const auto wide = static_cast<long double>(x);
    return wide > static_cast<long double>(std::numeric_limits<U>::min()) - 1 &&
           wide < static_cast<long double>(std::numeric_limits<U>::max()) + 1;
  } else {
    return true;
  }
}

template <class U, class P>
void check_convert() {
  using T = typename P::value_type;
  for (std::uint64_t k = 0; k < 10; ++k) {
    P a = pack_of<P>(k * 100);
    for (int i = 0; i < P::size; ++i) {
      if (!fits<U>(a.lane(i))) a.set_lane(i, T(i));
    }
    CHECK(each_lane(simd::convert<U>(a), [&](int i) { return static_cast<U>(a.lane(i)); }));
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("convert is static_cast in every lane", "[simd][operations]", AllTypes) {
  for_each_pack<TestType>([](auto type) {
    using P = decltype(type);
    std::apply([](auto... to) { (check_convert<decltype(to), P>(), ...); }, AllTypes{});
  });
}

TEMPLATE_LIST_TEST_CASE("select takes the bits of one or the other", "[simd][operations]",
                        AllTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    constexpr int N = P::size;
    for (std::uint64_t k = 0; k < 10; ++k) {
      const P a = pack_of<P>(k), b = pack_of<P>(k + 1000);
      const auto bools = pack_of<Pack<bool, N>>(k + 7);
      const auto expected = [&](int i) { return bools.lane(i) ? a.lane(i) : b.lane(i); };
      CHECK(each_lane(select(bools, a, b), expected));
      CHECK(each_lane(select(Mask<T, N>(bools), a, b), expected));
      CHECK(each_lane(select(Mask<float, N>(bools), a, b), expected));
      CHECK(each_lane(select(Mask<double, N>(bools), a, b), expected));
      CHECK(each_lane(select(Mask<std::int16_t, N>(bools), a, b), expected));
    }
  });
}

TEMPLATE_LIST_TEST_CASE("minimum, maximum and abs", "[simd][operations]", NumberTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    for (std::uint64_t k = 0; k < 40; ++k) {
      const P a = pack_of<P>(k * 10), b = pack_of<P>(k * 7 + 3);
      const auto greater = [&](int i) {
        const T x = a.lane(i), y = b.lane(i);
        return x != x ? x : y != y ? y : x > y ? x : y;
      };
      const auto lesser = [&](int i) {
        const T x = a.lane(i), y = b.lane(i);
        return x != x ? x : y != y ? y : x < y ? x : y;
      };
      CHECK(each_lane(maximum(a, b), greater));
      CHECK(each_lane(minimum(a, b), lesser));
      CHECK(each_lane(simd::max(a, b), greater));
      CHECK(each_lane(simd::min(a, b), lesser));
      CHECK(each_lane(simd::relu(a), [&](int i) {
        const T x = a.lane(i);
        return x < T(0) ? T(0) : x;  // NaN and -0 stay
      }));
      CHECK(each_lane(simd::abs(a), [&](int i) {
        const T x = a.lane(i);
        if constexpr (std::is_floating_point_v<T>) {
          return std::abs(x);
        } else {
          return x < T(0) ? static_cast<T>(0 - static_cast<std::uint64_t>(x)) : x;
        }
      }));
    }
  });
}

TEMPLATE_LIST_TEST_CASE("sqrt, the roundings and fma are those of the C library",
                        "[simd][operations]", FloatTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    std::vector<T> inputs;
    for (std::uint64_t i = 0; i < 3000; ++i) inputs.push_back(value<T>(i));
    for (T big = T(0.25); big < T(1) / std::numeric_limits<T>::epsilon() * T(8); big *= 2) {
      for (T x : {big, big + T(0.5), big - T(0.5), big * T(1.75), std::nextafter(big, T(0))}) {
        inputs.push_back(x);
        inputs.push_back(-x);
      }
    }
    while (inputs.size() % P::size != 0) inputs.push_back(T(0));
    for (std::size_t i = 0; i < inputs.size(); i += P::size) {
      const P a = P::load(&inputs[i]);
      CHECK(each_lane(simd::sqrt(a), [&](int k) { return std::sqrt(a.lane(k)); }));
      CHECK(each_lane(simd::floor(a), [&](int k) { return std::floor(a.lane(k)); }));
      CHECK(each_lane(simd::ceil(a), [&](int k) { return std::ceil(a.lane(k)); }));
      CHECK(each_lane(simd::trunc(a), [&](int k) { return std::trunc(a.lane(k)); }));
      CHECK(each_lane(simd::round(a), [&](int k) { return std::nearbyint(a.lane(k)); }));
      const P b = pack_of<P>(i + 17), c = pack_of<P>(i + 40);
      CHECK(each_lane(simd::fma(a, b, c), [&](int k) {
        if constexpr (simd::has_fma) {
          return std::fma(a.lane(k), b.lane(k), c.lane(k));
        } else {
          volatile T product = a.lane(k) * b.lane(k);
          return product + c.lane(k);
        }
      }));
    }
  });
}
