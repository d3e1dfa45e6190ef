// Every way in which packs touch memory is noted, with the bytes that it touches.
#define TENON_WATCHED 1

#include "catch.hpp"
#include "counted.hpp"

#include <tenon/simd/stream.hpp>

namespace simd = tenon::simd;

namespace {

template <class T, class F>
counted::Traffic touched(std::span<T> memory, const F& f) {
  return counted::traffic({std::as_bytes(memory)}, f)[0];
}

}  // namespace

TEMPLATE_TEST_CASE("Loads and stores of packs are watched", "[simd]", float, double, std::int8_t) {
  using T = TestType;
  constexpr int n = simd::native_lanes<T>;
  using P = simd::Pack<T, n>;
  constexpr std::size_t whole = n * sizeof(T), some = (n - 1) * sizeof(T);
  alignas(64) T memory[4 * n] = {};
  const std::span<T> all(memory);
  T* const p = memory;
  P value(T{1});
  CHECK(touched(all, [&] { value = P::load(p + 1); }).loaded == whole);
  CHECK(touched(all, [&] { value = P::load_partial(p, n - 1); }).loaded == some);
  CHECK(touched(all, [&] { value = P::load_partial(p, 0); }).loaded == 0);
  CHECK(touched(all, [&] { value = P::gather(p, 3); }).loaded == whole);
  CHECK(touched(all, [&] { value = P::gather_partial(p, 2, n - 1); }).loaded == some);
  CHECK(touched(all, [&] { value = P::broadcast(p); }).loaded == sizeof(T));
  CHECK(touched(all, [&] { value.store(p + 1); }).stored == whole);
  CHECK(touched(all, [&] { value.store_partial(p, n - 1); }).stored == some);
  CHECK(touched(all, [&] { value.scatter(p, 2); }).stored == whole);
  CHECK(touched(all, [&] { value.scatter_partial(p, 3, n - 1); }).stored == some);
  if constexpr (simd::can_stream<P>)
    CHECK(touched(all, [&] { simd::stream(p, value); }).stored == whole);
  CHECK(touched(all, [&] { value = value + value; }).loaded == 0);
}

TEST_CASE("The last byte counts as kept where it is loaded after it was stored", "[simd]") {
  constexpr int n = simd::native_lanes<float>;
  using P = simd::Pack<float, n>;
  float memory[2 * n] = {};
  const std::span<float> all(memory);
  P value(1.0F);
  CHECK_FALSE(touched(all, [&] {
                value = P::load(memory + n);
                value.store(memory + n);
              }).kept);
  CHECK_FALSE(touched(all, [&] {
                value.store(memory + n);
                value = P::load(memory);
              }).kept);
  CHECK(touched(all, [&] {
          value.store(memory + n);
          value = P::load(memory + n);
        }).kept);
}
