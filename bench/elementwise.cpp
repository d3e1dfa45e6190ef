// a * b + c: Tenon beside a hand-written loop and other libraries, from a few elements to beyond the
// caches. Run pinned: taskset -c 1 bench_elementwise. Nothing of ours allocates inside the timed loops: the
// trap would end the program. A new result of another library comes from the heap.

#include "heap_trap.hpp"
#include "peers/peers.hpp"
#include "ratios.hpp"

#include <tenon/tenon.hpp>

#if TENON_BENCH_EIGEN
#include <Eigen/Core>
#endif
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include <string>

namespace tn = tenon;

namespace {

using View = tn::TensorView<float, tn::Shape<tn::dyn>>;

// What one would write for this machine: full registers, a masked tail.
[[gnu::noinline]] void hand(const float* a, const float* b, const float* c, float* d, long n) {
  long i = 0;
#if defined(__AVX512F__)
  for (; i + 16 <= n; i += 16)
    _mm512_storeu_ps(d + i, _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i),
                                            _mm512_loadu_ps(c + i)));
  if (i < n) {
    const auto mask = static_cast<__mmask16>((1U << (n - i)) - 1U);
    _mm512_mask_storeu_ps(
        d + i, mask,
        _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i),
                        _mm512_maskz_loadu_ps(mask, c + i)));
  }
#else
  for (; i < n; ++i) d[i] = a[i] * b[i] + c[i];
#endif
}

[[gnu::noinline]] void tenon_into(View a, View b, View c, View d) {
  tn::eval_into(tn::noalias(d), a * b + c);
}

#if TENON_BENCH_EIGEN
std::function<void()> eigen_new(const tenon::bench::Streams& x) {
  using In = Eigen::Map<const Eigen::ArrayXf>;
  return [=] {
    const Eigen::ArrayXf d = In(x.a, x.n) * In(x.b, x.n) + In(x.c, x.n);
    benchmark::DoNotOptimize(d.data());
  };
}
#endif

struct Data {
  tn::PoolAllocator pool;
  tn::Tensor<float, tn::Shape<tn::dyn>> a, b, c, d;
  explicit Data(long n)
      : a(tn::full<float>(tn::shape(n), 1.5F, pool)),
        b(tn::full<float>(tn::shape(n), 0.25F, pool)),
        c(tn::full<float>(tn::shape(n), 2.0F, pool)),
        d(tn::zeros<float>(tn::shape(n), pool)) {}
};

void count(benchmark::State& state, long n) {
  state.counters["flops"] = static_cast<double>(2 * n);
  state.counters["bytes"] = static_cast<double>(16 * n);  // three streams in, one out
}

template <class F>
void timed(benchmark::State& state, const F& f) {
  f();  // warm: every buffer is in the pool
  const tenon::support::HeapTrap trap(tenon::support::HeapTrap::Mode::abort);
  for (auto _ : state) {
    f();
    benchmark::ClobberMemory();
  }
}

// A peer's contender of a row: `make` prepares what is timed.
void add_peer(const std::string& name, long n,
              std::function<void()> (*make)(const tenon::bench::Streams&)) {
  benchmark::RegisterBenchmark(name.c_str(), [n, make](benchmark::State& state) {
    Data x(n);
    const auto f = make({x.a.data(), x.b.data(), x.c.data(), x.d.data(), n});
    f();
    for (auto _ : state) {
      f();
      benchmark::ClobberMemory();
    }
    count(state, n);
  });
}

void add_rows(long n) {
  const auto name = [&](const char* what, const char* who) {
    return std::string(what) + " n=" + std::to_string(n) + "/" + who;
  };
  benchmark::RegisterBenchmark(name("into", "hand").c_str(), [n](benchmark::State& state) {
    Data x(n);
    timed(state, [&] { hand(x.a.data(), x.b.data(), x.c.data(), x.d.data(), n); });
    count(state, n);
  });
  benchmark::RegisterBenchmark(name("into", "tenon").c_str(), [n](benchmark::State& state) {
    Data x(n);
    timed(state, [&] { tenon_into(x.a, x.b, x.c, x.d); });
    count(state, n);
  });
  // A result of its own from a warm pool, for the hand-written loop too: where memory lies matters
  // beyond the caches (a buffer 2^28 bytes from an operand costs 15 %), so both write the same block.
  benchmark::RegisterBenchmark(name("eval", "hand").c_str(), [n](benchmark::State& state) {
    Data x(n);
    timed(state, [&] {
      auto r = tn::empty<float>(tn::shape(n), x.pool);
      hand(x.a.data(), x.b.data(), x.c.data(), r.data(), n);
    });
    count(state, n);
  });
  benchmark::RegisterBenchmark(name("eval", "tenon").c_str(), [n](benchmark::State& state) {
    Data x(n);
    timed(state, [&] {
      const auto r = tn::eval(x.a * x.b + x.c, x.pool);
      benchmark::DoNotOptimize(r.data());
    });
    count(state, n);
  });
#if TENON_BENCH_EIGEN
  benchmark::RegisterBenchmark(name("into", "eigen").c_str(), [n](benchmark::State& state) {
    Data x(n);
    using Map = Eigen::Map<Eigen::ArrayXf>;
    Map a(x.a.data(), n), b(x.b.data(), n), c(x.c.data(), n), d(x.d.data(), n);
    timed(state, [&] { d = a * b + c; });
    count(state, n);
  });
  add_peer(name("eval", "eigen"), n, eigen_new);
#endif
#if TENON_BENCH_EIGEN5
  add_peer(name("into", "eigen5"), n, tenon::bench::eigen5_into);
  add_peer(name("eval", "eigen5"), n, tenon::bench::eigen5_new);
#endif
#if TENON_BENCH_BLAZE
  add_peer(name("into", "blaze"), n, tenon::bench::blaze_into);
  add_peer(name("eval", "blaze"), n, tenon::bench::blaze_new);
#endif
#if TENON_BENCH_ARMADILLO
  add_peer(name("into", "armadillo"), n, tenon::bench::armadillo_into);
  add_peer(name("eval", "armadillo"), n, tenon::bench::armadillo_new);
#endif
#if TENON_BENCH_XTENSOR
  add_peer(name("into", "xtensor"), n, tenon::bench::xtensor_into);
  add_peer(name("eval", "xtensor"), n, tenon::bench::xtensor_new);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  for (long n : {7L, 31L, 100L, 1000L, 10000L, 100000L, 1000000L, 10000000L}) add_rows(n);
  return tenon::bench::run(argc, argv);
}
