#pragma once
// The peers of matmul: c = op(a)·op(b), row-major, each as it is fastest to call for one shape again and
// again: kernels of libxsmm and primitives of oneDNN are made beforehand.

#if TENON_BENCH_EIGEN && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12's own intrinsics, used by Eigen
#endif

#include "peak.hpp"
#include "peers/peers.hpp"
#include "product.hpp"

#include <tenon/tenon.hpp>

#if TENON_BENCH_EIGEN
#include <Eigen/Core>

#include "peers/eigen_product.hpp"
#endif
#if TENON_BENCH_OPENBLAS
#include <cblas.h>
#endif
#if TENON_BENCH_ONEDNN
#include <dnnl.hpp>
#endif
#if TENON_BENCH_LIBXSMM
#include <libxsmm.h>
#endif

#include <type_traits>
#include <unordered_map>

#if TENON_BENCH_BLIS
void blis_product(long m, long n, long k, const float* a, long ars, long acs, const float* b,
                  long brs, long bcs, float* c);
void blis_product(long m, long n, long k, const double* a, long ars, long acs, const double* b,
                  long brs, long bcs, double* c);
#endif

namespace tenon::bench {

#if TENON_BENCH_OPENBLAS
template <class T>
void openblas_product(const Product<T>& x) {
  const auto m = static_cast<int>(x.m), n = static_cast<int>(x.n), k = static_cast<int>(x.k);
  const auto ta = x.a_transposed ? CblasTrans : CblasNoTrans;
  const auto tb = x.b_transposed ? CblasTrans : CblasNoTrans;
  const int lda = x.a_transposed ? m : k, ldb = x.b_transposed ? k : n;
  if constexpr (std::is_same_v<T, float>)
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, x.a, lda, x.b, ldb, 0, x.c, n);
  else
    cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, x.a, lda, x.b, ldb, 0, x.c, n);
}
template <class T>
void openblas_vector(const Product<T>& x) {
  const auto t = x.n == 1 ? CblasNoTrans : CblasTrans;
  const auto rows = static_cast<int>(x.n == 1 ? x.m : x.k),
             columns = static_cast<int>(x.n == 1 ? x.k : x.n);
  const T* matrix = x.n == 1 ? x.a : x.b;
  const T* vector = x.n == 1 ? x.b : x.a;
  if constexpr (std::is_same_v<T, float>)
    cblas_sgemv(CblasRowMajor, t, rows, columns, 1, matrix, columns, vector, 1, 0, x.c, 1);
  else
    cblas_dgemv(CblasRowMajor, t, rows, columns, 1, matrix, columns, vector, 1, 0, x.c, 1);
}
#endif

#if TENON_BENCH_ONEDNN
inline dnnl::engine& onednn_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}
inline dnnl::stream& onednn_stream() {
  static dnnl::stream stream(onednn_engine());
  return stream;
}
inline dnnl::memory::desc onednn_matrix(index_t rows, index_t columns, bool transposed = false) {
  return {{rows, columns},
          dnnl::memory::data_type::f32,
          dnnl::memory::dims{transposed ? 1 : columns, transposed ? rows : 1}};
}
inline dnnl::memory onednn_memory(const dnnl::memory::desc& description, const float* data) {
  return {description, onednn_engine(), const_cast<float*>(data)};
}
inline Contender onednn_contender(const dnnl::matmul& primitive,
                                  const std::unordered_map<int, dnnl::memory>& arguments) {
  return contender("onednn", [=] {
    primitive.execute(onednn_stream(), arguments);
    onednn_stream().wait();
  });
}

// Of floats: oneDNN 2.6 has no doubles.
inline Contender onednn_product(const Product<float>& x) {
  const auto a = onednn_matrix(x.m, x.k, x.a_transposed),
             b = onednn_matrix(x.k, x.n, x.b_transposed), c = onednn_matrix(x.m, x.n);
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), onednn_engine());
  return onednn_contender(dnnl::matmul(description), {{DNNL_ARG_SRC, onednn_memory(a, x.a)},
                                                      {DNNL_ARG_WEIGHTS, onednn_memory(b, x.b)},
                                                      {DNNL_ARG_DST, onednn_memory(c, x.c)}});
}

