#pragma once
// C = A·B for matrices of any elementwise origin: blocks, packing, micro-kernel, epilogue.
//
// Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication", with the roles chosen
// for exact, small workspaces: a block of A is packed whole, B passes by in slivers of NR columns.
//
//   for each block of rows      (MC)      one pass over B each
//     for each block of columns (NC)      all of N unless K is cut
//       for each block of depth (KC)      accumulators rest in the workspace in between
//         for each sliver of B  (NR)      packed; memory on its way through the first tile
//           for each tile       (MR)      micro-kernel; after the last depth to the sink
//
// Where an operand is used by one tile or strip only, or is small, it is read where it lies.
//
// Numbers: every element is the chain acc = fma(a(i, k), b(k, j), acc), k = 0 … K-1 from 0 on (SSE2
// and integers: product, then sum), so bits depend on neither blocks nor alignment. N == 1 sums
// over lanes instead, see gemm_dots.hpp.

#include <tenon/kernels/gemm_blocks.hpp>
#include <tenon/kernels/gemm_dots.hpp>
#include <tenon/kernels/gemm_row.hpp>

#include <cstddef>
#include <type_traits>

namespace tenon::inline TENON_MODE::kernels {

namespace detail {

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

template <class T, class Source>
void pack_a_of(const void* a, index_t i, index_t rows, index_t k, index_t depth, T* to) {
  pack_a<T>(*static_cast<const Source*>(a), i, rows, k, depth, to);
}
template <class T, class Source>
void pack_a_rows_of(const void* a, index_t i, index_t rows, index_t k, index_t depth, T* to,
                    index_t stride) {
  pack_a_rows<T>(*static_cast<const Source*>(a), i, rows, k, depth, to, stride);
}
template <class T, class Source>
void pack_b_of(const void* b, index_t k, index_t depth, index_t j, index_t columns, T* to) {
  pack_b<T>(*static_cast<const Source*>(b), k, depth, j, columns, to);
}

// A finished tile, `width` elements a row in memory, to the sink.
template <class T, class Sink>
void store_tile_to(void* c, const T* tile, index_t i, index_t rows, index_t j, index_t columns,
                   index_t width) {
  constexpr int L = Blocking<T>::lanes;
  Sink& sink = *static_cast<Sink*>(c);
  for (index_t r = 0; r < rows; ++r, tile += width) {
    index_t v = 0;
    for (; v + L <= columns; v += L)
      sink.template store<L>(i + r, j + v, simd::Pack<T, L>::load(tile + v));
    if (v < columns)
      sink.template store_partial<L>(i + r, j + v, simd::Pack<T, L>::load(tile + v),
                                     static_cast<int>(columns - v));
  }
}

// Both operands and the result are memory, by type.
template <class T, class A, class B, class Sink>
inline constexpr bool all_memory = MemorySource<A> && MemorySource<B> && MemorySink<Sink, T>;

// Rows of b and of the sink without gaps: what can be read and written where it lies. pre: all_memory
template <class B, class Sink>
TENON_INLINE bool rows_are_dense(const B& b, const Sink& sink) {
  return b.stride(1) == 1 && sink.stride(1) == 1;
}

// All of the product as one tile. pre: all_memory
template <class T, class A, class B, class Sink>
TENON_INLINE TileJob<T> whole_job(index_t n, index_t k, const A& a, const B& b, const Sink& sink) {
  return {.a = a.data(),
          .a_row = a.stride(0),
          .a_k = a.stride(1),
          .b = b.data(),
          .b_row = b.stride(0),
          .depth = k,
          .from = nullptr,
          .c = sink.data(),
          .c_row = sink.stride(0),
          .columns = static_cast<int>(n)};
}

// The product where all of it is memory and nothing but B is packed, without a plan; false, and nothing done,
// where that is not so. Code of the caller's: nothing that it knows goes through memory but the job.
template <class T, class A, class B, class Sink>
TENON_INLINE bool multiply_memory([[maybe_unused]] index_t m, [[maybe_unused]] index_t n,
                                  [[maybe_unused]] index_t k, [[maybe_unused]] const A& a,
                                  [[maybe_unused]] const B& b, [[maybe_unused]] const Sink& sink,
                                  [[maybe_unused]] std::byte* workspace) {
  if constexpr (all_memory<T, A, B, Sink>) {
    if (n < 2 || k == 0 || !rows_are_dense(b, sink)) return false;
    if (is_one_tile<T>(m, n)) {
      multiply_tile<T>(static_cast<int>(m), sliver_units<T>(n), whole_job<T>(n, k, a, b, sink));
      return true;
    }
    T* panels = nullptr;
    if (!is_tiny<T>(n, k)) {
      std::size_t a_bytes = 0;
      if (!is_strip<T>(m, n, k)) {
        if (!b_is_small<T>(m, n, k)) return false;
        a_bytes = small_b_a_bytes<T>(m, k);
        if (a_bytes != 0 && !reads_well<T>(a.stride(0), a.stride(1))) return false;
      }
      panels = reinterpret_cast<T*>(workspace + a_bytes);
    }
    MovingJob<T> job{whole_job<T>(n, k, a, b, sink)};
    multiply_in_place<T>(m, n, job, panels);
    return true;
  }
  return false;
}

template <class T, class A, class B, class Sink>
[[gnu::noinline]] void multiply_through(const GemmPlan& plan, index_t m, index_t n, index_t k,
                                        const A& a, const B& b, Sink& sink, std::byte* workspace) {
  ProductIo<T> io{};
  io.m = m;
  io.n = n;
  io.k = k;
  io.c = &sink;
  io.store = &store_tile_to<T, Sink>;
  io.a_in_rows = a.contiguous_axis() == 1;
  StridedMatrix<T> a_memory, b_memory;
  if constexpr (MemorySource<A>) {
    a_memory = {a.data(), a.stride(0), a.stride(1)};
    io.a_data = a_memory.p;
    io.a_row = a_memory.row;
    io.a_k = a_memory.column;
    io.a = &a_memory;
    io.pack_a = &pack_a_of<T, StridedMatrix<T>>;
    io.pack_a_rows = &pack_a_rows_of<T, StridedMatrix<T>>;
  } else {
    io.a = &a;
    io.pack_a = &pack_a_of<T, A>;
    io.pack_a_rows = &pack_a_rows_of<T, A>;
  }
  if constexpr (MemorySource<B>) {
    b_memory = {b.data(), b.stride(0), b.stride(1)};
    if (b_memory.column == 1) io.b_data = b_memory.p;
    io.b_row = b_memory.row;
    io.b = &b_memory;
    io.pack_b = &pack_b_of<T, StridedMatrix<T>>;
  } else {
    io.b = &b;
    io.pack_b = &pack_b_of<T, B>;
  }
  if constexpr (MemorySink<Sink, T>) {
    if (sink.stride(1) == 1) io.c_data = sink.data();
    io.c_row = sink.stride(0);
  }
  multiply<T>(plan, io, workspace);
}

// A product with its plan.
template <class T, class A, class B, class Sink>
[[gnu::noinline]] void multiply_planned(index_t m, index_t n, index_t k, const A& a, const B& b,
                                        Sink& sink, std::byte* workspace) {
  const GemmPlan plan = gemm_plan<T>(m, n, k);
  switch (plan.way) {
    case GemmWay::nothing:
      return;
    case GemmWay::zeros:
      return store_zeros<T>(m, n, sink);
    case GemmWay::dots:
      return DotProducts<T, A, B, Sink>(m, k, a, b, sink, workspace).run();
    case GemmWay::row:
      return RowProduct<T, A, B, Sink>(n, k, a, b, sink, workspace).run();
    case GemmWay::short_row:
      return ShortRowProduct<T, A, B, Sink>(n, k, a, b, sink).run();
    default:
      return multiply_through<T>(plan, m, n, k, a, b, sink, workspace);
  }
}

}  // namespace detail

// Formula: c(i, j) = sum_k a(i, k) * b(k, j).
// Shapes: a (M, K), b (K, N), c (M, N); any may be empty, K == 0 gives zeros.
// Contract: workspace is aligned to 64 bytes and has gemm_workspace_bytes<T>(m, n, k) bytes, which
// hold nothing afterwards; storing to the sink changes nothing that a or b reads.
// No allocation; 2·M·N·K flops; reads a and b as often as gemm_a_passes and gemm_b_passes say.
template <class T, MatrixSource A, MatrixSource B, MatrixSink<T> Sink>
TENON_INLINE void gemm(index_t m, index_t n, index_t k, const A& a, const B& b, Sink& sink,
                       std::byte* workspace) {
  static_assert(
      std::is_same_v<typename A::value_type, T> && std::is_same_v<typename B::value_type, T>,
      "gemm multiplies and sums in T: let the sources convert while they load.");
  if (!detail::multiply_memory<T>(m, n, k, a, b, sink, workspace))
    detail::multiply_planned<T>(m, n, k, a, b, sink, workspace);
}

// The same for extents known when compiled: small products of memory are straight-line code.
template <class T, index_t M, index_t N, index_t K, MatrixSource A, MatrixSource B,
          MatrixSink<T> Sink>
TENON_INLINE void gemm(const A& a, const B& b, Sink& sink, std::byte* workspace) {
  if constexpr (detail::all_memory<T, A, B, Sink>) {
    constexpr auto way = detail::gemm_plan<T>(M, N, K).way;
    if constexpr (way == detail::GemmWay::tiny && M <= 32 && N <= 32 && K <= 32) {
      if (detail::rows_are_dense(b, sink))
        return detail::multiply_static<T, M, N, K>(detail::whole_job<T>(N, K, a, b, sink));
    }
  }
  gemm<T>(M, N, K, a, b, sink, workspace);
}

}  // namespace tenon::inline TENON_MODE::kernels
