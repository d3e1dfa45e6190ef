#pragma once
// The micro-kernel: a tile of C in registers, `depth` rank-1 updates, the tile stored.
//
//   tile(r, j) = from(r, j) or 0;  for k = 0, 1, …: tile(r, j) = a(r, k) * b(k, j) + tile(r, j)
//
// Contract: a is packed as gemm_pack.hpp says, for exactly Rows rows; tiles are Rows x Packs packs
// without gaps. Every element is one chain in the order of k, whatever the tile's shape.

#include <tenon/kernels/gemm_blocking.hpp>
#include <tenon/kernels/gemm_operands.hpp>

namespace tenon::inline TENON_MODE::kernels::detail {

// Rows of B for the micro-kernel: a packed sliver, or a source read in place.
template <class T, int Packs>
class PackedPanel {
 public:
  static constexpr int lanes = Blocking<T>::lanes;
  explicit PackedPanel(const T* sliver) : sliver_(sliver) {}
  TENON_INLINE simd::Pack<T, lanes> load(index_t k, int pack) const {
    return simd::Pack<T, lanes>::load(sliver_ + k * (Packs * lanes) + pack * lanes);
  }

 private:
  const T* sliver_;
};

template <class T, class Source>
class DirectPanel {
 public:
  static constexpr int lanes = Blocking<T>::lanes;
  DirectPanel(const Source& source, index_t k, index_t j) : source_(&source), k_(k), j_(j) {}
  TENON_INLINE simd::Pack<T, lanes> load(index_t k, int pack) const {
    return source_->template load<1, lanes>(k_ + k, j_ + pack * lanes);
  }

 private:
  const Source* source_;
  index_t k_, j_;
};

// from == nullptr: the tile begins at 0. `from` and `to` may be the same.
template <class T, int Rows, int Packs, class Panel>
[[gnu::noinline]] void multiply_tile(const T* a, Panel b, index_t depth, const T* from, T* to) {
  constexpr int L = Blocking<T>::lanes, chunk = Blocking<T>::chunk;
  using P = simd::Pack<T, L>;
  P tile[Rows][Packs];
  if (from == nullptr) {
    simd::detail::unroll<Rows * Packs>(
        [&](int t) TENON_INLINE_LAMBDA { tile[t / Packs][t % Packs] = P(T{0}); });
  } else {
    simd::detail::unroll<Rows * Packs>(
        [&](int t) TENON_INLINE_LAMBDA { tile[t / Packs][t % Packs] = P::load(from + t * L); });
  }
  for (index_t k = 0; k < depth; a += (Rows - 1) * chunk) {
    const index_t end = std::min(depth, k + chunk);
    for (; k < end; ++k, ++a) {
      P row[Packs];
      simd::detail::unroll<Packs>([&](int v) TENON_INLINE_LAMBDA { row[v] = b.load(k, v); });
      simd::detail::unroll<Rows>([&](int r) TENON_INLINE_LAMBDA {
        const P element(a[r * chunk]);
        simd::detail::unroll<Packs>([&](int v) TENON_INLINE_LAMBDA {
          tile[r][v] = multiply_add(element, row[v], tile[r][v]);
        });
      });
    }
  }
  simd::detail::unroll<Rows * Packs>(
      [&](int t) TENON_INLINE_LAMBDA { tile[t / Packs][t % Packs].store(to + t * L); });
}

// multiply_tile for a number of rows known at run time, 1 … MR.
template <class T, int Packs, int Rows = Blocking<T>::mr, class Panel>
TENON_INLINE void multiply_rows(index_t rows, const T* a, const Panel& b, index_t depth,
                                const T* from, T* to) {
  if constexpr (Rows == 1) {
    multiply_tile<T, 1, Packs>(a, b, depth, from, to);
  } else {
    if (rows == Rows)
      multiply_tile<T, Rows, Packs>(a, b, depth, from, to);
    else
      multiply_rows<T, Packs, Rows - 1>(rows, a, b, depth, from, to);
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
