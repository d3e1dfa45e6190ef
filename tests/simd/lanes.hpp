#pragma once
// Values, references and guarded memory for the tests of packs.

#include "../catch.hpp"

#include <tenon/simd/math.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <tuple>
#include <vector>

namespace lanes {

namespace simd = tenon::simd;
using simd::Mask;
using simd::Pack;
using tenon::index_t;

// Packs of two registers (the loop over registers with one of them is shorter only), and an array
// whose N is no power of two.
template <class T>
using Packs = std::tuple<Pack<T, 2 * simd::native_lanes<T>>, Pack<T, 3>>;

using AllTypes =
    std::tuple<float, double, bool, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
               std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
using FloatTypes = std::tuple<float, double>;
using IntegerTypes = std::tuple<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t,
                                std::uint16_t, std::uint32_t, std::uint64_t>;

using NumberTypes = decltype(std::tuple_cat(FloatTypes{}, IntegerTypes{}));

// f(Pack<T, N>{}) for every N that is tested.
template <class T, class F>
void for_each_pack(F f) {
  std::apply([&](auto... packs) { (f(packs), ...); }, Packs<T>{});
}

// Value i of a sequence that holds ordinary and extreme values of T.
template <class T>
T value(std::uint64_t i) {
  using Limits = std::numeric_limits<T>;
  const std::uint64_t random = (i + 1) * 0x9E3779B97F4A7C15u;
  if constexpr (std::is_same_v<T, bool>) {
    return (random >> 40) & 1u;
  } else if constexpr (std::is_floating_point_v<T>) {
    const T special[] = {T(0),
                         -T(0),
                         Limits::infinity(),
                         -Limits::infinity(),
                         Limits::quiet_NaN(),
                         Limits::max(),
                         Limits::denorm_min(),
                         -Limits::min(),
                         T(0.5),
                         T(-2.5),
                         T(3.5),
                         T(8388609)};
    if (i % 3 == 0) return special[(i / 3) % std::size(special)];
    return static_cast<T>(static_cast<double>(random >> 11) * 0x1p-50 - 4.0);
  } else {
    const T special[] = {0, 1, Limits::max(), Limits::min(), static_cast<T>(-1), 2, 7};
    if (i % 2 == 0) return special[(i / 2) % std::size(special)];
    return static_cast<T>(random >> 30);
  }
}

template <class T, std::size_t N>
std::array<T, N> values(std::uint64_t first) {
  std::array<T, N> r{};
  for (std::size_t i = 0; i < N; ++i) r[i] = value<T>(first + i);
  return r;
}

template <class P>
P pack_of(std::uint64_t first) {
  return P::load(values<typename P::value_type, P::size>(first).data());
}

// Equal bits, or both NaN.
template <class T>
bool same(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a && b != b) return true;
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

// Whether lane i of p is f(i), for all lanes; tells where not.
template <class P, class F>
bool each_lane(P p, F f) {
  using T = typename P::value_type;
  for (int i = 0; i < P::size; ++i) {
    const T expected = static_cast<T>(f(i));
    if (!same(static_cast<T>(p.lane(i)), expected)) {
      UNSCOPED_INFO("lane " << i << " is " << +p.lane(i) << ", expected " << +expected);
      return false;
    }
  }
  return true;
}

// A page whose neighbours on both sides cannot be touched.
class GuardedPage {
 public:
  GuardedPage() : page_bytes_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* p = mmap(nullptr, 3 * page_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(p != MAP_FAILED);
    base_ = static_cast<unsigned char*>(p);
    REQUIRE(mprotect(base_ + page_bytes_, page_bytes_, PROT_READ | PROT_WRITE) == 0);
  }
  ~GuardedPage() { munmap(base_, 3 * page_bytes_); }
  GuardedPage(const GuardedPage&) = delete;
  GuardedPage& operator=(const GuardedPage&) = delete;

  template <class T>
  T* first() {
    return reinterpret_cast<T*>(base_ + page_bytes_);
  }
  // `count` elements that end at the guard.
  template <class T>
  T* last(int count) {
    return reinterpret_cast<T*>(base_ + 2 * page_bytes_) - count;
  }

 private:
  std::size_t page_bytes_;
  unsigned char* base_;
};

}  // namespace lanes
