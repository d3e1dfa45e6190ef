#pragma once
// The peak of fused multiply-adds, as a contender of a row.

#include "interleaved.hpp"

#include <tenon/core/shape.hpp>
#include <tenon/simd/operations.hpp>
#include <tenon/simd/reduce.hpp>

namespace tenon::bench {

// As many fused multiply-adds as 12 chains keep in flight, nothing else; the factor keeps them finite.
template <class T>
[[gnu::noinline]] T multiply_add_loop(index_t steps, T factor) {
  using P = simd::Pack<T, simd::native_lanes<T>>;
  P sum[12];
  for (int i = 0; i < 12; ++i) sum[i] = P(static_cast<T>(i));
  const P a(factor), b(T(0.5));
  for (index_t s = 0; s < steps; ++s)
    simd::detail::unroll<12>([&](int i) TENON_INLINE_LAMBDA { sum[i] = simd::fma(sum[i], a, b); });
  P all = sum[0];
  for (int i = 1; i < 12; ++i) all += sum[i];
  return simd::reduce_add(all);
}

template <class T>
[[nodiscard]] Contender peak(double flops) {
  const auto steps = static_cast<index_t>(flops / (2.0 * 12 * simd::native_lanes<T>)) + 1;
  return contender("peak", [steps] {
    const T sum = multiply_add_loop<T>(steps, T(0.5));
    asm volatile("" ::"g"(&sum) : "memory");
  });
}

}  // namespace tenon::bench
