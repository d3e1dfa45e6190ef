#pragma once
// Math functions of packs, and of scalars through the same code, so that their bits agree.

#include <tenon/simd/math/exp.hpp>
#include <tenon/simd/math/log.hpp>
#include <tenon/simd/math/pow.hpp>
#include <tenon/simd/operations.hpp>
#include <tenon/simd/reduce.hpp>

namespace tenon::inline TENON_MODE::simd {

// max(x, 0); NaN stays, and so does -0.
template <class T, int N>
  requires(!std::is_same_v<T, bool>)
TENON_INLINE Pack<T, N> relu(Pack<T, N> x) {
  if constexpr (Floating<T>) {
    return detail::greater(Pack<T, N>(0), x);
  } else {
    return maximum(x, Pack<T, N>(0));
  }
}

template <class T, int N>
  requires(!std::is_same_v<T, bool>)
TENON_INLINE Pack<T, N> square(Pack<T, N> x) {
  return x * x;
}

// One number through a register: lane 0 of the pack.
template <Floating T>
TENON_INLINE T exp(T x) {
  return exp(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T log(T x) {
  return log(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T tanh(T x) {
  return tanh(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T sigmoid(T x) {
  return sigmoid(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T pow(T x, T y) {
  using P = Pack<T, native_lanes<T>>;
  return pow(P(x), P(y)).lane(0);
}
template <Floating T>
TENON_INLINE T relu(T x) {
  return relu(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T square(T x) {
  return detail::rounded(x * x);
}

}  // namespace tenon::inline TENON_MODE::simd
