// Armadillo, over memory that it does not own. What is measured needs no BLAS.
#define ARMA_DONT_USE_WRAPPER
#define ARMA_DONT_USE_BLAS
#define ARMA_DONT_USE_LAPACK
#include <armadillo>

#include "peers.hpp"

#include <memory>

namespace tenon::bench {
namespace {

arma::fvec vector(const float* p, index_t n) {
  return arma::fvec(const_cast<float*>(p), static_cast<arma::uword>(n), false, true);
}

struct Operands {
  arma::fvec a, b, c, d;
  explicit Operands(const Streams& x)
      : a(vector(x.a, x.n)), b(vector(x.b, x.n)), c(vector(x.c, x.n)), d(vector(x.d, x.n)) {}
};

}  // namespace

std::function<void()> armadillo_into(const Streams& x) {
  return [own = std::make_shared<Operands>(x)] { own->d = own->a % own->b + own->c; };
}
std::function<void()> armadillo_new(const Streams& x) {
  return [own = std::make_shared<Operands>(x)] {
    const arma::fvec d = own->a % own->b + own->c;
    asm volatile("" ::"r"(d.memptr()) : "memory");
  };
}

}  // namespace tenon::bench
