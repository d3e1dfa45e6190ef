#pragma once
// One row times a matrix: c(j) = sum_k a(k) * b(k, j), each element one chain in the order of k.
//
// B is read once, so nothing of it is packed. Where its rows are contiguous, four of them are
// scaled and added to a strip of accumulators at a time: the memory is read in four straight
// streams (1 x 768 x 3072: 42 GFLOP/s, a strip of 8 packs kept in registers over all of K: 25).
// Where its columns are contiguous, squares of it are transposed in registers.

#include <tenon/kernels/gemm_pack.hpp>

#include <cstddef>

namespace tenon::inline TENON_MODE::kernels::detail {

// Elements k … k+depth-1 of the row, and nothing after them.
template <class T, class Source>
void pack_row(const Source& source, index_t k, index_t depth, T* to) {
  constexpr int L = Blocking<T>::lanes;
  index_t d = 0;
  for (; d + L <= depth; d += L) source.template load<1, L>(0, k + d).store(to + d);
  if (d == depth) return;
  const int count = static_cast<int>(depth - d);
  source.template load_partial<1, L>(0, k + d, count).store_partial(to + d, count);
}

template <class T, class A, class B, class Sink>
class RowProduct {
 public:
  RowProduct(index_t n, index_t k, const A& a, const B& b, Sink& sink, std::byte* workspace)
      : plan_(gemm_plan<T>(1, n, k)),
        n_(n),
        k_(k),
        a_(a),
        b_(b),
        sink_(sink),
        sums_(reinterpret_cast<T*>(workspace)),
        row_(reinterpret_cast<T*>(workspace + plan_.accumulator_bytes)) {}

  void run() {
    const bool deep = plan_.k != k_, in_order = b_.contiguous_axis() == 1;
    for (index_t j = 0; j < n_; j += plan_.n) {
      const index_t columns = std::min(plan_.n, n_ - j);
      for (index_t c = 0; c < columns; c += L) P(T{0}).store(sums_ + c);
      for (index_t k = 0; k < k_; k += plan_.k) {
        const index_t depth = std::min(plan_.k, k_ - k);
        if (deep || j == 0) pack_row<T>(a_, k, depth, row_);
        if (in_order)
          add_rows(k, depth, j, columns);
        else
          add_columns(k, depth, j, columns);
      }
      index_t c = 0;
      for (; c + L <= columns; c += L) sink_.template store<L>(0, j + c, P::load(sums_ + c));
      if (c < columns)
        sink_.template store_partial<L>(0, j + c, P::load(sums_ + c),
                                        static_cast<int>(columns - c));
    }
  }

 private:
  static constexpr int L = Blocking<T>::lanes;
  using P = simd::Pack<T, L>;

  void add_rows(index_t k, index_t depth, index_t j, index_t columns) {
    index_t d = 0;
    for (; d + 4 <= depth; d += 4) add_some_rows<4>(row_ + d, k + d, j, columns);
    for (; d < depth; ++d) add_some_rows<1>(row_ + d, k + d, j, columns);
  }

  template <int Rows>
  [[gnu::noinline]] void add_some_rows(const T* a, index_t k, index_t j, index_t columns) {
    P factor[Rows];
    simd::detail::unroll<Rows>([&](int r) TENON_INLINE_LAMBDA { factor[r] = P::broadcast(a + r); });
    index_t c = 0;
    for (; c + 2 * L <= columns; c += 2 * L) {
      P sum0 = P::load(sums_ + c), sum1 = P::load(sums_ + c + L);
      simd::detail::unroll<Rows>([&](int r) TENON_INLINE_LAMBDA {
        sum0 = multiply_add(factor[r], b_.template load<1, L>(k + r, j + c), sum0);
        sum1 = multiply_add(factor[r], b_.template load<1, L>(k + r, j + c + L), sum1);
      });
      sum0.store(sums_ + c);
      sum1.store(sums_ + c + L);
    }
    for (; c < columns; c += L) {
      const int count = static_cast<int>(std::min<index_t>(columns - c, L));
      P sum = P::load(sums_ + c);
      simd::detail::unroll<Rows>([&](int r) TENON_INLINE_LAMBDA {
        sum = multiply_add(factor[r], b_.template load_partial<1, L>(k + r, j + c, count), sum);
      });
      sum.store(sums_ + c);
    }
  }

  void add_columns(index_t k, index_t depth, index_t j, index_t columns) {
    P square[L];
    for (index_t c = 0; c < columns; c += L) {
      const int width = static_cast<int>(std::min<index_t>(columns - c, L));
      P sum = P::load(sums_ + c);
      for (index_t d = 0; d < depth; d += L) {
        const int count = static_cast<int>(std::min<index_t>(depth - d, L));
        load_square<T, L>(b_, k + d, j + c, count, width, square);
        for (int s = 0; s < count; ++s)
          sum = multiply_add(P::broadcast(row_ + d + s), square[s], sum);
      }
      sum.store(sums_ + c);
    }
  }

  const GemmPlan plan_;
  const index_t n_, k_;
  const A& a_;
  const B& b_;
  Sink& sink_;
  T* const sums_;
  T* const row_;
};

// The same for rows of at most short_depth elements: every element of c is finished in a register.
template <class T, class A, class B, class Sink>
class ShortRowProduct {
 public:
  ShortRowProduct(index_t n, index_t k, const A& a, const B& b, Sink& sink)
      : n_(n), k_(k), b_(b), sink_(sink) {
    pack_row<T>(a, 0, k, row_);
  }

