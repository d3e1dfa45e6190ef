// The smallest program: an expression, evaluated in a pool.

#include <tenon/tenon.hpp>

#include <iostream>

namespace tn = tenon;

int main() {
  tn::PoolAllocator pool;
  const auto a = tn::from({{1.0F, 2.0F, 3.0F}, {4.0F, 5.0F, 6.0F}}, pool);
  const auto b = tn::from({10.0F, 20.0F, 30.0F}, tn::shape(3), pool);  // broadcast over the rows
  const auto c = tn::full<float>(tn::shape(2, 3), 0.5F, pool);

  const auto r = tn::eval(a * b + c, pool);  // one loop, no temporary
  std::cout << r << '\n';
}
