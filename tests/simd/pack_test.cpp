#include "lanes.hpp"

using namespace lanes;

namespace {

// Scalar references: integers wrap, and dividing by zero gives zero.
template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;

template <class T>
T add(T a, T b) {
  return static_cast<T>(Wide<T>(a) + Wide<T>(b));
}
template <class T>
T subtract(T a, T b) {
  return static_cast<T>(Wide<T>(a) - Wide<T>(b));
}
template <class T>
T multiply(T a, T b) {
  return static_cast<T>(Wide<T>(a) * Wide<T>(b));
}
template <class T>
T divide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else if (b == 0) {
    return 0;
  } else if (std::is_signed_v<T> && b == static_cast<T>(-1)) {
    return subtract(T(0), a);
  } else {
    return static_cast<T>(a / b);
  }
}
template <class T>
T remainder(T a, T b) {
  if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
  return static_cast<T>(a % b);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a pack loads and stores at every misalignment, and nothing around it",
                        "[simd][pack]", AllTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    constexpr int N = P::size;
    for (int offset = 0; offset < 64 / static_cast<int>(sizeof(T)) + 1; ++offset) {
      std::vector<unsigned char> raw(sizeof(T) * static_cast<std::size_t>(N + 2 * 64), 0x01);
      T* to = reinterpret_cast<T*>(raw.data()) + 64 / static_cast<int>(sizeof(T)) + offset;
      const auto from = values<T, N>(static_cast<std::uint64_t>(offset));
      std::memcpy(to, from.data(), sizeof from);
      const P p = P::load(to);
      CHECK(each_lane(p, [&](int i) { return from[static_cast<std::size_t>(i)]; }));
      std::memset(to, 0x01, sizeof from);
      p.store(to);
      CHECK(std::memcmp(to, from.data(), sizeof from) == 0);
      std::memset(to, 0x01, sizeof from);
      CHECK(raw == std::vector<unsigned char>(raw.size(), 0x01));
    }
  });
}

TEMPLATE_LIST_TEST_CASE("gather and scatter follow any stride", "[simd][pack]", AllTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    constexpr int N = P::size;
    for (index_t stride : {-3, -1, 0, 1, 2, 5}) {
      constexpr index_t middle = 5 * N;
      std::vector<unsigned char> raw(sizeof(T) * (2 * middle + 1));
      T* const memory = reinterpret_cast<T*>(raw.data());
      for (index_t i = 0; i < 2 * middle + 1; ++i)
        memory[i] = value<T>(static_cast<std::uint64_t>(i));
      for (int count = 0; count <= N; ++count) {
        const P p = P::gather_partial(memory + middle, stride, count);
        CHECK(each_lane(p, [&](int i) { return i < count ? memory[middle + i * stride] : T{}; }));
      }
      const P p = P::gather(memory + middle, stride);
      CHECK(each_lane(p, [&](int i) { return memory[middle + i * stride]; }));

      const P other = pack_of<P>(1000);
      for (int count = 0; count <= N; ++count) {
        auto expected = raw;
        T* const e = reinterpret_cast<T*>(expected.data());
        for (int i = 0; i < count; ++i) e[middle + i * stride] = other.lane(i);
        auto got = raw;
        T* const g = reinterpret_cast<T*>(got.data());
        if (count == N) {
          other.scatter(g + middle, stride);
        } else {
          other.scatter_partial(g + middle, stride, count);
        }
        CHECK(got == expected);
      }
    }
  });
}

TEMPLATE_LIST_TEST_CASE("lanes are read, written, broadcast and counted", "[simd][pack]",
                        AllTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    P p(T(1));
    CHECK(each_lane(p, [](int) { return T(1); }));
    for (int i = 0; i < P::size; ++i) {
      p = P(T(0));
      p.set_lane(i, T(1));
      CHECK(each_lane(p, [&](int k) { return T(k == i); }));
    }
    if constexpr (!std::is_same_v<T, bool>) {
      CHECK(each_lane(P::iota(T(3)), [](int i) { return T(3 + i); }));
      CHECK(each_lane(P(T(3)) * 2.0, [](int) { return T(6); }));  // a double literal stays T
    }
  });
}

