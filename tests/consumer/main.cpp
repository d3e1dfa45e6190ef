// A user's first program: the umbrella header, a fused loop from a pool, a plan as a constant.

#include <tenon/tenon.hpp>

#include <cstdio>

namespace tn = tenon;

static_assert(__cplusplus >= 202002L);

int main() {
  tn::PoolAllocator pool;
  const auto a = tn::arange<float>(6, pool);
  const auto b = tn::full<float>(tn::shape<6>(), 2.0F, pool);
  const auto r = tn::eval(a * b + 1.0F, pool);  // 1 3 5 7 9 11

  using Matrix = tn::TensorView<float, tn::Shape<2, 3>>;
  using Product = decltype(tn::matmul(Matrix(nullptr, {}), tn::transpose(Matrix(nullptr, {}))));
  static_assert(tn::plan_of<Product>.result_bytes == 16);

  std::printf("Tenon %d.%d.%d: %g\n", TENON_VERSION_MAJOR, TENON_VERSION_MINOR, TENON_VERSION_PATCH,
              static_cast<double>(r(5)));
  return r(5) == 11.0F ? 0 : 1;
}
