#pragma once
// Matrix times one column: dot products of the rows, summed over lanes.
//
// The order of the sum depends on K alone: element k goes to lane k % L of accumulator (k / L) % 4
// (L: lanes of a pack), each lane is one chain in the order of k, then accumulators 0+2, 1+3, their
// sum, and the halves of that (reduce_add). A pack that K does not fill is filled up with zeros.
//
// One small kernel works on four rows in memory. Rows that are not in memory, or not contiguous,
// come to it piece by piece through a buffer, and so does what is left at the end of every row.

#include <tenon/kernels/gemm_pack.hpp>
#include <tenon/simd/reduce.hpp>

namespace tenon::inline TENON_MODE::kernels::detail {

// Four rows of a matrix; where fewer are left, the first one again.
template <class T>
struct RowGroup {
  const T* row[dot_rows];
};

// sums[r][s] of the header, continued over `packs` packs.  pre: packs % 4 == 0
template <class T>
[[gnu::noinline]] void add_products(RowGroup<T> a, const T* b, index_t packs, T* sums) {
  constexpr int L = Blocking<T>::lanes, count = dot_rows * 4;
  using P = simd::Pack<T, L>;
  P sum[count];
  simd::detail::unroll<count>([&](int t) TENON_INLINE_LAMBDA { sum[t] = P::load(sums + t * L); });
  for (index_t at = 0; at < packs * L; at += 4 * L)
    simd::detail::unroll<4>([&](int s) TENON_INLINE_LAMBDA {
      const P column = P::load(b + at + s * L);
      simd::detail::unroll<dot_rows>([&](int r) TENON_INLINE_LAMBDA {
        sum[r * 4 + s] = multiply_add(P::load(a.row[r] + at + s * L), column, sum[r * 4 + s]);
      });
    });
  simd::detail::unroll<count>([&](int t) TENON_INLINE_LAMBDA { sum[t].store(sums + t * L); });
}

template <class T, class A, class B, class Sink>
class DotProducts {
 public:
  DotProducts(index_t m, index_t k, const A& a, const B& b, Sink& sink, std::byte* workspace)
      : m_(m),
        k_(k),
        a_(a),
        b_(b),
        sink_(sink),
        column_(reinterpret_cast<T*>(workspace)),
        packed_(gemm_plan<T>(m, 1, k).b_bytes != 0) {}

  void run() {
    if (packed_) fill_column(0, k_, column_);
    for (index_t i = 0; i < m_; i += dot_rows)
      multiply_group(i, static_cast<int>(std::min<index_t>(dot_rows, m_ - i)));
  }

 private:
  static constexpr int L = Blocking<T>::lanes;
  static constexpr index_t piece = 8 * L;
  using P = simd::Pack<T, L>;

  void multiply_group(index_t i, int rows) {
    alignas(64) T sums[dot_rows * 4 * L] = {};
    index_t k = 0;
    if constexpr (MemorySource<A>) {
      if (packed_ && a_.stride(1) == 1) {
        k = k_ / (4 * L) * (4 * L);
        RowGroup<T> group;
        for (int r = 0; r < dot_rows; ++r)
          group.row[r] = a_.data() + (i + (r < rows ? r : 0)) * a_.stride(0);
        add_products(group, column_, k / L, sums);
      }
    }
    add_pieces(i, rows, k, sums);
    for (int r = 0; r < rows; ++r) {
      const T* s = sums + r * 4 * L;
      const P total = (P::load(s) + P::load(s + 2 * L)) + (P::load(s + L) + P::load(s + 3 * L));
      sink_.template store_partial<L>(i + r, 0, P(simd::reduce_add(total)), 1);
    }
  }

  // From k on through a buffer.
  [[gnu::noinline]] void add_pieces(index_t i, int rows, index_t k, T* sums) {
    alignas(64) T buffer[dot_rows * piece], column[piece];
    static_assert(sizeof buffer + sizeof column <= 3072, "a frame is at most 4 KiB");
    RowGroup<T> group;
    for (int r = 0; r < dot_rows; ++r) group.row[r] = buffer + (r < rows ? r : 0) * piece;
    for (; k < k_; k += piece) {
      const index_t depth = std::min(piece, k_ - k), filled = round_up(depth, 4 * L);
      fill_rows(i, rows, k, filled, buffer);
      fill_column(k, filled, column);
      add_products(group, column, filled / L, sums);
    }
  }

  // Elements k … k+count-1 of every row, zeros after the end.
  void fill_rows(index_t i, int rows, index_t k, index_t count, T* to) {
    if (a_.contiguous_axis() == 1) {
      for (int r = 0; r < rows; ++r)
        fill(
            to + r * piece, count, k_ - k,
            [&](index_t d) { return a_.template load<1, L>(i + r, k + d); },
            [&](index_t d, int n) { return a_.template load_partial<1, L>(i + r, k + d, n); });
    } else {
      P square[L];
      for (index_t d = 0; d < count; d += L) {
        const int vectors = static_cast<int>(std::clamp<index_t>(k_ - k - d, 0, L));
        for (int first = 0; first < rows; first += L) {
          const int some = std::min(rows - first, L);
          load_square<T, L>(a_, i + first, k + d, some, vectors, square);
          for (int r = 0; r < some; ++r) square[r].store(to + (first + r) * piece + d);
        }
      }
    }
  }

  void fill_column(index_t k, index_t count, T* to) {
    if (packed_ && to != column_) {
      for (index_t d = 0; d < count; d += L)
        P::load_partial(column_ + k + d, static_cast<int>(std::clamp<index_t>(k_ - k - d, 0, L)))
            .store(to + d);
      return;
    }
    fill(
        to, count, k_ - k, [&](index_t d) { return b_.template load<0, L>(k + d, 0); },
        [&](index_t d, int n) { return b_.template load_partial<0, L>(k + d, 0, n); });
  }

  // `count` elements at `to`: the first `existing` by packs, then zeros, by whole packs.
  template <class Load, class LoadPartial>
  static void fill(T* to, index_t count, index_t existing, const Load& load,
                   const LoadPartial& load_partial) {
    for (index_t d = 0; d < count; d += L) {
      if (d + L <= existing) {
        load(d).store(to + d);
      } else {
        if (d + L <= count) P(T{0}).store(to + d);
        if (const int n = static_cast<int>(existing - d); n > 0)
          load_partial(d, n).store_partial(to + d, n);
      }
    }
  }

  const index_t m_, k_;
  const A& a_;
  const B& b_;
  Sink& sink_;
  T* const column_;
  const bool packed_;
};

}  // namespace tenon::inline TENON_MODE::kernels::detail
