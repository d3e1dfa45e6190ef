// What the machine can do on one core: the peak of fused multiply-adds, and the bandwidth of reading and
// writing over the footprint, from the first-level cache to memory. bench/run holds everything else
// against them. Run pinned: taskset -c 1 bench_limits; arguments as for bench_matmul.
//
// `read` sums floats, `write` stores a constant; `stream` stores it past the caches.

#include "interleaved.hpp"
#include "peak.hpp"

#include <tenon/simd/stream.hpp>
#include <tenon/tenon.hpp>

#include <string>

namespace tn = tenon;
using tn::index_t;
using namespace tn::bench;

namespace {

using Pack = tn::simd::Pack<float, tn::simd::native_lanes<float>>;
constexpr index_t lanes = tn::simd::native_lanes<float>;
constexpr int chains = 8;  // additions in flight, so that loads are what limits

// pre: count is a multiple of chains * lanes, here and below
[[gnu::noinline]] float read(const float* p, index_t count) {
  Pack sums[chains];
  for (Pack& sum : sums) sum = Pack(0.0F);
  for (index_t i = 0; i < count; i += chains * lanes)
    tn::simd::detail::unroll<chains>(
        [&](int c) TENON_INLINE_LAMBDA { sums[c] += Pack::load(p + i + c * lanes); });
  for (int c = 1; c < chains; ++c) sums[0] += sums[c];
  return tn::simd::reduce_add(sums[0]);
}

[[gnu::noinline]] void write(float* p, index_t count, float value) {
  const Pack pack(value);
  for (index_t i = 0; i < count; i += chains * lanes)
    tn::simd::detail::unroll<chains>([&](int c)
                                         TENON_INLINE_LAMBDA { pack.store(p + i + c * lanes); });
}

[[gnu::noinline]] void stream(float* p, index_t count, float value) {
  const Pack pack(value);
  for (index_t i = 0; i < count; i += chains * lanes)
    tn::simd::detail::unroll<chains>(
        [&](int c) TENON_INLINE_LAMBDA { tn::simd::stream(p + i + c * lanes, pack); });
  tn::simd::stream_fence();
}

std::string footprint(index_t bytes) {
  constexpr index_t mebibyte = index_t{1} << 20;
  return bytes < mebibyte ? std::to_string(bytes >> 10) + " KiB"
                          : std::to_string(bytes >> 20) + " MiB";
}

template <class F>
void bandwidth_row(Rows& rows, const std::string& what, index_t bytes, const F& f) {
  const std::string name = what + " " + footprint(bytes);
  if (rows.wanted(name))
    rows.measure(what, name, {.bytes = static_cast<double>(bytes)}, {contender("limit", f)});
}

template <class T>
void peak_row(Rows& rows, const std::string& name) {
  constexpr double flops = 1e7;
  if (!rows.wanted(name)) return;
  Contender limit = peak<T>(flops);
  limit.name = "limit";
  rows.measure("fma", name, {.flops = flops}, {limit});
}

}  // namespace

int main(int argc, char** argv) {
  Rows rows(argc, argv);
  peak_row<float>(rows, "fma f32");
  peak_row<double>(rows, "fma f64");
  for (index_t bytes = index_t{16} << 10; bytes <= index_t{256} << 20; bytes *= 2) {
    tn::PoolAllocator pool;
    const index_t count = bytes / static_cast<index_t>(sizeof(float));
    auto data = tn::zeros<float>(tn::shape(count), pool);
    bandwidth_row(rows, "read", bytes, [&] {
      const float sum = read(data.data(), count);
      asm volatile("" ::"g"(&sum) : "memory");
    });
    bandwidth_row(rows, "write", bytes, [&] { write(data.data(), count, 1.0F); });
    bandwidth_row(rows, "stream", bytes, [&] { stream(data.data(), count, 1.0F); });
  }
  rows.finish();
}
