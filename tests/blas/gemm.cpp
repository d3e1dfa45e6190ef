// sgemm and dgemm of the BLAS interface over Tenon's products, for netlib's testers to call.
//
// Matrices of BLAS lie in column-major order, so what is computed is C^T = op(B)^T · op(A)^T, in rows.
// Source: netlib, "Basic Linear Algebra Subprograms Technical Forum Standard", level 3; the numbers of wrong
// arguments as in its reference implementation.

#include <tenon/tenon.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" void xerbla_(const char* name, const int* argument, std::size_t name_length);

namespace {

namespace tn = tenon;
using tn::index_t;

// Says at the end that it was this library that was called.
struct Calls {
  long count = 0;
  ~Calls() { std::fprintf(stderr, "%ld products by Tenon\n", count); }
};
Calls calls;

// Whether op transposes ('T', and 'C', which is the same for real numbers); -1: no such letter.
int transposes(char letter) {
  switch (letter) {
    case 'N':
    case 'n':
      return 0;
    case 'T':
    case 't':
    case 'C':
    case 'c':
      return 1;
    default:
      return -1;
  }
}

// op(X)^T, of `rows` and `columns`, where X lies in column-major order.
template <class T>
auto turned(const T* x, index_t rows, index_t columns, index_t ld, int transposed) {
  const auto strides =
      transposed == 1 ? std::array<index_t, 2>{1, ld} : std::array<index_t, 2>{ld, 1};
  return tn::view(x, tn::shape(rows, columns), strides);
}

// The number of the first wrong argument, 0 where there is none.
int first_wrong(int a_turned, int b_turned, int m, int n, int k, int lda, int ldb, int ldc) {
  if (a_turned < 0) return 1;
  if (b_turned < 0) return 2;
  if (m < 0) return 3;
  if (n < 0) return 4;
  if (k < 0) return 5;
  if (lda < std::max(1, a_turned == 1 ? k : m)) return 8;
  if (ldb < std::max(1, b_turned == 1 ? n : k)) return 10;
  if (ldc < std::max(1, m)) return 13;
  return 0;
}

// Formula: C = alpha · op(A) · op(B) + beta · C; C is not read where beta is 0, A and B not where alpha is.
template <class T>
void gemm(const char* name, char transa, char transb, int m, int n, int k, T alpha, const T* a,
          int lda, const T* b, int ldb, T beta, T* c, int ldc) {
  const int a_turned = transposes(transa), b_turned = transposes(transb);
  const int wrong = first_wrong(a_turned, b_turned, m, n, k, lda, ldb, ldc);
  if (wrong != 0) return xerbla_(name, &wrong, 6);
  ++calls.count;
  tn::PoolAllocator pool;
  const auto out = tn::view(c, tn::shape(n, m), std::array<index_t, 2>{ldc, 1});
  if (alpha == T{0} || k == 0) {
    if (beta == T{0})
      tn::eval_into(out, tn::zeros<T>(tn::shape(n, m), pool));
    else
      tn::eval_into(out, beta * out);
    return;
  }
  const auto product = tn::matmul(turned(b, n, k, ldb, b_turned), turned(a, k, m, lda, a_turned));
  if (beta == T{0})
    tn::eval_into(out, alpha * product, tn::scratch(pool));
  else
    tn::eval_into(out, alpha * product + beta * out, tn::scratch(pool));
}

}  // namespace

extern "C" {

void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc, std::size_t, std::size_t) {
  gemm("SGEMM ", *transa, *transb, *m, *n, *k, *alpha, a, *lda, b, *ldb, *beta, c, *ldc);
}

void dgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
            const double* beta, double* c, const int* ldc, std::size_t, std::size_t) {
  gemm("DGEMM ", *transa, *transb, *m, *n, *k, *alpha, a, *lda, b, *ldb, *beta, c, *ldc);
}

// The testers bind the rest of level 3 as well, and are told to leave it alone.
#define TENON_NOT_HERE(name)                                 \
  void name() {                                              \
    std::fputs(#name " is not part of this shim\n", stderr); \
    std::abort();                                            \
  }
TENON_NOT_HERE(ssymm_)
TENON_NOT_HERE(strmm_)
TENON_NOT_HERE(strsm_)
TENON_NOT_HERE(ssyrk_)
TENON_NOT_HERE(ssyr2k_)
TENON_NOT_HERE(dsymm_)
TENON_NOT_HERE(dtrmm_)
TENON_NOT_HERE(dtrsm_)
TENON_NOT_HERE(dsyrk_)
TENON_NOT_HERE(dsyr2k_)
#undef TENON_NOT_HERE

}  // extern "C"
