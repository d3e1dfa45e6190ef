#pragma once
// Matrix times one column: dot products of the rows, summed over lanes.
//
// The order of the sum depends on K alone: element k goes to lane k % L of accumulator (k / L) % 4 (L:
// lanes of a pack), each lane is one chain in the order of k, then accumulators 0+2, 1+3, their sum,
// and the halves of that (reduce_add). A pack that K does not fill is filled up with zeros.

#include <tenon/kernels/gemm_blocking.hpp>
#include <tenon/kernels/gemm_operands.hpp>
#include <tenon/simd/reduce.hpp>

namespace tenon::inline TENON_MODE::kernels::detail {

// Elements k … k+L-1 down column 0 of the source, or the `count` of them that exist and zeros.
template <class T, int Axis, class Source>
TENON_INLINE auto load_or_zero(const Source& source, index_t i, index_t j, index_t count) {
  constexpr int L = Blocking<T>::lanes;
  using P = simd::Pack<T, L>;
  if (count >= L) return P(source.template load<Axis, L>(i, j));
  T lanes[L] = {};
  source.template load_partial<Axis, L>(i, j, static_cast<int>(count))
      .store_partial(lanes, static_cast<int>(count));
  return P::load(lanes);
}

template <class T>
class PackedColumn {
 public:
  explicit PackedColumn(const T* elements) : elements_(elements) {}
  TENON_INLINE auto load(index_t k, index_t) const {
    return simd::Pack<T, Blocking<T>::lanes>::load(elements_ + k);
  }

 private:
  const T* elements_;
};

template <class T, class Source>
class DirectColumn {
 public:
  explicit DirectColumn(const Source& source) : source_(&source) {}
  TENON_INLINE auto load(index_t k, index_t count) const {
    return load_or_zero<T, 0>(*source_, k, 0, count);
  }

 private:
  const Source* source_;
};

template <int Rows, class T, class A, class Column, class Sink>
[[gnu::noinline]] void dot_rows_of(index_t i, index_t k, const A& a, const Column& b, Sink& sink) {
  constexpr int L = Blocking<T>::lanes, accumulators = 4;
  using P = simd::Pack<T, L>;
  P sum[Rows][accumulators];
  simd::detail::unroll<Rows * accumulators>([&](int t) TENON_INLINE_LAMBDA {
    sum[t / accumulators][t % accumulators] = P(T{0});
  });
  const auto step = [&](index_t at, int s, index_t count) TENON_INLINE_LAMBDA {
    const P column = b.load(at, count);
    simd::detail::unroll<Rows>([&](int r) TENON_INLINE_LAMBDA {
      sum[r][s] = multiply_add(load_or_zero<T, 1>(a, i + r, at, count), column, sum[r][s]);
    });
  };
  index_t at = 0;
  for (; at + accumulators * L <= k; at += accumulators * L)
    simd::detail::unroll<accumulators>(
        [&](int s) TENON_INLINE_LAMBDA { step(at + s * L, s, L); });
  simd::detail::unroll<accumulators>([&](int s) TENON_INLINE_LAMBDA {
    if (at + s * L < k) step(at + s * L, s, k - at - s * L);
  });
  simd::detail::unroll<Rows>([&](int r) TENON_INLINE_LAMBDA {
    const P total = (sum[r][0] + sum[r][2]) + (sum[r][1] + sum[r][3]);
    sink.template store_partial<L>(i + r, 0, P(simd::reduce_add(total)), 1);
  });
}

template <class T, class A, class Column, class Sink>
void dot_all_rows(index_t m, index_t k, const A& a, const Column& b, Sink& sink) {
  index_t i = 0;
  for (; i + dot_rows<T> <= m; i += dot_rows<T>) dot_rows_of<dot_rows<T>, T>(i, k, a, b, sink);
  for (; i < m; ++i) dot_rows_of<1, T>(i, k, a, b, sink);
}

// The column is packed where it is read more than once.
template <class T, class A, class B, class Sink>
void matrix_times_vector(index_t m, index_t k, const A& a, const B& b, Sink& sink, T* workspace) {
  if (m <= dot_rows<T>) {
    dot_all_rows<T>(m, k, a, DirectColumn<T, B>(b), sink);
    return;
  }
  constexpr int L = Blocking<T>::lanes;
  const index_t padded = round_up(k, Blocking<T>::chunk);
  for (index_t d = 0; d < padded; d += L)
    (d < k ? load_or_zero<T, 0>(b, d, 0, k - d) : simd::Pack<T, L>(T{0})).store(workspace + d);
  dot_all_rows<T>(m, k, a, PackedColumn<T>(workspace), sink);
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
