#pragma once
// A product as the loops around the micro-kernel see it. They know nothing of expressions: what is not
// memory comes and goes through functions, a tile at a time, so that all products of one element type
// share their code.

#include <tenon/kernels/gemm_micro.hpp>
#include <tenon/kernels/gemm_pack.hpp>

namespace tenon::inline TENON_MODE::kernels::detail {

// A product as its loops see it.
template <class T>
struct ProductIo {
  index_t m, n, k;
  // Where the operands and the result are memory; nullptr where they are not. Rows of b and c have no
  // gaps between their elements.
  const T* a_data;
  index_t a_row, a_k;
  const T* b_data;
  index_t b_row;
  T* c_data;
  index_t c_row;
  // How they are read and written where they are not.
  const void* a;
  const void* b;
  void* c;
  void (*pack_a)(const void* a, index_t i, index_t rows, index_t k, index_t depth, T* to);
  void (*pack_a_rows)(const void* a, index_t i, index_t rows, index_t k, index_t depth, T* to,
                      index_t stride);
  bool a_in_rows;  // which of the two is quick
  void (*pack_b)(const void* b, index_t k, index_t depth, index_t j, index_t columns, T* to);
  void (*store)(void* c, const T* tile, index_t i, index_t rows, index_t j, index_t columns,
                index_t width);
};

// Rows cut into tiles of about equal heights.
template <class T>
class RowTiles {
 public:
  constexpr explicit RowTiles(index_t rows) {
    constexpr index_t mr = Blocking<T>::mr;
    if (rows <= mr) {  // without a division
      count = rows == 0 ? 0 : 1;
      height_ = rows;
    } else {
      count = ceil_div(rows, mr);
      height_ = rows / count;
      higher_ = rows - height_ * count;
    }
  }
  [[nodiscard]] constexpr int height(index_t tile) const {
    return static_cast<int>(height_) + (tile < higher_ ? 1 : 0);
  }
  // The first row of a tile.
  [[nodiscard]] constexpr index_t begin(index_t tile) const {
    return tile * height_ + std::min(tile, higher_);
  }
  index_t count = 0;

 private:
  index_t height_ = 0;
  index_t higher_ = 0;
};

// f(j, columns, units) for each sliver of n columns.
template <class T, class F>
TENON_INLINE void for_each_sliver(index_t n, const F& f) {
  for (index_t j = 0; j < n;) {
    const int units = sliver_units<T>(n - j);
    const index_t columns = std::min(units * index_t{unit<T>}, n - j);
    f(j, columns, units);
    j += columns;
  }
}

// p + n, or null where an operand is no memory.
template <class T>
TENON_INLINE constexpr T* moved(T* p, index_t n) noexcept {
  return p == nullptr ? p : p + n;
}

// A tile that reads A and B where they lie.
template <class T>
TENON_INLINE TileJob<T> job_in_place(const ProductIo<T>& io, index_t i, index_t j, index_t k,
                                     index_t depth, index_t columns) {
  return {.a = moved(io.a_data, i * io.a_row + k * io.a_k),
          .a_row = io.a_row,
          .a_k = io.a_k,
          .b = moved(io.b_data, k * io.b_row + j),
          .b_row = io.b_row,
          .depth = depth,
          .from = nullptr,
          .c = nullptr,
          .c_row = 0,
          .columns = static_cast<int>(columns)};
}
template <class T>
TENON_INLINE void take_packed_a(TileJob<T>& job, const T* a, int rows) {
  job.a = a;
  job.a_row = 1;
  job.a_k = rows;
}
// Packs a tile of A for this job and those after it, up to `end`; in rows where they are contiguous.
template <class T>
TENON_INLINE void pack_a_tile(const ProductIo<T>& io, TileJob<T>& job, index_t i, int rows,
                              index_t k, index_t depth, T* end, index_t stride) {
  if (io.a_in_rows) {
    T* const to = end - ((rows - 1) * stride + depth);
    io.pack_a_rows(io.a, i, rows, k, depth, to, stride);
    job.a = to;
    job.a_row = stride;
    job.a_k = 1;
  } else {
    T* const to = end - rows * depth;
    io.pack_a(io.a, i, rows, k, depth, to);
    take_packed_a<T>(job, to, rows);
  }
}
template <class T>
TENON_INLINE void take_panel(TileJob<T>& job, const T* panel, int units) {
  job.b = panel;
  job.b_row = panel_width<T>(units);
}

// Runs a tile that ends in the sink by way of a buffer.
template <class T, class Job, class Kernel>
[[gnu::noinline]] void run_and_store(const ProductIo<T>& io, Job job, const Kernel& kernel,
                                     index_t i, int rows, index_t j, index_t width) {
  alignas(64) T finished[Blocking<T>::mr * Blocking<T>::nr];
  static_assert(sizeof finished <= 3072, "a frame is at most 4 KiB");
  job.c = finished;
  job.c_row = width;
  kernel(job);
  io.store(io.c, finished, i, rows, j, job.columns, width);
}

template <class T>
TENON_INLINE void run_last(const ProductIo<T>& io, MovingJob<T>& job, index_t i, int rows,
                           index_t j, int units) {
  if (io.c_data != nullptr) {
    job.c = io.c_data + i * io.c_row + j;
    job.c_row = io.c_row;
    multiply_tile<T>(rows, units, job);
  } else {
    run_and_store(
        io, job, [=](const MovingJob<T>& last) { multiply_tile<T>(rows, units, last); }, i, rows, j,
        panel_width<T>(units));
  }
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
