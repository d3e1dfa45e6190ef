#pragma once
// Visiting every element of strided memory, for copies, comparisons and text. Kernels have better.

#include <tenon/core/config.hpp>

#include <array>
#include <cstddef>

namespace tenon::detail {

// Calls f(o0, o1, …) for every index i in row-major order, with o_k = sum_d i(d) · strides_k(d).
// Rank 0 has one index, a zero extent none. No allocation.
template <std::size_t R, class F, class... Strides>
constexpr void walk(const std::array<index_t, R>& extents, F&& f, const Strides&... strides) {
  for (const index_t e : extents)
    if (e == 0) return;
  std::array<index_t, R> index{};
  const auto offset = [&index](const auto& steps) {
    index_t sum = 0;
    for (std::size_t d = 0; d != R; ++d) sum += index[d] * steps[d];
    return sum;
  };
  for (;;) {
    f(offset(strides)...);
    std::size_t d = R;
    while (d > 0 && ++index[d - 1] == extents[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

}  // namespace tenon::detail
