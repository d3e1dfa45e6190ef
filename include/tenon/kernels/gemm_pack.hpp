#pragma once
// Packing: operands laid out in the order in which the micro-kernel reads them, lazy work done on
// the way, each element read once.
//
//   A, tile of `rows` rows           B, sliver of whole registers
//   (k, rows elements)               (k, width elements)
//
//   k0: [i0 … i11]                   k0: [j0 … j31]
//   k1: [i0 … i11]                   k1: [j0 … j31]
//   …                                …

#include <tenon/kernels/gemm_blocking.hpp>
#include <tenon/kernels/gemm_operands.hpp>
#include <tenon/kernels/gemm_transpose.hpp>

#include <algorithm>

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

// A tile of A: rows i … i+rows-1, depth k … k+depth-1. Nothing after its end is written to.
template <class T, class Source>
void pack_a(const Source& source, index_t i, index_t rows, index_t k, index_t depth, T* to) {
  constexpr int L = Blocking<T>::lanes;
  if (source.contiguous_axis() != 1) {
    for (index_t d = 0; d < depth; ++d, to += rows)
      for (index_t r = 0; r < rows; r += L) {
        const int count = static_cast<int>(std::min<index_t>(rows - r, L));
        (count == L ? source.template load<0, L>(i + r, k + d)
                    : source.template load_partial<0, L>(i + r, k + d, count))
            .store_partial(to + r, count);
      }
    return;
  }
  simd::Pack<T, L> square[L];
  for (index_t d = 0; d < depth; d += L, to += L * rows) {
    const int count = static_cast<int>(std::min<index_t>(depth - d, L));
    for (index_t r = 0; r < rows; r += L) {
      const int some = static_cast<int>(std::min<index_t>(rows - r, L));
      for (int c = 0; c < L; ++c) {
        if (c >= some)
          square[c] = simd::Pack<T, L>(T{0});
        else
          square[c] = count == L ? source.template load<1, L>(i + r + c, k + d)
                                 : source.template load_partial<1, L>(i + r + c, k + d, count);
      }
      transpose(square);
      for (int c = 0; c < count; ++c) square[c].store_partial(to + c * rows + r, some);
    }
  }
}

// The same as rows, `stride` apart.
template <class T, class Source>
void pack_a_rows(const Source& source, index_t i, index_t rows, index_t k, index_t depth, T* to,
                 index_t stride) {
  constexpr int L = Blocking<T>::lanes;
  for (index_t r = 0; r < rows; ++r, to += stride) {
    index_t d = 0;
    for (; d + L <= depth; d += L) source.template load<1, L>(i + r, k + d).store(to + d);
    if (d < depth) {
      const int count = static_cast<int>(depth - d);
      source.template load_partial<1, L>(i + r, k + d, count).store_partial(to + d, count);
    }
  }
}

// A sliver of B, `width` columns wide of which `columns` exist, from rows that are memory with zeros around
// it; false, and nothing written, where they are not.
template <class T, class Source>
bool pack_b_stretches(const Source& source, index_t k, index_t depth, index_t j, index_t columns,
                      index_t width, T* to) {
  constexpr int L = Blocking<T>::lanes;
  using P = simd::Pack<T, L>;
  for (index_t done = 0; done < columns;) {
    auto rows = source.rows(k, j + done);
    const index_t count = std::min(rows.count(), columns - done);
    if (count == 0) return false;
    T* row = to + done;
    for (index_t d = 0; d < depth; ++d, row += width, rows.next()) {
      const Stretch<T> from = rows.stretch();
      index_t c = 0;
      for (; c + L <= count; c += L)
        (from.holds(c, L) ? P::load(from.p + c) : from.template load<L>(c)).store(row + c);
      if (c < count) from.template load<L>(c).store_partial(row + c, static_cast<int>(count - c));
    }
    done += count;
  }
  return true;
}

// A sliver of B, Packs packs wide: depth k … k+depth-1 of the columns from j on.
template <class T, int Packs, class Source>
void pack_b_whole(const Source& source, index_t k, index_t depth, index_t j, T* to) {
  constexpr int L = Blocking<T>::lanes, width = Packs * L;
  for (index_t d = 0; d < depth; ++d, to += width)
    simd::detail::unroll<Packs>([&](int v) TENON_INLINE_LAMBDA {
      source.template load<1, L>(k + d, j + v * L).store(to + v * L);
    });
}

// A sliver of which only `columns` columns exist, the last pack of them in part; the rest of that pack is
// filled up with anything, but in the last row: nothing after the end is written to.
template <class T, int Packs, class Source>
void pack_b_partial(const Source& source, index_t k, index_t depth, index_t j, index_t columns,
                    T* to) {
  constexpr int L = Blocking<T>::lanes, width = Packs * L;
  const int last = static_cast<int>(columns - (Packs - 1) * L);
  for (index_t d = 0; d < depth; ++d, to += width)
    simd::detail::unroll<Packs>([&](int v) TENON_INLINE_LAMBDA {
      if (v + 1 < Packs)
        source.template load<1, L>(k + d, j + v * L).store(to + v * L);
      else
        source.template load_partial<1, L>(k + d, j + v * L, last).store_partial(to + v * L, last);
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
      for (int s = 0; s < count; ++s)
        square[s].store_partial(to + (d + s) * width + v * L, vectors);
    }
  }
}

template <class T, class Source>
void pack_b(const Source& source, index_t k, index_t depth, index_t j, index_t columns, T* to) {
  constexpr int L = Blocking<T>::lanes;
  const bool one = columns <= L;
  if constexpr (StretchSource<Source>)
    if (pack_b_stretches<T>(source, k, depth, j, columns, one ? L : 2 * L, to)) return;
  if (source.contiguous_axis() != 1)
    one ? pack_b_transposed<T, 1>(source, k, depth, j, columns, to)
        : pack_b_transposed<T, 2>(source, k, depth, j, columns, to);
  else if (columns == 2 * L)
    pack_b_whole<T, 2>(source, k, depth, j, to);
  else
    one ? pack_b_partial<T, 1>(source, k, depth, j, columns, to)
        : pack_b_partial<T, 2>(source, k, depth, j, columns, to);
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
