#pragma once
// The micro-kernel: a tile of C in registers, `depth` rank-1 updates, the tile stored.
//
//   tile(r, j) = from(r, j) or 0;  for k = 0, 1, …: tile(r, j) = a(r, k) * b(k, j) + tile(r, j)
//
// Contract: a is packed as gemm_pack.hpp says, for exactly Rows rows; `from` is Rows x Packs packs
// without gaps. Every element is one chain in the order of k, whatever the tile's shape.

#include <tenon/kernels/gemm_blocking.hpp>
#include <tenon/kernels/gemm_operands.hpp>

namespace tenon::inline TENON_MODE::kernels::detail {

// Rows of B in memory: a packed sliver, or B itself.
template <class T>
class MemoryPanel {
 public:
  static constexpr int lanes = Blocking<T>::lanes;
  MemoryPanel(const T* first, index_t stride) : row_(first), stride_(stride) {}
  TENON_INLINE simd::Pack<T, lanes> load(int pack) const {
    return simd::Pack<T, lanes>::load(row_ + pack * lanes);
  }
  TENON_INLINE void next_row() { row_ += stride_; }

 private:
  const T* row_;
  index_t stride_;
};

// Where a tile's accumulators begin (nullptr: at 0) and where it is stored, `stride` between rows.
template <class T>
struct TilePlace {
  const T* from;
  T* to;
  index_t stride;
};

template <class T, int Rows, int Packs>
[[gnu::noinline]] void multiply_tile(const T* a, MemoryPanel<T> b, index_t depth,
                                     TilePlace<T> place) {
  constexpr int L = Blocking<T>::lanes, chunk = Blocking<T>::chunk;
  using P = simd::Pack<T, L>;
  P tile[Rows][Packs];
  if (place.from == nullptr) {
    simd::detail::unroll<Rows * Packs>(
        [&](int t) TENON_INLINE_LAMBDA { tile[t / Packs][t % Packs] = P(T{0}); });
  } else {
    simd::detail::unroll<Rows * Packs>([&](int t) TENON_INLINE_LAMBDA {
      tile[t / Packs][t % Packs] = P::load(place.from + t * L);
    });
  }
  for (; depth > 0; depth -= chunk, a += Rows * chunk) {
    const T* const end = a + std::min<index_t>(depth, chunk);
    for (const T* column = a; column != end; ++column, b.next_row()) {
      P row[Packs];
      simd::detail::unroll<Packs>([&](int v) TENON_INLINE_LAMBDA { row[v] = b.load(v); });
      simd::detail::unroll<Rows>([&](int r) TENON_INLINE_LAMBDA {
        const P element = P::broadcast(column + r * chunk);
        simd::detail::unroll<Packs>([&](int v) TENON_INLINE_LAMBDA {
          tile[r][v] = multiply_add(element, row[v], tile[r][v]);
        });
      });
    }
  }
  simd::detail::unroll<Rows>([&](int r) TENON_INLINE_LAMBDA {
    simd::detail::unroll<Packs>([&](int v)
                                    TENON_INLINE_LAMBDA { tile[r][v].store(place.to + v * L); });
    place.to += place.stride;
  });
}

// multiply_tile for a number of rows known at run time, 1 … MR.
template <class T, int Packs, int Rows = Blocking<T>::mr>
TENON_INLINE void multiply_rows(index_t rows, const T* a, const MemoryPanel<T>& b, index_t depth,
                                const TilePlace<T>& place) {
  if constexpr (Rows == 1) {
    multiply_tile<T, 1, Packs>(a, b, depth, place);
  } else {
    if (rows == Rows)
      multiply_tile<T, Rows, Packs>(a, b, depth, place);
    else
      multiply_rows<T, Packs, Rows - 1>(rows, a, b, depth, place);
  }
}

// A finished tile, `width` elements a row in memory, to the sink.
template <class T, class Sink>
TENON_INLINE void store_tile(Sink& sink, const T* tile, index_t i, index_t rows, index_t j,
                             index_t columns, index_t width) {
  constexpr int L = Blocking<T>::lanes;
  for (index_t r = 0; r < rows; ++r, tile += width) {
    index_t c = 0;
    for (; c + L <= columns; c += L)
      sink.template store<L>(i + r, j + c, simd::Pack<T, L>::load(tile + c));
    if (c < columns)
      sink.template store_partial<L>(i + r, j + c, simd::Pack<T, L>::load(tile + c),
                                     static_cast<int>(columns - c));
  }
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
