// xtensor, over memory that it does not own.
#include <xtensor/xadapt.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xtensor.hpp>

#include "peers.hpp"

#include <array>
#include <memory>

namespace tenon::bench {
namespace {

template <class T>
auto adapt(T* p, index_t n) {
  const std::array<std::size_t, 1> shape{static_cast<std::size_t>(n)};
  return xt::adapt(p, shape[0], xt::no_ownership(), shape);
}

struct Operands {
  decltype(adapt(std::declval<const float*>(), 0)) a, b, c;
  decltype(adapt(std::declval<float*>(), 0)) d;
  explicit Operands(const Streams& x)
      : a(adapt(x.a, x.n)), b(adapt(x.b, x.n)), c(adapt(x.c, x.n)), d(adapt(x.d, x.n)) {}
};

}  // namespace

std::function<void()> xtensor_into(const Streams& x) {
  return [own = std::make_shared<Operands>(x)] { xt::noalias(own->d) = own->a * own->b + own->c; };
}
std::function<void()> xtensor_new(const Streams& x) {
  return [own = std::make_shared<Operands>(x)] {
    const xt::xtensor<float, 1> d = own->a * own->b + own->c;
    asm volatile("" ::"r"(d.data()) : "memory");
  };
}

}  // namespace tenon::bench
