// AOCL-BLIS, from the library file TENON_BENCH_AOCL. It has the names of BLIS and of every BLAS, so that
// it is opened in a scope of its own.
#include "peers.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace tenon::bench {
namespace {

// CBLAS's enumerations, as its interface fixes them.
constexpr int row_major = 101, as_it_is = 111, transposed = 112;

template <class T>
using Gemm = void (*)(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);

template <class T>
Gemm<T> load() {
  static void* const library = ::dlopen(TENON_BENCH_AOCL, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  void* const found =
      library == nullptr
          ? nullptr
          : ::dlsym(library, sizeof(T) == sizeof(float) ? "cblas_sgemm" : "cblas_dgemm");
  if (found == nullptr) {
    std::fprintf(stderr, "AOCL-BLIS: %s\n", ::dlerror());
    std::exit(1);
  }
  return reinterpret_cast<Gemm<T>>(found);
}

}  // namespace

template <class T>
Contender aocl_product(const Product<T>& x) {
  const auto m = static_cast<int>(x.m), n = static_cast<int>(x.n), k = static_cast<int>(x.k);
  const int ta = x.a_transposed ? transposed : as_it_is,
            tb = x.b_transposed ? transposed : as_it_is;
  const int lda = x.a_transposed ? m : k, ldb = x.b_transposed ? k : n;
  return contender("aocl", [=, gemm = load<T>()] {
    gemm(row_major, ta, tb, m, n, k, T(1), x.a, lda, x.b, ldb, T(0), x.c, n);
  });
}
template Contender aocl_product(const Product<float>&);
template Contender aocl_product(const Product<double>&);

}  // namespace tenon::bench
