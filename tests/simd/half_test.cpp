// Packs of half and bfloat16 against core's conversions of one value.

#include "catch.hpp"

#include <tenon/simd/operations.hpp>

#include <bit>
#include <random>

namespace tn = tenon;
namespace simd = tenon::simd;

namespace {

template <class H, int N>
int wrong_widenings() {
  int wrong = 0;
  for (std::uint32_t first = 0; first < 65536; first += N) {
    H from[N];
    for (int i = 0; i < N; ++i)
      from[i].bits = static_cast<std::uint16_t>(first + static_cast<std::uint32_t>(i));
    float to[N];
    simd::convert<float>(simd::Pack<H, N>::load(from)).store(to);
    for (int i = 0; i < N; ++i)
      wrong += std::bit_cast<std::uint32_t>(to[i]) !=
               std::bit_cast<std::uint32_t>(static_cast<float>(from[i]));
  }
  return wrong;
}

template <class H, int N>
int wrong_roundings(std::uint32_t step) {
  int wrong = 0;
  std::mt19937 engine(N);
  std::uint32_t bits = 0;
  for (int k = 0; k < 20000; ++k) {
    float from[N];
    for (float& f : from)
      f = std::bit_cast<float>(k % 3 == 0 ? static_cast<std::uint32_t>(engine()) : bits += step);
    H to[N];
    simd::convert<H>(simd::Pack<float, N>::load(from)).store(to);
    for (int i = 0; i < N; ++i) wrong += to[i].bits != H(from[i]).bits;
  }
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("Packs of two bytes become floats and back", "", tn::half, tn::bfloat16) {
  constexpr int lanes = simd::native_lanes<float>;
  CHECK(wrong_widenings<TestType, lanes>() == 0);
  CHECK(wrong_widenings<TestType, 2 * lanes>() == 0);
  CHECK(wrong_widenings<TestType, 1>() == 0);
  CHECK(wrong_widenings<TestType, 3>() == 0);
  for (const std::uint32_t step : {0x1001U, 0x800U, 0x8000U, 0xFFFFU, 0x3FFFFU}) {
    CHECK(wrong_roundings<TestType, lanes>(step) == 0);
    CHECK(wrong_roundings<TestType, 2 * lanes>(step) == 0);
    CHECK(wrong_roundings<TestType, 3>(step) == 0);
  }
}

TEMPLATE_TEST_CASE("Packs of two bytes from and to other types", "", tn::half, tn::bfloat16) {
  constexpr int lanes = simd::native_lanes<float>;
  double from[lanes];
  for (int i = 0; i < lanes; ++i)
    from[i] = 1.0 + 0x1p-11 + 0x1p-40 * i;  // a tie for half, and above it
  TestType to[lanes];
  simd::convert<TestType>(simd::Pack<double, lanes>::load(from)).store(to);
  int wrong = 0;
  for (int i = 0; i < lanes; ++i) wrong += to[i].bits != TestType(from[i]).bits;
  const auto whole = simd::convert<std::int32_t>(
      simd::convert<TestType>(simd::Pack<std::int32_t, lanes>::iota(-3)));
  for (int i = 0; i < lanes; ++i) wrong += whole.lane(i) != i - 3;
  const auto truth =
      simd::convert<bool>(simd::convert<TestType>(simd::Pack<float, lanes>::iota(0)));
  for (int i = 0; i < lanes; ++i) wrong += truth.lane(i) != (i != 0);
  CHECK(wrong == 0);
}
