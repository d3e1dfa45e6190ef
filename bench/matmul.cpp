// Matrix products of floats: Tenon beside its own kernel without the expression layer, Eigen,
// OpenBLAS and the FMA peak. `peak` is a loop in registers that does as many flops as the row's
// product, so its ratio is the share of the peak that Tenon reaches. Run pinned: taskset -c 1
// bench_matmul. Nothing of ours allocates inside the timed loops: the trap would end the program.
// Eigen and OpenBLAS may (field.md counts how often).

#if TENON_BENCH_EIGEN && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12's own intrinsics, used by Eigen
#endif

#include "heap_trap.hpp"
#include "ratios.hpp"

#include <tenon/tenon.hpp>

#if TENON_BENCH_EIGEN
#include <Eigen/Core>
#endif
#if TENON_BENCH_OPENBLAS
#include <cblas.h>
#endif

#include <string>
#include <utility>

namespace tn = tenon;
namespace simd = tenon::simd;
namespace kernels = tenon::kernels;
using tn::index_t;

namespace {

using Matrix = tn::Tensor<float, tn::Shape<tn::dyn, tn::dyn>>;
using View = tn::TensorView<float, tn::Shape<tn::dyn, tn::dyn>>;
constexpr int lanes = simd::native_lanes<float>;

// As many fused multiply-adds as 12 chains keep in flight, nothing else; the factor keeps them
// finite.
[[gnu::noinline]] float peak(index_t steps, float factor) {
  using P = simd::Pack<float, lanes>;
  P sum[12];
  for (int i = 0; i < 12; ++i) sum[i] = P(static_cast<float>(i));
  const P a(factor), b(0.5F);
  for (index_t s = 0; s < steps; ++s)
    simd::detail::unroll<12>([&](int i) TENON_INLINE_LAMBDA { sum[i] = simd::fma(sum[i], a, b); });
  P all = sum[0];
  for (int i = 1; i < 12; ++i) all += sum[i];
  return simd::reduce_add(all);
}

struct Source {
  using value_type = float;
  const float* p;
  index_t row;
  const float* data() const { return p; }
  index_t stride(int axis) const { return axis == 0 ? row : 1; }
  int contiguous_axis() const { return 1; }
  template <int Axis, int N>
  TENON_INLINE simd::Pack<float, N> load(index_t i, index_t j) const {
    const float* from = p + i * row + j;
    if constexpr (Axis == 1)
      return simd::Pack<float, N>::load(from);
    else
      return simd::Pack<float, N>::gather(from, row);
  }
  template <int Axis, int N>
  TENON_INLINE simd::Pack<float, N> load_partial(index_t i, index_t j, int count) const {
    const float* from = p + i * row + j;
    if constexpr (Axis == 1)
      return simd::Pack<float, N>::load_partial(from, count);
    else
      return simd::Pack<float, N>::gather_partial(from, row, count);
  }
};

struct Sink {
  float* p;
  index_t row;
  float* data() const { return p; }
  index_t stride(int axis) const { return axis == 0 ? row : 1; }
  template <int N>
  TENON_INLINE void store(index_t i, index_t j, simd::Pack<float, N> value) const {
    value.store(p + i * row + j);
  }
  template <int N>
  TENON_INLINE void store_partial(index_t i, index_t j, simd::Pack<float, N> value,
                                  int count) const {
    value.store_partial(p + i * row + j, count);
  }
};

struct Data {
  index_t m, n, k;
  tn::PoolAllocator pool;
  Matrix a, b, c;
  std::span<std::byte> workspace;
  Data(index_t rows, index_t columns, index_t depth)
      : m(rows),
        n(columns),
        k(depth),
        a(tn::full<float>(tn::shape(m, k), 0.25F, pool)),
        b(tn::full<float>(tn::shape(k, n), 0.5F, pool)),
        c(tn::zeros<float>(tn::shape(m, n), pool)),
        workspace(pool.alloc<std::byte>(kernels::gemm_workspace_bytes<float>(m, n, k) + 64)) {}
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
};

template <class F>
void timed(benchmark::State& state, const Data& x, bool may_allocate, const F& f) {
  f();  // warm: every buffer is in the pool
  tenon::support::HeapTrap trap(tenon::support::HeapTrap::Mode::abort);
  if (may_allocate) trap.stop();
  for (auto _ : state) {
    f();
    benchmark::ClobberMemory();
  }
  trap.stop();
  state.counters["GFLOP/s"] =
      benchmark::Counter(x.flops() * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void add_row(index_t m, index_t n, index_t k) {
  const auto add = [=](const char* who, bool may_allocate, auto product) {
    const auto name = std::to_string(m) + "x" + std::to_string(k) + " * " + std::to_string(k) +
                      "x" + std::to_string(n) + "/" + who;
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      Data x(m, n, k);
      timed(state, x, may_allocate, [&] { product(x); });
    });
  };
  add("tenon", false,
      [](Data& x) { tn::eval_into(tn::noalias(x.c), tn::matmul(x.a, x.b), tn::scratch(x.pool)); });
  add("kernel", false, [](Data& x) {
    Sink c{x.c.data(), x.n};
    kernels::gemm<float>(x.m, x.n, x.k, Source{x.a.data(), x.k}, Source{x.b.data(), x.n}, c,
                         x.workspace.data());
  });
  add("peak", false, [](Data& x) {
    const auto steps = static_cast<index_t>(x.flops() / (2.0 * 12 * lanes)) + 1;
    benchmark::DoNotOptimize(peak(steps, 0.5F));
  });
#if TENON_BENCH_EIGEN
  add("eigen", true, [](Data& x) {
    using Map = Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
    Map(x.c.data(), x.m, x.n).noalias() = Map(x.a.data(), x.m, x.k) * Map(x.b.data(), x.k, x.n);
  });
#endif
#if TENON_BENCH_OPENBLAS
  add("openblas", true, [](Data& x) {
    const auto rows = static_cast<int>(x.m), columns = static_cast<int>(x.n),
               depth = static_cast<int>(x.k);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, depth, 1.0F, x.a.data(),
                depth, x.b.data(), columns, 0.0F, x.c.data(), columns);
  });
#endif
}

}  // namespace

int main(int argc, char** argv) {
#if TENON_BENCH_OPENBLAS
  openblas_set_num_threads(1);
#endif
  for (index_t n : {4, 8, 16, 17, 32, 33, 64, 65, 100, 128, 256, 512, 1024}) add_row(n, n, n);
  add_row(1, 3072, 768);
  add_row(8, 3072, 768);
  add_row(32, 3072, 768);
  add_row(64, 512, 784);
  add_row(1024, 1, 1024);
  return tenon::bench::run(argc, argv);
}
