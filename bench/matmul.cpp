// Matrix products of dynamic shape beside Eigen, OpenBLAS, BLIS, oneDNN, libxsmm and the peers of
// peers/, where they are found, and beside the FMA peak of the same run.
//
//   taskset -c 1 bench_matmul                     all rows
//   taskset -c 1 bench_matmul "f32 17" random     rows whose name contains one of these
//
// `f32 n` and `f64 n` are eval_into, everything that a statement costs included. `prep32 n` and
// `prep64 n` are run() of a prepared program: what a kernel of libxsmm or a primitive of oneDNN, made
// beforehand, is to be compared with. Nothing of ours allocates: a trap would end the
// program.

#include "heap_trap.hpp"
#include "matmul_peers.hpp"

#include <random>

namespace tn = tenon;
using tn::index_t;
using namespace tn::bench;

namespace {

template <class T>
using Matrix = tn::Tensor<T, tn::Shape<tn::dyn, tn::dyn>>;

template <class F>
F without_heap(const F& f) {
  f();  // warm: every buffer is in the pool
  const tn::support::HeapTrap trap(tn::support::HeapTrap::Mode::abort);
  f();
  return f;
}

template <class T>
struct Operands {
  tn::PoolAllocator pool;
  Matrix<T> a, b, c;
  Operands(index_t m, index_t n, index_t k)
      : a(tn::zeros<T>(tn::shape(m, k), pool)),
        b(tn::zeros<T>(tn::shape(k, n), pool)),
        c(tn::zeros<T>(tn::shape(m, n), pool)) {
    std::minstd_rand random(static_cast<unsigned>(m + 31 * n + 17 * k));
    std::uniform_real_distribution<T> values(-1, 1);
    for (T& x : a.span()) x = values(random);
    for (T& x : b.span()) x = values(random);
  }
};

template <class T>
void compare(Rows& rows, const std::string& group, const std::string& name, const Product<T>& x,
             Contender ours, std::vector<Contender> ours_too = {}) {
  std::vector<Contender> all{std::move(ours)};
  for (auto& more : {std::move(ours_too), matmul_peers(x)})
    for (auto& c : more) all.push_back(c);
  check_products(name, all, x.c, x.m * x.n, x.k);
  all.push_back(peak<T>(x.flops()));
  rows.measure(group, name, x.work(), all);
}

template <class T>
void shape_row(Rows& rows, const std::string& group, const std::string& name, index_t m, index_t n,
               index_t k) {
  if (!rows.wanted(name)) return;
  Operands<T> x(m, n, k);
  compare(rows, group, name, Product<T>{m, n, k, x.a.data(), x.b.data(), x.c.data()},
          contender("tenon", without_heap([&] {
                      tn::eval_into(tn::noalias(x.c), tn::matmul(x.a, x.b), tn::scratch(x.pool));
                    })));
}

template <class T>
void prepared_row(Rows& rows, const std::string& group, const std::string& name, index_t n) {
  if (!rows.wanted(name)) return;
  Operands<T> x(n, n, n);
  auto program = tn::prepare(x.c, tn::matmul(x.a, x.b), tn::scratch(x.pool));
  compare(rows, group, name, Product<T>{n, n, n, x.a.data(), x.b.data(), x.c.data()},
          contender("tenon", without_heap([&] { program.run(); })));
}

// One operand lies in memory as its transpose.
template <bool OfA>
void transposed_row(Rows& rows, index_t n) {
  const std::string name = (OfA ? "f32 A' " : "f32 B' ") + std::to_string(n);
  if (!rows.wanted(name)) return;
  Operands<float> x(n, n, n);
  compare(rows, "transposed", name,
          Product<float>{n, n, n, x.a.data(), x.b.data(), x.c.data(), OfA, !OfA},
          contender("tenon", without_heap([&] {
                      if constexpr (OfA)
                        tn::eval_into(tn::noalias(x.c), tn::matmul(tn::transpose(x.a), x.b),
                                      tn::scratch(x.pool));
                      else
                        tn::eval_into(tn::noalias(x.c), tn::matmul(x.a, tn::transpose(x.b)),
                                      tn::scratch(x.pool));
                    })));
}

// relu(A·B + b) + R, beside the bare product and what the peers have for it.
void epilogue_row(Rows& rows, index_t n) {
  const std::string name = "f32 epilogue " + std::to_string(n);
  if (!rows.wanted(name)) return;
  Operands<float> x(n, n, n);
  auto bias = tn::full<float>(tn::shape(n), 0.25F, x.pool);
  auto r = tn::full<float>(tn::shape(n, n), 0.5F, x.pool);
  const Product<float> p{n, n, n, x.a.data(), x.b.data(), x.c.data()};
  std::vector<Contender> all{contender("tenon", without_heap([&] {
                                         tn::eval_into(tn::noalias(x.c),
                                                       tn::relu(tn::matmul(x.a, x.b) + bias) + r,
                                                       tn::scratch(x.pool));
                                       }))};
#if TENON_BENCH_EIGEN
  using Array = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Map = Eigen::Map<Array>;
  all.push_back(contender("eigen", [&, n] {
    Map(x.c.data(), n, n) = ((Map(x.a.data(), n, n) * Map(x.b.data(), n, n)).rowwise() +
                             Eigen::Map<Eigen::RowVectorXf>(bias.data(), n))
                                .cwiseMax(0.0F) +
                            Map(r.data(), n, n);
  }));
#endif
#if TENON_BENCH_OPENBLAS
  all.push_back(contender("openblas+loop", [&, p] {
    openblas_product(p);
    float* c = x.c.data();
    for (index_t i = 0; i < p.m; ++i)
      for (index_t j = 0; j < p.n; ++j) {
        const float sum = c[i * p.n + j] + bias.data()[j];
        c[i * p.n + j] = (sum > 0 ? sum : 0) + r.data()[i * p.n + j];
      }
  }));
#endif
#if TENON_BENCH_EIGEN5
  all.push_back(eigen5_epilogue(p, bias.data(), r.data()));
#endif
#if TENON_BENCH_ONEDNN
  all.push_back(onednn_epilogue(p, bias.data(), r.data()));
#endif
  check_products(name, all, p.c, n * n, n);
  all.push_back(contender("bare*", without_heap([&] {
                            tn::eval_into(tn::noalias(x.c), tn::matmul(x.a, x.b),
                                          tn::scratch(x.pool));
                          })));
  all.push_back(peak<float>(p.flops()));
  Work work = p.work();
  work.bytes += static_cast<double>((n * n + n) * static_cast<index_t>(sizeof(float)));
  rows.measure("epilogue", name, work, all);
}

std::string by(index_t m, index_t n, index_t k) {
  return std::to_string(m) + "x" + std::to_string(k) + " * " + std::to_string(k) + "x" +
         std::to_string(n);
}

}  // namespace

