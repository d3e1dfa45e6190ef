#pragma once
// Products that are small, or whose operands are used by one row or strip of tiles: little or nothing of
// them is packed.

#include <tenon/kernels/gemm_product.hpp>

namespace tenon::inline TENON_MODE::kernels::detail {

// ---- everything in memory ----

// On to the tile below one of so many rows.
template <class T>
TENON_INLINE void go_down(TileJob<T>& job, int rows) {
  job.a += rows * job.a_row;
  job.c += rows * job.c_row;
}

// True where the rows of a tile of A that is memory do not meet in few sets of a cache: it is then read
// where it lies. GFLOP/s at n = 96 and 200: 108 and 111, packed 102 and 107.
template <class T>
TENON_INLINE bool reads_well(index_t a_row, index_t a_k) {
  return a_k == 1 && a_row * static_cast<index_t>(sizeof(T)) % 2048 != 0;
}

// Tiles of A that a sliver of B passes by while it stays in L1: one where it is too deep for that.
template <class T>
constexpr index_t tiles_together(index_t depth) {
  return depth <= 10 * Blocking<T>::chunk ? 16 : 1;
}

// All m rows and n columns of the product whose first element is the job's. B is read where it lies; where
// there are panels, its last sliver goes there with its first use, and only that: stores cost the kernel
// more than rows with gaps (at 64 x 64 x 64 floats 2%). The job is changed in place: a copy of what
// was just stored would wait for the stores (7 ns).
template <class T>
[[gnu::noinline]] void multiply_in_place(index_t m, index_t n, MovingJob<T>& job, T* panels) {
  const RowTiles<T> tiles(m);
  const index_t together = tiles_together<T>(job.depth), b_row = job.b_row;
  const T *const a = job.a, *const b = job.b;
  T* const c = job.c;
  for (index_t t = 0; t < tiles.count; t += together) {
    const index_t end = std::min(t + together, tiles.count), i = tiles.begin(t);
    T* panel = panels;
    for_each_sliver<T>(n, [&](index_t j, index_t columns, int units) TENON_INLINE_LAMBDA {
      job.a = a + i * job.a_row;
      job.b = b + j;
      job.b_row = b_row;
      job.c = c + i * job.c_row + j;
      job.columns = static_cast<int>(columns);
      index_t at = t;
      if (panel != nullptr && j + columns == n) {
        if (t == 0) {
          job.b_to = panel;
          multiply_tile<T>(tiles.height(0), units, job);
          go_down(job, tiles.height(at++));
        }
        take_panel<T>(job, panel, units);
      } else if (panel != nullptr) {
        panel += job.depth * panel_width<T>(units);
      }
      for (; at < end; ++at) {
        multiply_tile<T>(tiles.height(at), units, static_cast<const TileJob<T>&>(job));
        go_down(job, tiles.height(at));
      }
    });
  }
}

// Registers that the accumulators of a tile may take.
inline constexpr int most_accumulators =
    build_isa == Isa::avx512 || build_isa == Isa::neon ? 24 : 12;

// Where they are known when it is compiled: the tile in straight-line code.
template <class T, int M, int N, int K>
TENON_INLINE void multiply_static(TileJob<T> job) {
  constexpr int units = sliver_units<T>(N), columns = std::min<int>(units * unit<T>, N);
  constexpr int registers = static_cast<int>(panel_width<T>(units)) / Blocking<T>::lanes;
  constexpr int tiles = static_cast<int>(ceil_div(M, most_accumulators / registers));
  constexpr int rows = static_cast<int>(ceil_div(M, tiles));
  job.columns = columns;
  multiply_tile_inline<T, rows, units, columns != units * unit<T>, (K <= 8 ? K : 0)>(job);
  if constexpr (N > columns) {
    TileJob<T> right = job;
    right.b += columns;
    right.c += columns;
    multiply_static<T, rows, N - columns, K>(right);
  }
  if constexpr (M > rows) {
    TileJob<T> below = job;
    below.a += rows * job.a_row;
    below.c += rows * job.c_row;
    multiply_static<T, M - rows, N, K>(below);
  }
}

// ---- nothing packed: B fits the stack, or is memory ----

// All of the product, B from panels where that is not nullptr; where it is memory and `copies`, only its last
// sliver, packed on the way. A through a buffer where there is one, before a_end, rows `stride` apart.
template <class T>
void run_tiles(const ProductIo<T>& io, T* panels, bool copies, T* a_end, index_t stride) {
  const RowTiles<T> tiles(io.m);
  index_t i = 0;
  for (index_t t = 0; t < tiles.count; ++t) {
    const int rows = tiles.height(t);
    MovingJob<T> job{job_in_place(io, i, 0, 0, io.k, 0)};
    if (a_end != nullptr) pack_a_tile(io, job, i, rows, 0, io.k, a_end, stride);
    T* panel = panels;
    for_each_sliver<T>(io.n, [&](index_t j, index_t columns, int units) TENON_INLINE_LAMBDA {
      job.columns = static_cast<int>(columns);
      const bool last = j + columns == io.n;
      if (panel == nullptr || (copies && (t == 0 || !last))) {
        job.b = io.b_data + j;
        job.b_row = io.b_row;
        job.b_to = last ? panel : nullptr;
      } else {
        job.b_to = nullptr;
        take_panel<T>(job, panel, units);
      }
      if (panel != nullptr) panel += io.k * panel_width<T>(units);
      run_last(io, job, i, rows, j, units);
    });
    i += rows;
  }
}
// B whole to panels, unless it is memory that its first use copies. True if so.
template <class T>
bool pack_panels(const ProductIo<T>& io, T* panels) {
  if (io.b_data != nullptr) return true;
  for_each_sliver<T>(io.n, [&](index_t j, index_t columns, int units) TENON_INLINE_LAMBDA {
    io.pack_b(io.b, 0, io.k, j, columns, panels);
    panels += io.k * panel_width<T>(units);
  });
  return false;
}
template <class T>
[[gnu::noinline]] void run_tiles_lazy_a(const ProductIo<T>& io, T* panels, bool copies) {
  alignas(64) T a_buffer[Blocking<T>::mr * 4 * Blocking<T>::chunk];
  static_assert(sizeof a_buffer <= 3072, "a frame is at most 4 KiB");
  run_tiles<T>(io, panels, copies, std::end(a_buffer), round_up(io.k, Blocking<T>::chunk));
}
template <class T>
[[gnu::noinline]] void run_tiny_lazy_b(const ProductIo<T>& io) {
  alignas(64) T panels[48 * Blocking<T>::chunk];
  static_assert(sizeof panels <= 3072, "a frame is at most 4 KiB");
  pack_panels<T>(io, panels);
  if (io.a_data != nullptr)
    run_tiles<T>(io, panels, false, nullptr, 0);
  else
    run_tiles_lazy_a<T>(io, panels, false);
}
template <class T>
void run_tiny(const ProductIo<T>& io) {
  if (io.b_data == nullptr)
    run_tiny_lazy_b(io);
  else if (io.a_data == nullptr)
    run_tiles_lazy_a<T>(io, nullptr, false);
  else
    run_tiles<T>(io, nullptr, false, nullptr, 0);
}
template <class T>
void run_small_b(const GemmPlan& plan, const ProductIo<T>& io, std::byte* workspace) {
  T* const panels = reinterpret_cast<T*>(workspace + plan.a_bytes);
  const bool reads_a =
      io.a_data != nullptr && (plan.a_bytes == 0 || reads_well<T>(io.a_row, io.a_k));
  const bool copies = pack_panels(io, panels);
  if (reads_a)
    run_tiles<T>(io, panels, copies, nullptr, 0);
  else if (plan.a_bytes != 0)
    run_tiles<T>(io, panels, copies, panels, a_tile_stride<T>(io.k));
  else
    run_tiles_lazy_a<T>(io, panels, copies);
}

// ---- one tile, or one strip of tiles: A is read once ----

// A tile whose operands come through the stack chunk by chunk, where they are not memory or a panel.
template <class T>
[[gnu::noinline]] void run_chunks(const ProductIo<T>& io, index_t i, int rows, const T* panel,
                                  T* kept) {
  constexpr index_t chunk = Blocking<T>::chunk;
  alignas(64) T a_chunk[Blocking<T>::mr * chunk], b_chunk[chunk * Blocking<T>::nr];
  static_assert(sizeof a_chunk + sizeof b_chunk <= 3072, "a frame is at most 4 KiB");
  const int units = sliver_units<T>(io.n);
  const index_t width = panel_width<T>(units);
  for (index_t k = 0; k < io.k; k += chunk) {
    const index_t depth = std::min(chunk, io.k - k);
    TileJob<T> job = job_in_place(io, i, 0, k, depth, io.n);
    if (io.a_data == nullptr) {
      pack_a_tile(io, job, i, rows, k, depth, std::end(a_chunk), chunk);
    }
    if (panel != nullptr) {
      take_panel(job, panel + k * width, units);
    } else if (io.b_data == nullptr) {
      io.pack_b(io.b, k, depth, 0, io.n, b_chunk);
      take_panel(job, b_chunk, units);
    }
    job.from = k == 0 ? nullptr : kept;
    job.c = kept;
    job.c_row = width;
    multiply_tile<T>(rows, units, job);
  }
}
template <class T>
[[gnu::noinline]] void run_lazy_tile(const ProductIo<T>& io, index_t i, int rows, const T* panel) {
  alignas(64) T kept[Blocking<T>::mr * Blocking<T>::nr];
  run_chunks(io, i, rows, panel, kept);
  const index_t width = panel_width<T>(sliver_units<T>(io.n));
  if (io.c_data == nullptr) return io.store(io.c, kept, i, rows, 0, io.n, width);
  for (int r = 0; r < rows; ++r)
    std::copy_n(kept + r * width, io.n, io.c_data + (i + r) * io.c_row);
}

// pre: N <= NR. The panel has room for B where there is more than one tile.
template <class T>
void run_strip(const ProductIo<T>& io, T* panel) {
  const RowTiles<T> tiles(io.m);
  const int units = sliver_units<T>(io.n);
  const bool copies = tiles.count > 1, memory = io.a_data != nullptr && io.b_data != nullptr;
  if (copies && !memory) io.pack_b(io.b, 0, io.k, 0, io.n, panel);
  index_t i = 0;
  for (index_t t = 0; t < tiles.count; ++t) {
    const int rows = tiles.height(t);
    if (!memory && (io.a_data == nullptr || !copies)) {
      run_lazy_tile<T>(io, i, rows, copies ? panel : nullptr);
    } else {
      MovingJob<T> job{job_in_place(io, i, 0, 0, io.k, io.n)};
      if (memory && t == 0)
        job.b_to = copies ? panel : nullptr;
      else
        take_panel(job, static_cast<const T*>(panel), units);
      run_last(io, job, i, rows, 0, units);
    }
    i += rows;
  }
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
