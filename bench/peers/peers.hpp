#pragma once
// Peers with a source file of their own: their headers are slow to compile, or their names meet others'.
// CMake says which are there (TENON_BENCH_<peer>); operands are pointers that outlive the contender.

#include "../product.hpp"

#include <functional>

namespace tenon::bench {

// Products whose extents are known when they run; T is float or double here and below.
template <class T>
[[nodiscard]] Contender eigen5_product(const Product<T>& x);
template <class T>
[[nodiscard]] Contender blaze_product(const Product<T>& x);
template <class T>
[[nodiscard]] Contender aocl_product(const Product<T>& x);

// relu(A·B + bias) + r; pre: nothing is transposed.
[[nodiscard]] Contender eigen5_epilogue(const Product<float>& x, const float* bias, const float* r);

// Products of n x n matrices whose extents the compiler knows: n is one of static_extents.
using StaticExtents = std::integer_sequence<int, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
                                            17, 20, 24, 31, 32>;
template <class T>
[[nodiscard]] Contender eigen5_static_product(const Product<T>& x);
template <class T>
[[nodiscard]] Contender blaze_static_product(const Product<T>& x);
template <class T>
[[nodiscard]] Contender fastor_static_product(const Product<T>& x);

// Calls make.operator()<N>() with the extent x.m as a constant; pre: it is one of StaticExtents.
template <class T, class Make>
[[nodiscard]] Contender with_static_extent(const Product<T>& x, const Make& make) {
  Contender made;
  [&]<int... N>(std::integer_sequence<int, N...>) {
    (void)((x.m == N && (made = make.template operator()<N>(), true)) || ...);
  }(StaticExtents{});
  return made;
}

// d = a * b + c, n floats.
struct Streams {
  const float* a;
  const float* b;
  const float* c;
  float* d;
  index_t n;
};
[[nodiscard]] std::function<void()> eigen5_into(const Streams& x);
[[nodiscard]] std::function<void()> blaze_into(const Streams& x);
[[nodiscard]] std::function<void()> xtensor_into(const Streams& x);
[[nodiscard]] std::function<void()> armadillo_into(const Streams& x);
// The same into a result of its own each time.
[[nodiscard]] std::function<void()> eigen5_new(const Streams& x);
[[nodiscard]] std::function<void()> blaze_new(const Streams& x);
[[nodiscard]] std::function<void()> xtensor_new(const Streams& x);
[[nodiscard]] std::function<void()> armadillo_new(const Streams& x);

}  // namespace tenon::bench
