#pragma once
// The micro-kernel: a tile of C in registers, `depth` rank-1 updates, the tile stored.
//
//   tile(r, j) = from(r, j) or 0;  for k = 0, 1, …: tile(r, j) = a(r, k) * b(k, j) + tile(r, j)
//
// Every element is one chain in the order of k, whatever the tile's shape. A tile is Rows rows times
// Units units of columns; a unit is half a register on AVX-512 and a register elsewhere, so that 17
// columns cost a register and a half. Its last unit may have fewer columns.
//
// One kernel reads packed operands and operands where they lie: A by two strides, B by one. Its twin moves
// rows of B besides: those that are read for the first time are copied into the packed layout (b_to), the
// stores fit between the multiplications; or those that the next sliver will copy are prefetched (b_next),
// while this one comes from the caches: at 32 x 768 x 3072 floats 93 GFLOP/s become 103.

#include <tenon/kernels/gemm_blocking.hpp>
#include <tenon/kernels/gemm_operands.hpp>
#include <tenon/simd/vectors.hpp>

#include <array>

namespace tenon::inline TENON_MODE::kernels::detail {

template <class T>
struct TileJob {
  const T* a;  // a(r, k) = a[r * a_row + k * a_k]
  index_t a_row, a_k;
  const T* b;  // b(k, j) = b[k * b_row + j]
  index_t b_row;
  index_t depth;
  const T* from;  // accumulators, panel_width between rows; nullptr: zeros
  T* c;           // c(r, j) = c[r * c_row + j]
  index_t c_row;
  int columns;  // at most Units units

  static constexpr bool moves_b = false;
};

// With one of these, rows of B are moved on the way.
template <class T>
struct MovingJob : TileJob<T> {
  T* b_to = nullptr;          // they are copied here, panel_width apart
  const T* b_next = nullptr;  // these are wanted soon, b_next_row apart, one for each of depth
  index_t b_next_row = 0;

  static constexpr bool moves_b = true;
  [[nodiscard]] bool moves_any() const { return b_to != nullptr || b_next != nullptr; }
};

// How far ahead of its copy a row of B is prefetched.
inline constexpr index_t rows_ahead = 12;

// Depth: that of the job where it is known and small, else 0.
template <class T, int Rows, int Units, bool Masked, int Depth = 0, class Job>
TENON_INLINE void multiply_tile_inline(const Job& job) {
  constexpr int L = Blocking<T>::lanes, per_pack = units_of_pack<T>;
  constexpr int packs = Units / per_pack, halves = Units % per_pack, loads = packs + halves;
  constexpr int groups = (Rows + 2) / 3;
  constexpr index_t width = loads * L;
  using V = simd::Vector<T, L>;
  using H = simd::Vector<T, L / per_pack>;
  V tile[Rows][packs == 0 ? 1 : packs];
  H edge[Rows];
  TENON_UNROLL for (int r = 0; r < Rows; ++r) {
    TENON_UNROLL for (int v = 0; v < packs; ++v) tile[r][v] = V{};
    if constexpr (halves != 0) edge[r] = H{};
  }
  if (job.from != nullptr) {
    const T* from = job.from;
    TENON_UNROLL for (int r = 0; r < Rows; ++r) {
      TENON_UNROLL for (int v = 0; v < packs; ++v) tile[r][v] = simd::load_vector<V>(from + v * L);
      if constexpr (halves != 0) edge[r] = simd::load_vector<H>(from + packs * L);
      from += width;
    }
  }
  const int last = job.columns - (loads - 1) * L;  // lanes of the last load
  if (job.depth >= 64) {
    TENON_UNROLL for (int r = 0; r < Rows; ++r) __builtin_prefetch(job.c + r * job.c_row, 1);
  }
  const index_t s = job.a_row, a_k = job.a_k, b_row = job.b_row;
  const T* b = job.b;
  [[maybe_unused]] T* b_to = nullptr;
  [[maybe_unused]] const T* b_next = nullptr;
  if constexpr (Job::moves_b) {
    b_to = job.b_to;
    b_next = job.b_next;
  }
  // Three rows of A from each of these: base, base + s, base + 2s are one instruction's operand.
  const T* p[groups];
  TENON_UNROLL for (int q = 0; q < groups; ++q) p[q] = job.a + 3 * q * s;
  const auto step = [&]([[maybe_unused]] index_t left) TENON_INLINE_LAMBDA {
    V row[packs == 0 ? 1 : packs];
    [[maybe_unused]] H row_edge;
    TENON_UNROLL for (int v = 0; v < packs; ++v) row[v] = Masked && v == loads - 1
                                                              ? simd::load_first<V>(b + v * L, last)
                                                              : simd::load_vector<V>(b + v * L);
    if constexpr (halves != 0)
      row_edge =
          Masked ? simd::load_first<H>(b + packs * L, last) : simd::load_vector<H>(b + packs * L);
    if constexpr (Job::moves_b) {
      if (b_to != nullptr) {
        if (left > rows_ahead) {
          TENON_UNROLL for (int v = 0; v < loads; ++v)
              __builtin_prefetch(b + rows_ahead * b_row + v * L);
        }
        TENON_UNROLL for (int v = 0; v < packs; ++v) {
          if (Masked && v == loads - 1)
            simd::store_first(b_to + v * L, row[v], last);
          else
            simd::store_vector(b_to + v * L, row[v]);
        }
        if constexpr (halves != 0) simd::store_first(b_to + packs * L, row_edge, last);
        b_to += width;
      } else {
        TENON_UNROLL for (int v = 0; v < loads; ++v) __builtin_prefetch(b_next + v * L, 0, 2);
        b_next += job.b_next_row;
      }
    }
    TENON_UNROLL for (int r = 0; r < Rows; ++r) {
      const T* const x = p[r / 3] + r % 3 * s;
      if constexpr (packs != 0) {
        const V element = simd::broadcast<V>(x);
        TENON_UNROLL for (int v = 0; v < packs; ++v) tile[r][v] =
            simd::multiply_add<T>(element, row[v], tile[r][v]);
        if constexpr (halves != 0)
          edge[r] = simd::multiply_add<T>(simd::lower_half<H>(element), row_edge, edge[r]);
      } else {
        edge[r] = simd::multiply_add<T>(simd::broadcast<H>(x), row_edge, edge[r]);
      }
    }
    b += b_row;
    TENON_UNROLL for (int q = 0; q < groups; ++q) p[q] += a_k;
  };
  if constexpr (Depth != 0) {
    TENON_UNROLL for (int k = 0; k < Depth; ++k) step(Depth - k);
  } else {
    for (index_t k = job.depth; k > 0; --k) step(k);
  }
  T* c = job.c;
  const index_t c_row = job.c_row;
  const bool whole = !simd::has_masks<T> && job.columns == Units * unit<T>;
  TENON_UNROLL for (int r = 0; r < Rows; ++r) {
    TENON_UNROLL for (int v = 0; v < packs; ++v) {
      if (v < loads - 1 || whole)
        simd::store_vector(c + v * L, tile[r][v]);
      else
        simd::store_first(c + v * L, tile[r][v], last);
    }
    if constexpr (halves != 0) simd::store_first(c + packs * L, edge[r], last);
    c += c_row;
  }
}

template <class T, int Rows, int Units, bool Masked, class Job>
[[gnu::noinline]] void run_tile_kernel(const Job& job) {
  multiply_tile_inline<T, Rows, Units, Masked>(job);
}

// The kernels of all tiles, by whether the last unit is read in part, rows and units.
template <class T>
struct TileKernels {
  template <class Job>
  using Kernel = void (*)(const Job&);
  static constexpr int rows = Blocking<T>::mr, units = Blocking<T>::packs * units_of_pack<T>;
  template <class Job>
  using Table = Kernel<Job>[simd::has_masks<T> ? 1 : 2][rows][units];

