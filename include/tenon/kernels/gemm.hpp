#pragma once
// C = A·B for matrices of any elementwise origin: blocks, packing, micro-kernel, epilogue.
//
// Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication", with the roles chosen
// for exact, small workspaces: a block of A is packed whole, B passes by in slivers of NR columns.
//
//   for each block of rows      (MC)      one pass over B each
//     for each block of columns (NC)      all of N unless K is cut
//       for each block of depth (KC)      accumulators rest in the workspace in between
//         pack A
//         for each sliver of B  (NR)      packed; read in place where that is quicker
//           for each tile       (MR)      micro-kernel; after the last depth to the sink
//
// Numbers: every element is the chain acc = fma(a(i, k), b(k, j), acc), k = 0 … K-1 from 0 on (SSE2
// and integers: product, then sum), so bits depend on neither blocks nor alignment. N == 1 sums
// over lanes instead, see gemm_dots.hpp.

#include <tenon/kernels/gemm_dots.hpp>
#include <tenon/kernels/gemm_micro.hpp>
#include <tenon/kernels/gemm_pack.hpp>
#include <tenon/kernels/gemm_row.hpp>

#include <cstddef>
#include <type_traits>

namespace tenon::inline TENON_MODE::kernels {

namespace detail {

template <class T, class A, class B, class Sink>
class BlockedProduct {
 public:
  BlockedProduct(index_t m, index_t n, index_t k, const A& a, const B& b, Sink& sink,
                 std::byte* workspace)
      : plan_(gemm_plan<T>(m, n, k)),
        m_(m),
        n_(n),
        k_(k),
        a_(a),
        b_(b),
        sink_(sink),
        slivers_(reinterpret_cast<T*>(workspace)),
        accumulators_(reinterpret_cast<T*>(workspace + plan_.b_bytes)),
        packed_a_(reinterpret_cast<T*>(workspace + plan_.b_bytes + plan_.accumulator_bytes)) {}

  void run() {
    const bool deep = plan_.k != k_;
    for (index_t i = 0; i < m_; i += plan_.m) {
      for (index_t j = 0; j < n_; j += plan_.n) {
        for (index_t k = 0; k < k_; k += plan_.k) {
          const Block block{i, std::min(plan_.m, m_ - i), j, std::min(plan_.n, n_ - j),
                            k, std::min(plan_.k, k_ - k)};
          if (deep || j == 0) pack_a<T>(a_, i, block.rows, k, block.depth, Sizes::mr, packed_a_);
          multiply_block(block);
        }
      }
    }
  }

 private:
  using Sizes = Blocking<T>;
  static constexpr int L = Sizes::lanes;

  struct Block {
    index_t i, rows, j, columns, k, depth;
  };

  void multiply_block(const Block& block) {
    index_t c = 0;
    if constexpr (MemorySource<B>) c = multiply_in_place(block);
    if (plan_.slivers == 2 && b_.contiguous_axis() == 1) {
      for (; c + 2 * Sizes::nr <= block.columns; c += 2 * Sizes::nr) {
        pack_b_whole<T, 2, 2>(b_, block.k, block.depth, block.j + c, slivers_);
        multiply_strip<2>(block, c, Sizes::nr, MemoryPanel<T>(slivers_, Sizes::nr));
        multiply_strip<2>(block, c + Sizes::nr, Sizes::nr,
                          MemoryPanel<T>(slivers_ + block.depth * Sizes::nr, Sizes::nr));
      }
    }
    for (; c < block.columns; c += Sizes::nr) {
      const index_t j = block.j + c, columns = std::min<index_t>(Sizes::nr, block.columns - c);
      if (columns > L) {
        pack_b<T, 2>(b_, block.k, block.depth, j, columns, slivers_);
        multiply_strip<2>(block, c, columns, MemoryPanel<T>(slivers_, 2 * L));
      } else {
        pack_b<T, 1>(b_, block.k, block.depth, j, columns, slivers_);
        multiply_strip<1>(block, c, columns, MemoryPanel<T>(slivers_, L));
      }
    }
  }

  // One sliver of B times all tiles of the block of A.
  template <int Packs>
  void multiply_strip(const Block& block, index_t c, index_t columns, const MemoryPanel<T>& panel) {
    const index_t padded = round_up(block.depth, Sizes::chunk);
    for (index_t r = 0; r < block.rows; r += Sizes::mr) {
      const index_t rows = std::min<index_t>(Sizes::mr, block.rows - r);
      finish_tile<Packs * L>(block, r, rows, c, columns, [&](const TilePlace<T>& place) {
        multiply_rows<T, Packs>(rows, packed_a_ + r * padded, panel, block.depth, place);
      });
    }
  }

  // Columns of B that are read where they are. Returns how many those were.
  index_t multiply_in_place(const Block& block)
    requires MemorySource<B>
  {
    index_t c = 0;
    if (b_.stride(1) != 1) {
      return c;
    } else if (plan_.way == GemmWay::few_rows) {
      return multiply_strips(block);
    } else if (stays_in_cache()) {
      for (; c + Sizes::nr <= block.columns; c += Sizes::nr)
        multiply_strip<2>(block, c, Sizes::nr, memory_panel(block.k, block.j + c));
    }
    return c;
  }