  void run() {
    if constexpr (StretchSource<B>)
      if (add_stretches()) return;
    index_t c = 0;
    if (b_.contiguous_axis() == 1) {
      const auto row = [&](index_t d, int p)
                           TENON_INLINE_LAMBDA { return b_.template load<1, L>(d, c + p * L); };
      for (; c + 4 * L <= n_; c += 4 * L) add_rows<4>(c, row);
      for (; c + L <= n_; c += L) add_rows<1>(c, row);
      if (c == n_) return;
      const int count = static_cast<int>(n_ - c);
      add_rows<1>(
          c,
          [&](index_t d, int)
              TENON_INLINE_LAMBDA { return b_.template load_partial<1, L>(d, c, count); },
          count);
    } else {
      for (; c < n_; c += L)
        store(c, sum_of_columns(c), static_cast<int>(std::min<index_t>(n_ - c, L)));
    }
  }

 private:
  static constexpr int L = Blocking<T>::lanes;
  using P = simd::Pack<T, L>;

  TENON_INLINE void store(index_t c, P sum, int count) {
    if (count == L)
      sink_.template store<L>(0, c, sum);
    else
      sink_.template store_partial<L>(0, c, sum, count);
  }

  // Columns from c on, `count` of the last pack: the sum over d of a(d) * row(d, p), pack p of row d of B.
  template <int Packs, class Row>
  TENON_INLINE void add_rows(index_t c, const Row& row, int count = L) {
    P sum[Packs];
    simd::detail::unroll<Packs>([&](int p) TENON_INLINE_LAMBDA { sum[p] = P(T{0}); });
    for (index_t d = 0; d < k_; ++d) {
      const P factor = P::broadcast(row_ + d);
      simd::detail::unroll<Packs>(
          [&](int p) TENON_INLINE_LAMBDA { sum[p] = multiply_add(factor, row(d, p), sum[p]); });
    }
    simd::detail::unroll<Packs>(
        [&](int p) TENON_INLINE_LAMBDA { store(c + p * L, sum[p], p + 1 == Packs ? count : L); });
  }

  // Packs of elements from i on, of which zeros may be in the first and the last.
  template <int Packs>
  TENON_INLINE void add_ends(index_t c, index_t i, const Stretch<T>* stretch, int in_last) {
    add_rows<Packs>(
        c,
        [&](index_t d, int p) TENON_INLINE_LAMBDA {
          return p == 0 || p + 1 == Packs ? stretch[d].template load<L>(i + p * L)
                                          : P::load(stretch[d].p + i + p * L);
        },
        in_last);
  }

  // Some packs from element i of the stretches on, which is column c + i; returns how many columns. From `first`
  // to `last` all rows are memory.
  TENON_INLINE index_t add_strip(index_t c, index_t i, index_t count, const Stretch<T>* stretch,
                                 index_t first, index_t last) {
    const int packs = static_cast<int>(std::min<index_t>(4, ceil_div(count - i, L)));
    const bool ends_alone = first <= i + L && i + (packs - 1) * L <= last;
    const int taken = ends_alone ? packs : 1;
    const int in_last = static_cast<int>(std::min<index_t>(count - i - (taken - 1) * L, L));
    if (i >= first && i + 4 * L <= last) {
      add_rows<4>(c + i, [&](index_t d, int p)
                             TENON_INLINE_LAMBDA { return P::load(stretch[d].p + i + p * L); });
      return 4 * L;
    }
    switch (taken) {
      case 1:
        add_ends<1>(c + i, i, stretch, in_last);
        break;
      case 2:
        add_ends<2>(c + i, i, stretch, in_last);
        break;
      case 3:
        add_ends<3>(c + i, i, stretch, in_last);
        break;
      default:
        add_ends<4>(c + i, i, stretch, in_last);
    }
    return taken * L;
  }

  // All columns, where the rows of B are memory with zeros around it; else false.
  bool add_stretches() {
    for (index_t c = 0; c < n_;) {
      auto rows = b_.rows(0, c);
      const index_t count = std::min(rows.count(), n_ - c);
      if (count == 0) return false;
      Stretch<T> stretch[short_depth];
      index_t first = 0, last = count;  // between them all rows are memory
      for (index_t d = 0; d < k_; ++d, rows.next()) {
        stretch[d] = rows.stretch();
        first = std::max(first, stretch[d].first);
        last = std::min(last, stretch[d].last);
      }
      for (index_t i = 0; i < count;) i += add_strip(c, i, count, stretch, first, last);
      c += count;
    }
    return true;
  }

  P sum_of_columns(index_t c) const {
    const int width = static_cast<int>(std::min<index_t>(n_ - c, L));
    P square[L], sum(T{0});
    for (index_t d = 0; d < k_; d += L) {
      const int count = static_cast<int>(std::min<index_t>(k_ - d, L));
      load_square<T, L>(b_, d, c, count, width, square);
      for (int s = 0; s < count; ++s)
        sum = multiply_add(P::broadcast(row_ + d + s), square[s], sum);
    }
    return sum;
  }

  const index_t n_, k_;
  const B& b_;
  Sink& sink_;
  alignas(workspace_alignment) T row_[short_depth];
};

}  // namespace tenon::inline TENON_MODE::kernels::detail
