#include <tenon/core/dtype.hpp>

#include "catch.hpp"

#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>

using namespace tenon;

namespace {

using i1 = std::int8_t;
using i2 = std::int16_t;
using i4 = std::int32_t;
using i8 = std::int64_t;
using u1 = std::uint8_t;
using u2 = std::uint16_t;
using u4 = std::uint32_t;
using u8 = std::uint64_t;

using All = std::tuple<float, double, bool, i1, i2, i4, i8, u1, u2, u4, u8>;

template <class F>
void for_all(F&& f) {
  std::apply([&](auto... values) { (f(values), ...); }, All{});
}

template <class A, class B, class Expected>
constexpr bool gives = std::is_same_v<promoted_t<A, B>, Expected> &&
                       std::is_same_v<promoted_t<B, A>, Expected> && Promotable<A, B>;
template <class A, class B>
constexpr bool open = !Promotable<A, B> && !Promotable<B, A>;

// The tables of the array-API standard 2023.12, both triangles.
static_assert(gives<i1, i2, i2> && gives<i1, i4, i4> && gives<i1, i8, i8>);
static_assert(gives<i2, i4, i4> && gives<i2, i8, i8> && gives<i4, i8, i8>);
static_assert(gives<u1, u2, u2> && gives<u1, u4, u4> && gives<u1, u8, u8>);
static_assert(gives<u2, u4, u4> && gives<u2, u8, u8> && gives<u4, u8, u8>);
static_assert(gives<i1, u1, i2> && gives<i1, u2, i4> && gives<i1, u4, i8>);
static_assert(gives<i2, u1, i2> && gives<i2, u2, i4> && gives<i2, u4, i8>);
static_assert(gives<i4, u1, i4> && gives<i4, u2, i4> && gives<i4, u4, i8>);
static_assert(gives<i8, u1, i8> && gives<i8, u2, i8> && gives<i8, u4, i8>);
static_assert(gives<float, double, double>);
// What the standard leaves open does not compile without a cast.
static_assert(open<i1, u8> && open<i8, u8> && open<i4, float> && open<u1, double>);
static_assert(open<bool, i4> && open<bool, float>);

static_assert(std::is_same_v<sum_t<float>, float> && std::is_same_v<sum_t<double>, double>);
static_assert(std::is_same_v<sum_t<bool>, i8> && std::is_same_v<sum_t<i1>, i8>);
static_assert(std::is_same_v<sum_t<u1>, u8> && std::is_same_v<sum_t<i8>, i8>);

static_assert(Element<bool> && !Numeric<bool> && Numeric<float> && Numeric<i1>);
static_assert(!Element<char> && !Element<const float> && !Element<float&> && !Element<long double>);
static_assert(!Element<wchar_t> && !Element<void>);

}  // namespace

TEST_CASE("every element type has its own dtype, name and size") {
  std::string names;
  int count = 0;
  for_all([&](auto value) {
    using T = decltype(value);
    STATIC_REQUIRE(Element<T>);
    CHECK(static_cast<int>(dtype_of<T>) == count++);
    CHECK(size_bytes(dtype_of<T>) == static_cast<int>(sizeof(T)));
    names += name(dtype_of<T>);
    names += ' ';
    STATIC_REQUIRE(gives<T, T, T>);
  });
  CHECK(names == "float32 float64 bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 ");
}

TEST_CASE("promotion is symmetric and never loses range") {
  for_all([](auto a) {
    for_all([](auto b) {
      using A = decltype(a);
      using B = decltype(b);
      STATIC_REQUIRE(std::is_same_v<promoted_t<A, B>, promoted_t<B, A>>);
      if constexpr (Promotable<A, B>) {
        using P = promoted_t<A, B>;
        STATIC_REQUIRE(sizeof(P) >= sizeof(A));
        STATIC_REQUIRE((std::is_signed_v<P> || (!std::is_signed_v<A> && !std::is_signed_v<B>)));
      }
    });
  });
}
