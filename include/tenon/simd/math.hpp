#pragma once
// Math functions of packs, and of scalars through the same code, so that their bits agree.

#include <tenon/simd/math/erf.hpp>
#include <tenon/simd/math/exp.hpp>
#include <tenon/simd/math/log.hpp>
#include <tenon/simd/math/pow.hpp>
#include <tenon/simd/math/trig.hpp>
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

// 1, 0 or -1; NaN stays.
template <Floating T, int N>
TENON_INLINE Pack<T, N> sign(Pack<T, N> x) {
  using P = Pack<T, N>;
  return select(x > P(0), P(1), select(x < P(0), P(-1), select(x == P(0), P(0), x)));
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
TENON_INLINE T sin(T x) {
  return sin(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T cos(T x) {
  return cos(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T erf(T x) {
  return erf(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T gelu(T x) {
  return gelu(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T round(T x) {
  return round(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T floor(T x) {
  return floor(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T ceil(T x) {
  return ceil(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T trunc(T x) {
  return trunc(Pack<T, native_lanes<T>>(x)).lane(0);
}
template <Floating T>
TENON_INLINE T sign(T x) {
  return sign(Pack<T, native_lanes<T>>(x)).lane(0);
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
