// Matrix products of static shape beside what Eigen, Blaze and Fastor have for fixed sizes, kernels of
// libxsmm and the other peers. Arguments as for bench_matmul: rows are `static32 n` and `static64 n`.

#include "heap_trap.hpp"
#include "matmul_peers.hpp"

#include <random>

namespace tn = tenon;
using tn::index_t;
using namespace tn::bench;

namespace {

template <class T, int N>
void static_row(Rows& rows) {
  const std::string group = sizeof(T) == 4 ? "static32" : "static64";
  const std::string name = group + " " + std::to_string(N);
  if (!rows.wanted(name)) return;
  alignas(64) tn::StaticTensor<T, N, N> a{}, b{}, c{};
  std::minstd_rand random(N);
  std::uniform_real_distribution<T> values(-1, 1);
  for (T& x : a.span()) x = values(random);
  for (T& x : b.span()) x = values(random);

  using Expression = decltype(tn::matmul(a, b));
  tn::Workspace<Expression> workspace;
  const auto ours = [&] { tn::eval_into(tn::noalias(c), tn::matmul(a, b), workspace); };
  std::vector<Contender> all{contender("tenon", ours)};
  const Product<T> x{N, N, N, a.data(), b.data(), c.data()};
  for (auto& peer : matmul_peers(x))
    if (peer.name != "eigen" && peer.name != "eigen5" && peer.name != "blaze") all.push_back(peer);
#if TENON_BENCH_EIGEN5
  all.push_back(eigen5_static_product(x));
#endif
#if TENON_BENCH_BLAZE
  all.push_back(blaze_static_product(x));
#endif
#if TENON_BENCH_FASTOR
  all.push_back(fastor_static_product(x));
#endif
#if TENON_BENCH_EIGEN
  using Matrix = Eigen::Map<Eigen::Matrix<T, N, N, Eigen::RowMajor>>;
  all.push_back(contender(
      "eigen", [&] { Matrix(c.data()).noalias() = Matrix(a.data()) * Matrix(b.data()); }));
  all.push_back(contender(
      "eigen_lazy", [&] { Matrix(c.data()) = Matrix(a.data()).lazyProduct(Matrix(b.data())); }));
#endif
  check_products(name, all, c.data(), N * N, N);
  all.push_back(peak<T>(x.flops()));
  rows.measure(group, name, x.work(), all);
}

template <class T>
void static_rows(Rows& rows) {
  [&]<int... N>(std::integer_sequence<int, N...>) {
    (static_row<T, N>(rows), ...);
  }(StaticExtents{});
}

}  // namespace

int main(int argc, char** argv) {
  use_one_thread(argv);
  Rows rows(argc, argv);
  static_rows<float>(rows);
  static_rows<double>(rows);
  rows.finish();
}