  Table<TileJob<T>> of;
  Table<MovingJob<T>> moving;
  Kernel<TileJob<T>> strip[rows];  // strip_packs(rows) packs wide

  constexpr TileKernels() : of{}, moving{}, strip{} {
    fill(of);
    fill(moving);
    [&]<int... R>(std::integer_sequence<int, R...>) {
      (set_strip<R + 1>(), ...);
    }(std::make_integer_sequence<int, rows>{});
  }

 private:
  template <class Job>
  static constexpr void fill(Table<Job>& table) {
    const auto fill_row = [&]<int R, int... U>(std::integral_constant<int, R>,
                                               std::integer_sequence<int, U...>) {
      ((table[0][R][U] = &run_tile_kernel<T, R + 1, U + 1, simd::has_masks<T>, Job>), ...);
      if constexpr (!simd::has_masks<T>)
        ((table[1][R][U] = &run_tile_kernel<T, R + 1, U + 1, true, Job>), ...);
    };
    [&]<int... R>(std::integer_sequence<int, R...>) {
      (fill_row(std::integral_constant<int, R>{}, std::make_integer_sequence<int, units>{}), ...);
    }(std::make_integer_sequence<int, rows>{});
  }
  template <int R>
  constexpr void set_strip() {
    constexpr int wide = strip_packs<T>(R) * units_of_pack<T>;
    if constexpr (R > 1)
      strip[R - 1] = wide == units
                         ? of[0][R - 1][units - 1]
                         : &run_tile_kernel<T, R, (wide > units ? wide : units), false, TileJob<T>>;
  }
};
template <class T>
inline constexpr TileKernels<T> tile_kernels{};

template <class T>
TENON_INLINE void multiply_tile(int rows, int units, const TileJob<T>& job) {
  const bool partial = !simd::has_masks<T> && job.columns != units * unit<T>;
  tile_kernels<T>.of[partial ? 1 : 0][rows - 1][units - 1](job);
}
template <class T>
TENON_INLINE void multiply_tile(int rows, int units, const MovingJob<T>& job) {
  if (!job.moves_any()) return multiply_tile<T>(rows, units, static_cast<const TileJob<T>&>(job));
  const bool partial = !simd::has_masks<T> && job.columns != units * unit<T>;
  tile_kernels<T>.moving[partial ? 1 : 0][rows - 1][units - 1](job);
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
