// Streamed stores write what plain ones write.

#include "catch.hpp"

#include <tenon/simd/stream.hpp>

#include <cstdint>

namespace simd = tenon::simd;

namespace {

template <class T, int N>
int wrong_lanes() {
  using P = simd::Pack<T, N>;
  int wrong = 0;
  if constexpr (simd::can_stream<P>) {
    alignas(64) T out[3 * N];
    for (T& x : out) x = T{7};
    simd::stream(out + N, P::iota(T{1}));
    simd::stream_fence();
    for (int i = 0; i < 3 * N; ++i)
      wrong += out[i] != (i / N == 1 ? static_cast<T>(1 + i - N) : T{7});
  }
  return wrong;
}

}  // namespace

TEST_CASE("stream writes its lanes and nothing else") {
  CHECK(wrong_lanes<float, simd::native_lanes<float>>() == 0);
  CHECK(wrong_lanes<double, simd::native_lanes<double>>() == 0);
  CHECK(wrong_lanes<double, simd::native_lanes<float>>() == 0);  // two registers
  CHECK(wrong_lanes<std::int32_t, simd::native_lanes<std::int32_t>>() == 0);
  CHECK(wrong_lanes<std::int64_t, simd::native_lanes<std::int64_t>>() == 0);
}
