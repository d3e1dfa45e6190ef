#pragma once
// C = A·B for matrices of any elementwise origin: blocks, packing, micro-kernel, epilogue.
//
// Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication", with the roles chosen for
// exact, small workspaces: a block of A is packed whole, B passes by in slivers of NR columns.
//
//   for each block of rows      (MC)      one pass over B each
//     for each block of columns (NC)      all of N unless K is cut
//       for each block of depth (KC)      accumulators rest in the workspace in between
//         pack A
//         for each sliver of B  (NR)      packed; read in place where M <= MR
//           for each tile       (MR)      micro-kernel; after the last depth to the sink
//
// Numbers: every element is the chain acc = fma(a(i, k), b(k, j), acc), k = 0 … K-1 from 0 on (SSE2 and
// integers: product, then sum), so bits depend on neither blocks nor alignment. N == 1 sums over
// lanes instead, see gemm_vector.hpp.

#include <tenon/kernels/gemm_micro.hpp>
#include <tenon/kernels/gemm_pack.hpp>
#include <tenon/kernels/gemm_vector.hpp>

#include <cstddef>
#include <type_traits>

namespace tenon::inline TENON_MODE::kernels {

namespace detail {

template <class T, class A, class B, class Sink>
class BlockedProduct {
 public:
  BlockedProduct(index_t m, index_t n, index_t k, const A& a, const B& b, Sink& sink,
                 std::byte* workspace)
      : plan_(gemm_plan<T>(m, n, k)), m_(m), n_(n), k_(k), a_(a), b_(b), sink_(sink),
        sliver_(reinterpret_cast<T*>(workspace)),
        accumulators_(reinterpret_cast<T*>(workspace + plan_.b_bytes)),
        packed_a_(reinterpret_cast<T*>(workspace + plan_.b_bytes + plan_.accumulator_bytes)) {}

  void run() {
    const bool deep = plan_.k != k_;
    for (index_t i = 0; i < m_; i += plan_.m) {
      for (index_t j = 0; j < n_; j += plan_.n) {
        for (index_t k = 0; k < k_; k += plan_.k) {
          const Block block{i, std::min(plan_.m, m_ - i), j, std::min(plan_.n, n_ - j),
                            k, std::min(plan_.k, k_ - k)};
          if (deep || j == 0)
            pack_a<T>(a_, i, block.rows, k, block.depth, Sizes::mr, packed_a_);
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
    const bool in_place = plan_.way == GemmWay::direct && b_.contiguous_axis() == 1;
    T* accumulators = accumulators_;
    for (index_t c = 0; c < block.columns; c += Sizes::nr, accumulators += plan_.m * Sizes::nr) {
      const index_t j = block.j + c, columns = std::min<index_t>(Sizes::nr, block.columns - c);
      if (in_place && columns == Sizes::nr) {
        multiply_strip<2>(block, j, columns, DirectPanel<T, B>(b_, block.k, j), accumulators);
      } else if (columns > L) {
        pack_b<T, 2>(b_, block.k, block.depth, j, columns, sliver_);
        multiply_strip<2>(block, j, columns, PackedPanel<T, 2>(sliver_), accumulators);
      } else {
        pack_b<T, 1>(b_, block.k, block.depth, j, columns, sliver_);
        multiply_strip<1>(block, j, columns, PackedPanel<T, 1>(sliver_), accumulators);
      }
    }
  }

  // One sliver of B times all tiles of the block of A.
  template <int Packs, class Panel>
  void multiply_strip(const Block& block, index_t j, index_t columns, const Panel& panel,
                      T* accumulators) {
    constexpr index_t width = Packs * L;
    alignas(64) T finished[Sizes::mr * width];
    static_assert(sizeof finished <= 3072, "a frame is at most 4 KiB");
    const index_t padded = round_up(block.depth, Sizes::chunk);
    const bool first = block.k == 0, last = block.k + block.depth == k_;
    for (index_t r = 0; r < block.rows; r += Sizes::mr) {
      const index_t rows = std::min<index_t>(Sizes::mr, block.rows - r);
      T* kept = accumulators + r * width;
      multiply_rows<T, Packs>(rows, packed_a_ + r * padded, panel, block.depth,
                              first ? nullptr : kept, last ? finished : kept);
      if (last) store_tile(sink_, finished, block.i + r, rows, j, columns, width);
    }
  }

  const GemmPlan plan_;
  const index_t m_, n_, k_;
  const A& a_;
  const B& b_;
  Sink& sink_;
  T* const sliver_;
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
// Contract: workspace is aligned to 64 bytes and has gemm_workspace_bytes<T>(m, n, k) bytes, of which
// none holds anything afterwards; storing to the sink changes nothing that a or b reads.
// No allocation; 2·M·N·K flops; reads a and b as often as gemm_a_passes and gemm_b_passes say.
template <class T, MatrixSource A, MatrixSource B, MatrixSink<T> Sink>
void gemm(index_t m, index_t n, index_t k, const A& a, const B& b, Sink& sink,
          std::byte* workspace) {
  static_assert(std::is_same_v<typename A::value_type, T> && std::is_same_v<typename B::value_type, T>,
                "gemm multiplies and sums in T: let the sources convert while they load.");
  switch (detail::gemm_plan<T>(m, n, k).way) {
    case detail::GemmWay::nothing:
      return;
    case detail::GemmWay::zeros:
      return detail::store_zeros<T>(m, n, sink);
    case detail::GemmWay::dots:
      return detail::matrix_times_vector<T>(m, k, a, b, sink, reinterpret_cast<T*>(workspace));
    case detail::GemmWay::direct:
    case detail::GemmWay::packed:
      return detail::BlockedProduct<T, A, B, Sink>(m, n, k, a, b, sink, workspace).run();
  }
}

}  // namespace tenon::inline TENON_MODE::kernels
