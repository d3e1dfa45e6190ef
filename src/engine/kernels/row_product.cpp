// One row times a small matrix, all of a strip of columns in registers.

#include "row_product.hpp"
#include "elementwise.hpp"

#include <tenon/kernels/gemm_operands.hpp>

#include <tenon/core/config.hpp>

namespace tenon::detail::inline TENON_MODE {

namespace {

// Each element is the chain fma(x(i), w(i, j), sum), i = 0 … k - 1, as in kernels::gemm.
template <class T, int Packs>
void strip(const T* x, const T* w, const T* bias, T* y, index_t k, index_t n) {
  using P = TilePack<T>;
  constexpr int lanes = P::size;
  P sum[Packs];
  simd::detail::unroll<Packs>([&](int p) TENON_INLINE_LAMBDA { sum[p] = P(T{0}); });
  for (index_t i = 0; i < k; ++i, w += n) {
    const P factor = P::broadcast(x + i);
    simd::detail::unroll<Packs>([&](int p) TENON_INLINE_LAMBDA {
      sum[p] = kernels::detail::multiply_add(factor, P::load(w + p * lanes), sum[p]);
    });
  }
  simd::detail::unroll<Packs>([&](int p) TENON_INLINE_LAMBDA {
    if (bias != nullptr) sum[p] = sum[p] + P::load(bias + p * lanes);
    sum[p].store(y + p * lanes);
  });
}

// The last columns, fewer than a pack.
template <class T>
void edge(const T* x, const T* w, const T* bias, T* y, index_t k, index_t n, int count) {
  using P = TilePack<T>;
  P sum(T{0});
  for (index_t i = 0; i < k; ++i, w += n)
    sum = kernels::detail::multiply_add(P::broadcast(x + i), P::load_partial(w, count), sum);
  if (bias != nullptr) sum = sum + P::load_partial(bias, count);
  sum.store_partial(y, count);
}

template <class T>
void multiply_row(const void* row, const void* matrix, const void* added, void* result, index_t k,
                  index_t n) noexcept {
  constexpr index_t lanes = TilePack<T>::size;
  const auto* const x = static_cast<const T*>(row);
  const auto* const w = static_cast<const T*>(matrix);
  const auto* const bias = static_cast<const T*>(added);
  auto* const y = static_cast<T*>(result);
  const auto bias_at = [&](index_t j) { return bias == nullptr ? nullptr : bias + j; };
  index_t j = 0;
  for (; j + 8 * lanes <= n; j += 8 * lanes) strip<T, 8>(x, w + j, bias_at(j), y + j, k, n);
  for (; j + 4 * lanes <= n; j += 4 * lanes) strip<T, 4>(x, w + j, bias_at(j), y + j, k, n);
  for (; j + lanes <= n; j += lanes) strip<T, 1>(x, w + j, bias_at(j), y + j, k, n);
  if (j < n) edge(x, w + j, bias_at(j), y + j, k, n, static_cast<int>(n - j));
}

}  // namespace

RowProduct row_product(DType dtype) noexcept {
  return dtype == DType::float32   ? &multiply_row<float>
         : dtype == DType::float64 ? &multiply_row<double>
                                   : nullptr;
}

}  // namespace tenon::detail::inline TENON_MODE
