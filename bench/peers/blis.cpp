// BLIS in a file of its own: its header and the cblas.h of OpenBLAS declare the same names.
#include <blis.h>

void blis_product(long m, long n, long k, const float* a, long ars, long acs, const float* b,
                  long brs, long bcs, float* c) {
  float one = 1, zero = 0;
  bli_sgemm(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, m, n, k, &one, const_cast<float*>(a), ars, acs,
            const_cast<float*>(b), brs, bcs, &zero, c, n, 1);
}
void blis_product(long m, long n, long k, const double* a, long ars, long acs, const double* b,
                  long brs, long bcs, double* c) {
  double one = 1, zero = 0;
  bli_dgemm(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, m, n, k, &one, const_cast<double*>(a), ars, acs,
            const_cast<double*>(b), brs, bcs, &zero, c, n, 1);
}