// relu(A·B + bias) + r by post-operations.
inline Contender onednn_epilogue(const Product<float>& x, const float* bias, const float* r) {
  const auto a = onednn_matrix(x.m, x.k), b = onednn_matrix(x.k, x.n), c = onednn_matrix(x.m, x.n),
             row = onednn_matrix(1, x.n);
  dnnl::post_ops operations;
  operations.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
  operations.append_binary(dnnl::algorithm::binary_add, c);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(operations);
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, row, c), attributes,
                                                 onednn_engine());
  return onednn_contender(
      dnnl::matmul(description),
      {{DNNL_ARG_SRC, onednn_memory(a, x.a)},
       {DNNL_ARG_WEIGHTS, onednn_memory(b, x.b)},
       {DNNL_ARG_BIAS, onednn_memory(row, bias)},
       {DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1, onednn_memory(c, r)},
       {DNNL_ARG_DST, onednn_memory(c, x.c)}});
}
#endif

#if TENON_BENCH_LIBXSMM
// libxsmm thinks in columns: c' = b'·a'. Its kernels are unrolled code, not meant for large extents.
template <class T>
void add_libxsmm(std::vector<Contender>& peers, const Product<T>& x) {
  if (x.m > 600 || x.n > 600 || x.k > 600 || x.a_transposed || x.b_transposed) return;
  const auto m = static_cast<int>(x.m), n = static_cast<int>(x.n), k = static_cast<int>(x.k);
  const T alpha = 1, beta = 0;
  const int prefetch = LIBXSMM_PREFETCH_NONE, flags = LIBXSMM_GEMM_FLAG_NONE;
  const auto kernel = [&] {
    if constexpr (std::is_same_v<T, float>)
      return libxsmm_smmdispatch(n, m, k, &n, &k, &n, &alpha, &beta, &flags, &prefetch);
    else
      return libxsmm_dmmdispatch(n, m, k, &n, &k, &n, &alpha, &beta, &flags, &prefetch);
  }();
  if (kernel == nullptr) return;
  peers.push_back(contender("libxsmm", [=] { kernel(x.b, x.a, x.c); }));
}
#endif

template <class T>
[[nodiscard]] std::vector<Contender> matmul_peers([[maybe_unused]] const Product<T>& x) {
  std::vector<Contender> peers;
#if TENON_BENCH_EIGEN
  peers.push_back(eigen_product("eigen", x));
#endif
#if TENON_BENCH_OPENBLAS
  peers.push_back(contender("openblas", [=] { openblas_product(x); }));
  if (x.m == 1 || x.n == 1)
    peers.push_back(contender("openblas_gemv", [=] { openblas_vector(x); }));
#endif
#if TENON_BENCH_BLIS
  peers.push_back(contender("blis", [=] {
    blis_product(x.m, x.n, x.k, x.a, x.a_transposed ? 1 : x.k, x.a_transposed ? x.m : 1, x.b,
                 x.b_transposed ? 1 : x.n, x.b_transposed ? x.k : 1, x.c);
  }));
#endif
#if TENON_BENCH_ONEDNN
  if constexpr (std::is_same_v<T, float>) peers.push_back(onednn_product(x));
#endif
#if TENON_BENCH_LIBXSMM
  add_libxsmm(peers, x);
#endif
#if TENON_BENCH_EIGEN5
  peers.push_back(eigen5_product(x));
#endif
#if TENON_BENCH_BLAZE
  peers.push_back(blaze_product(x));
#endif
#ifdef TENON_BENCH_AOCL
  peers.push_back(aocl_product(x));
#endif
  return peers;
}

// Ends the program where a contender does not compute what the first one does.
template <class T>
void check_products(const std::string& row, const std::vector<Contender>& contenders, T* c,
                    index_t count, index_t depth) {
  std::vector<T> first;
  for (const Contender& who : contenders) {
    if (who.name == "peak") continue;
    std::fill(c, c + count, T(-1e9));
    who.repeat(1);
    if (first.empty()) first.assign(c, c + count);
    const T bound = std::numeric_limits<T>::epsilon() * static_cast<T>(2 * depth + 8);
    for (index_t i = 0; i < count; ++i)
      if (!(std::abs(c[i] - first[static_cast<std::size_t>(i)]) <= bound)) {
        std::printf("%s: %s and %s disagree at %td: %g, %g\n", row.c_str(), who.name.c_str(),
                    contenders[0].name.c_str(), i, static_cast<double>(c[i]),
                    static_cast<double>(first[static_cast<std::size_t>(i)]));
        std::exit(1);
      }
  }
}

}  // namespace tenon::bench