int main(int argc, char** argv) {
  use_one_thread(argv);
  Rows rows(argc, argv);
  for (index_t n : {2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,   13,   14,  15,
                    16,  17,  20,  24,  31,  32,  33,  48,  50,  63,  64,   65,   96,  100,
                    127, 128, 129, 192, 200, 255, 256, 257, 500, 512, 1000, 1024, 2048}) {
    shape_row<float>(rows, "f32", "f32 " + std::to_string(n), n, n, n);
    shape_row<double>(rows, "f64", "f64 " + std::to_string(n), n, n, n);
    prepared_row<float>(rows, "prep32", "prep32 " + std::to_string(n), n);
    prepared_row<double>(rows, "prep64", "prep64 " + std::to_string(n), n);
  }
  constexpr index_t skinny[][3] = {
      {1, 3072, 768}, {8, 3072, 768},  {32, 3072, 768},  {64, 512, 784},  {1024, 1, 1024},
      {1024, 1, 768}, {6, 1000, 1000}, {1000, 16, 1000}, {1000, 1000, 4}, {6, 16, 1000},
      {6, 1000, 4},   {1000, 16, 4},   {6, 16, 4},       {2, 3072, 768},  {1000, 2, 1000},
  };
  for (const auto& s : skinny)
    shape_row<float>(rows, "skinny", "skinny " + by(s[0], s[1], s[2]), s[0], s[1], s[2]);
  for (index_t n : {8, 16, 32, 64, 65, 128, 256, 512, 1024}) {
    transposed_row<true>(rows, n);
    transposed_row<false>(rows, n);
    epilogue_row(rows, n);
  }
  std::minstd_rand random(2026);
  for (int i = 0; i < 200; ++i) {
    const auto extent = [&] { return static_cast<index_t>(random() % 600 + 1); };
    const index_t m = extent(), n = extent(), k = extent();
    shape_row<float>(rows, "random", "random " + by(m, n, k), m, n, k);
  }
  rows.finish();
}
