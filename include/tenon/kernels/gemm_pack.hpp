#pragma once
// Packing: operands laid out in the order in which the micro-kernel reads them, lazy work done on
// the way, each element read once.
//
//   A, tile of `rows` rows                B, sliver of `width` columns
//   (chunk c, row r, chunk elements)      (k, width elements)
//
//   c0: r0 [k0 … k15]                     k0: [j0 … j31]
//       r1 [k0 … k15]                     k1: [j0 … j31]
//       …                                 …
//   c1: r0 [k16 … k31]
//
// A is kept in rows of a cache line each, not in columns: a row-major A is then copied pack by
// pack, and the micro-kernel still addresses all rows by constants from one pointer.

#include <tenon/kernels/gemm_blocking.hpp>
#include <tenon/kernels/gemm_operands.hpp>
#include <tenon/kernels/gemm_transpose.hpp>

namespace tenon::inline TENON_MODE::kernels::detail {

// L loads of L elements down the rows of columns j, j+1, … (transposed: `count` elements of the
// first `vectors` columns are read, the rest is zero or anything). Afterwards square[r] is row i +
// r.
template <class T, int L, class Source>
TENON_INLINE void load_square(const Source& source, index_t i, index_t j, int count, int vectors,
                              simd::Pack<T, L> (&square)[L]) {
  const bool whole = count == L;
  for (int c = 0; c < L; ++c) {  // not unrolled: a lazy load may be long code
    if (c >= vectors)
      square[c] = simd::Pack<T, L>(T{0});
    else
      square[c] = whole ? source.template load<0, L>(i, j + c)
                        : source.template load_partial<0, L>(i, j + c, count);
  }
  transpose(square);
}

// Rows i … i+rows-1, depth k … k+depth-1 of A to `to`; the last chunk is filled up with anything, but
// for the last row: nothing is stored that nobody loads where the block of A ends.
template <class T, class Source>
void pack_rows_in_order(const Source& source, index_t i, index_t rows, index_t k, index_t depth,
                        T* to) {
  constexpr int L = Blocking<T>::lanes, chunk = Blocking<T>::chunk;
  for (index_t r = 0; r < rows; ++r) {
    T* row = to + r * chunk;
    index_t d = 0;
    for (; d + chunk <= depth; d += chunk, row += rows * chunk)
      simd::detail::unroll<chunk / L>([&](int v) TENON_INLINE_LAMBDA {
        source.template load<1, L>(i + r, k + d + v * L).store(row + v * L);
      });
    if (d == depth) continue;
    for (int v = 0; v < chunk / L; ++v) {
      const int left = static_cast<int>(std::clamp<index_t>(depth - d - v * L, 0, L));
      if (left == 0) break;
      const auto values = source.template load_partial<1, L>(i + r, k + d + v * L, left);
      if (r + 1 < rows)
        values.store(row + v * L);
      else
        values.store_partial(row + v * L, left);
    }
  }
}

template <class T, class Source>
void pack_rows_transposed(const Source& source, index_t i, index_t rows, index_t k, index_t depth,
                          T* to) {
  constexpr int L = Blocking<T>::lanes, chunk = Blocking<T>::chunk;
  simd::Pack<T, L> square[L];
  for (index_t d = 0; d < depth; d += chunk, to += rows * chunk) {
    for (int v = 0; v < chunk; v += L) {
      const int vectors = static_cast<int>(std::clamp<index_t>(depth - d - v, 0, L));
      for (index_t r = 0; r < rows; r += L) {
        const int count = static_cast<int>(std::min<index_t>(rows - r, L));
        load_square<T, L>(source, i + r, k + d + v, count, vectors, square);
        for (int s = 0; s < count; ++s) {
          T* const at = to + (r + s) * chunk + v;
          if (r + s + 1 < rows)
            square[s].store(at);
          else
            square[s].store_partial(at, vectors);
        }
      }
    }
  }
}

// A block of A: tiles of `tile` rows one after the other, the last one of what is left.
template <class T, class Source>
void pack_a(const Source& source, index_t i, index_t rows, index_t k, index_t depth, index_t tile,
            T* to) {
  const bool in_order = source.contiguous_axis() == 1;
  const index_t padded = round_up(depth, Blocking<T>::chunk);
  for (index_t r = 0; r < rows; r += tile) {
    const index_t count = std::min(tile, rows - r);
    if (in_order)
      pack_rows_in_order<T>(source, i + r, count, k, depth, to + r * padded);
    else
      pack_rows_transposed<T>(source, i + r, count, k, depth, to + r * padded);
  }
}

// Slivers of B, Packs packs wide, one after the other: depth k … k+depth-1 of the columns from j
// on.
template <class T, int Packs, int Slivers, class Source>
void pack_b_whole(const Source& source, index_t k, index_t depth, index_t j, T* to) {
  constexpr int L = Blocking<T>::lanes, width = Packs * L;
  for (index_t d = 0; d < depth; ++d, to += width)
    simd::detail::unroll<Slivers * Packs>([&](int v) TENON_INLINE_LAMBDA {
      source.template load<1, L>(k + d, j + v * L)
          .store(to + v / Packs * depth * width + v % Packs * L);
    });
}

// A sliver of which only `columns` columns exist, the last pack of them in part; what is missing is
// filled up with anything.
template <class T, int Packs, class Source>
void pack_b_partial(const Source& source, index_t k, index_t depth, index_t j, index_t columns,
                    T* to) {
  constexpr int L = Blocking<T>::lanes, width = Packs * L;
  const int last = static_cast<int>(columns - (Packs - 1) * L);
  for (index_t d = 0; d < depth; ++d, to += width)
    simd::detail::unroll<Packs>([&](int v) TENON_INLINE_LAMBDA {
      (v + 1 < Packs ? source.template load<1, L>(k + d, j + v * L)
                     : source.template load_partial<1, L>(k + d, j + v * L, last))
          .store(to + v * L);
    });
}

template <class T, int Packs, class Source>
void pack_b_transposed(const Source& source, index_t k, index_t depth, index_t j, index_t columns,
                       T* to) {
  constexpr int L = Blocking<T>::lanes, width = Packs * L;
  simd::Pack<T, L> square[L];
  for (index_t d = 0; d < depth; d += L) {
    const int count = static_cast<int>(std::min<index_t>(depth - d, L));
    for (int v = 0; v < Packs; ++v) {
      const int vectors = static_cast<int>(std::clamp<index_t>(columns - v * L, 0, L));
      load_square<T, L>(source, k + d, j + v * L, count, vectors, square);
      for (int s = 0; s < count; ++s) square[s].store(to + (d + s) * width + v * L);
    }
  }
}

template <class T, int Packs, class Source>
TENON_INLINE void pack_b(const Source& source, index_t k, index_t depth, index_t j, index_t columns,
                         T* to) {
  if (source.contiguous_axis() != 1)
    pack_b_transposed<T, Packs>(source, k, depth, j, columns, to);
  else if (columns == Packs * Blocking<T>::lanes)
    pack_b_whole<T, Packs, 1>(source, k, depth, j, to);
  else
    pack_b_partial<T, Packs>(source, k, depth, j, columns, to);
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