TEMPLATE_LIST_TEST_CASE("arithmetic equals the scalar one", "[simd][pack]", NumberTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    for (std::uint64_t k = 0; k < 40; ++k) {
      const P a = pack_of<P>(k * 100);
      const P b = pack_of<P>(k * 77 + 13);
      CHECK(each_lane(a + b, [&](int i) { return add(a.lane(i), b.lane(i)); }));
      CHECK(each_lane(a - b, [&](int i) { return subtract(a.lane(i), b.lane(i)); }));
      CHECK(each_lane(a * b, [&](int i) { return multiply(a.lane(i), b.lane(i)); }));
      CHECK(each_lane(a / b, [&](int i) { return divide(a.lane(i), b.lane(i)); }));
      if constexpr (std::is_integral_v<T>) {
        CHECK(each_lane(-a, [&](int i) { return subtract(T(0), a.lane(i)); }));
        CHECK(each_lane(a % b, [&](int i) { return remainder(a.lane(i), b.lane(i)); }));
      } else {
        CHECK(each_lane(-a, [&](int i) { return -a.lane(i); }));
      }
      P c = a;
      c += b;
      c -= a;
      c *= b;
      c /= a;
      CHECK(each_lane(c, [&](int i) {
        const T x = a.lane(i), y = b.lane(i);
        return divide(multiply(subtract(add(x, y), x), y), x);
      }));
    }
  });
}

TEMPLATE_LIST_TEST_CASE("bit operations", "[simd][pack]", IntegerTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    const P a = pack_of<P>(5), b = pack_of<P>(700);
    CHECK(each_lane(a & b, [&](int i) { return a.lane(i) & b.lane(i); }));
    CHECK(each_lane(a | b, [&](int i) { return a.lane(i) | b.lane(i); }));
    CHECK(each_lane(a ^ b, [&](int i) { return a.lane(i) ^ b.lane(i); }));
    CHECK(each_lane(~a, [&](int i) { return ~a.lane(i); }));
  });
}

TEST_CASE("bit operations of bool are logical", "[simd][pack]") {
  for_each_pack<bool>([](auto type) {
    using P = decltype(type);
    const P a = pack_of<P>(5), b = pack_of<P>(700);
    CHECK(each_lane(a & b, [&](int i) { return a.lane(i) && b.lane(i); }));
    CHECK(each_lane(a | b, [&](int i) { return a.lane(i) || b.lane(i); }));
    CHECK(each_lane(a ^ b, [&](int i) { return a.lane(i) != b.lane(i); }));
    CHECK(each_lane(~a, [&](int i) { return !a.lane(i); }));
    CHECK(each_lane(!a, [&](int i) { return !a.lane(i); }));
  });
}

TEMPLATE_LIST_TEST_CASE("comparisons equal the scalar ones, NaN included", "[simd][pack]",
                        AllTypes) {
  using T = TestType;
  for_each_pack<T>([](auto type) {
    using P = decltype(type);
    using B = Pack<bool, P::size>;
    for (std::uint64_t k = 0; k < 40; ++k) {
      const P a = pack_of<P>(k * 100);
      const P b = k % 4 == 0 ? a : pack_of<P>(k * 77 + 13);
      CHECK(each_lane(B(a == b), [&](int i) { return a.lane(i) == b.lane(i); }));
      CHECK(each_lane(B(a != b), [&](int i) { return a.lane(i) != b.lane(i); }));
      CHECK(each_lane(B(a < b), [&](int i) { return a.lane(i) < b.lane(i); }));
      CHECK(each_lane(B(a <= b), [&](int i) { return a.lane(i) <= b.lane(i); }));
      CHECK(each_lane(B(a > b), [&](int i) { return a.lane(i) > b.lane(i); }));
      CHECK(each_lane(B(a >= b), [&](int i) { return a.lane(i) >= b.lane(i); }));
    }
  });
}

namespace {

// Products whose low bits a fused multiply-add would keep.
template <class P>
void check_two_roundings() {
  using T = typename P::value_type;
  const T e = std::numeric_limits<T>::epsilon();
  for (int k = 1; k < 50; ++k) {
    P a(T(1) + T(k) * e), b(T(1) - T(k) * e), c(T(-1));
    volatile T product = a.lane(0) * b.lane(0);
    const T expected = product + c.lane(0);
    const T negated = T(1) - product;
    CHECK(each_lane(a * b + c, [&](int) { return expected; }));
    CHECK(each_lane(c + a * b, [&](int) { return expected; }));
    CHECK(each_lane(a * b - P(1), [&](int) { return expected; }));
    CHECK(each_lane(P(1) - a * b, [&](int) { return negated; }));
    P sum = c;
    sum += a * b;
    CHECK(each_lane(sum, [&](int) { return expected; }));
    if constexpr (simd::has_fma) {
      CHECK(each_lane(fma(a, b, c), [&](int) { return -T(k) * e * T(k) * e; }));
    } else {
      CHECK(each_lane(fma(a, b, c), [&](int) { return expected; }));
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a product is rounded before it is added", "[simd][pack]", FloatTypes) {
  for_each_pack<TestType>([](auto type) { check_two_roundings<decltype(type)>(); });
}
