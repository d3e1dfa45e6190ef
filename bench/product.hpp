#pragma once
// What contenders of a matrix product compute.

#include "interleaved.hpp"

#include <tenon/core/shape.hpp>

namespace tenon::bench {

// A product of m x k and k x n; an operand that is `transposed` lies in memory as its transpose.
template <class T>
struct Product {
  index_t m, n, k;
  const T* a;
  const T* b;
  T* c;
  bool a_transposed = false, b_transposed = false;

  [[nodiscard]] double flops() const {
    return 2 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
  // Every operand read once, the product written once.
  [[nodiscard]] Work work() const {
    return {flops(), static_cast<double>(m * k + k * n + m * n) * sizeof(T)};
  }
};

}  // namespace tenon::bench