  // Few rows of A: each element of B is used once, by a tile as wide as the registers allow.
  template <int Rows = Sizes::mr>
  index_t multiply_strips(const Block& block)
    requires MemorySource<B>
  {
    if constexpr (Rows > 2) {
      if (block.rows < Rows) return multiply_strips<Rows - 1>(block);
    }
    constexpr int packs = strip_packs<T>(Rows);
    constexpr index_t width = packs * L;
    index_t c = 0;
    for (; c + width <= block.columns; c += width)
      finish_tile<width>(block, 0, Rows, c, width, [&](const TilePlace<T>& place) {
        multiply_tile<T, Rows, packs>(packed_a_, memory_panel(block.k, block.j + c), block.depth,
                                      place);
      });
    return c;
  }

  // A small B whose rows are near each other is as quick to read as a sliver of it: 110 GFLOP/s for
  // 48 … 256, packed 1 to 3 less.
  bool stays_in_cache() const
    requires MemorySource<B>
  {
    return plan_.slivers == 1 && b_.stride(0) > 0 &&
           b_.stride(0) * static_cast<index_t>(sizeof(T)) < 4096;
  }

  MemoryPanel<T> memory_panel(index_t k, index_t j) const
    requires MemorySource<B>
  {
    return {b_.data() + k * b_.stride(0) + j, b_.stride(0)};
  }

  // multiply(place) makes one tile; here is where its accumulators are and where it goes.
  template <index_t Width, class Multiply>
  TENON_INLINE void finish_tile(const Block& block, index_t r, index_t rows, index_t c,
                                index_t columns, const Multiply& multiply) {
    T* kept = accumulators_ + c * plan_.m + r * Width;
    const T* from = block.k == 0 ? nullptr : kept;
    if (block.k + block.depth < k_) return multiply(TilePlace<T>{from, kept, Width});
    const index_t i = block.i + r, j = block.j + c;
    if constexpr (MemorySink<Sink, T>) {
      if (columns == Width && sink_.stride(1) == 1)
        return multiply(
            TilePlace<T>{from, sink_.data() + i * sink_.stride(0) + j, sink_.stride(0)});
    }
    alignas(64) T finished[Sizes::mr * Sizes::nr];
    static_assert(sizeof finished <= 3072, "a frame is at most 4 KiB");
    multiply(TilePlace<T>{from, finished, Width});
    store_tile(sink_, finished, i, rows, j, columns, Width);
  }

  const GemmPlan plan_;
  const index_t m_, n_, k_;
  const A& a_;
  const B& b_;
  Sink& sink_;
  T* const slivers_;
  T* const accumulators_;
  T* const packed_a_;
};

template <class T, class Sink>
void store_zeros(index_t m, index_t n, Sink& sink) {
  constexpr int L = Blocking<T>::lanes;
  const simd::Pack<T, L> zero(T{0});
  for (index_t i = 0; i < m; ++i) {
    index_t j = 0;
    for (; j + L <= n; j += L) sink.template store<L>(i, j, zero);
    if (j < n) sink.template store_partial<L>(i, j, zero, static_cast<int>(n - j));
  }
}

}  // namespace detail

// Formula: c(i, j) = sum_k a(i, k) * b(k, j).
// Shapes: a (M, K), b (K, N), c (M, N); any may be empty, K == 0 gives zeros.
// Contract: workspace is aligned to 64 bytes and has gemm_workspace_bytes<T>(m, n, k) bytes, which
// hold nothing afterwards; storing to the sink changes nothing that a or b reads.
// No allocation; 2·M·N·K flops; reads a and b as often as gemm_a_passes and gemm_b_passes say.
template <class T, MatrixSource A, MatrixSource B, MatrixSink<T> Sink>
void gemm(index_t m, index_t n, index_t k, const A& a, const B& b, Sink& sink,
          std::byte* workspace) {
  static_assert(
      std::is_same_v<typename A::value_type, T> && std::is_same_v<typename B::value_type, T>,
      "gemm multiplies and sums in T: let the sources convert while they load.");
  switch (detail::gemm_plan<T>(m, n, k).way) {
    case detail::GemmWay::nothing:
      return;
    case detail::GemmWay::zeros:
      return detail::store_zeros<T>(m, n, sink);
    case detail::GemmWay::dots:
      return detail::DotProducts<T, A, B, Sink>(m, k, a, b, sink, workspace).run();
    case detail::GemmWay::row:
      return detail::RowProduct<T, A, B, Sink>(n, k, a, b, sink, workspace).run();
    case detail::GemmWay::few_rows:
    case detail::GemmWay::many_rows:
      return detail::BlockedProduct<T, A, B, Sink>(m, n, k, a, b, sink, workspace).run();
  }
}

}  // namespace tenon::inline TENON_MODE::kernels
