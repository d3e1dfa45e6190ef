#pragma once
// Products of which blocks are packed, see gemm.hpp; and the choice of the loop.

#include <tenon/kernels/gemm_small.hpp>

namespace tenon::inline TENON_MODE::kernels::detail {

template <class T>
class BlockedProduct {
 public:
  BlockedProduct(const GemmPlan& pieces, const ProductIo<T>& io, std::byte* workspace)
      : plan_(pieces),
        io_(io),
        panel_(reinterpret_cast<T*>(workspace)),
        accumulators_(reinterpret_cast<T*>(workspace + pieces.b_bytes)),
        // At the end, so that the last byte is used.
        packed_a_(reinterpret_cast<T*>(workspace + pieces.bytes()) - pieces.m * pieces.k) {}

  void run() {
    for (index_t i = 0; i < io_.m; i += plan_.m)
      for (index_t j = 0; j < io_.n; j += plan_.n)
        for (index_t k = 0; k < io_.k; k += plan_.k)
          multiply_block({i, std::min(plan_.m, io_.m - i), j, std::min(plan_.n, io_.n - j), k,
                          std::min(plan_.k, io_.k - k)});
  }

 private:
  using Sizes = Blocking<T>;
  static constexpr int most_units = TileKernels<T>::units;

  struct Block {
    index_t i, rows, j, columns, k, depth;
  };
  void multiply_block(const Block& block) {
    const bool fresh = plan_.k != io_.k || block.j == 0;
    index_t c = 0;
    if (plan_.way == GemmWay::few_rows && io_.b_data != nullptr) {
      io_.pack_a(io_.a, block.i, block.rows, block.k, block.depth, packed_a_);
      c = multiply_wide_strips(block);
    }
    while (c < block.columns) {
      const index_t left = block.columns - c;
      // Between two depths accumulators lie in slivers of equal widths.
      const int units =
          plan_.k == io_.k
              ? sliver_units<T>(left)
              : static_cast<int>(std::min<index_t>(most_units, ceil_div(left, unit<T>)));
      const index_t columns = std::min(units * index_t{unit<T>}, left);
      multiply_sliver(block, c, columns, units, c == 0 && fresh);
      c += columns;
    }
  }

  // One sliver of B times all tiles of the block of A, which are packed first where they are fresh.
  void multiply_sliver(const Block& block, index_t c, index_t columns, int units, bool fresh) {
    const index_t j = block.j + c;
    const RowTiles<T> tiles(block.rows);
    if (io_.b_data == nullptr) io_.pack_b(io_.b, block.k, block.depth, j, columns, panel_);
    index_t r = 0;
    for (index_t t = 0; t < tiles.count; ++t) {
      const int rows = tiles.height(t);
      MovingJob<T> job{job_in_place(io_, block.i + r, j, block.k, block.depth, columns)};
      T* const packed = packed_a_ + r * block.depth;
      if (fresh) io_.pack_a(io_.a, block.i + r, rows, block.k, block.depth, packed);
      take_packed_a<T>(job, packed, rows);
      if (io_.b_data == nullptr || t > 0)
        take_panel(job, static_cast<const T*>(panel_), units);
      else if (tiles.count > 1)
        job.b_to = panel_;
      if (io_.b_data != nullptr && t == 1 && c + columns < block.columns) {
        job.b_next = io_.b_data + block.k * io_.b_row + j + columns;
        job.b_next_row = io_.b_row;
      }
      finish_tile(block, r, rows, c, units, job);
      r += rows;
    }
  }

  // Few rows of A: each element of B is used once, by a tile as wide as the registers allow.
  index_t multiply_wide_strips(const Block& block) {
    const int rows = static_cast<int>(block.rows);
    const index_t width = strip_packs<T>(rows) * Sizes::lanes;
    index_t c = 0;
    for (; c + width <= block.columns; c += width) {
      TileJob<T> job = job_in_place(io_, block.i, block.j + c, block.k, block.depth, width);
      take_packed_a(job, static_cast<const T*>(packed_a_), rows);
      place(block, 0, c, width, job);
      const auto kernel = tile_kernels<T>.strip[rows - 1];
      if (job.c != nullptr)
        kernel(job);
      else
        run_and_store(io_, job, kernel, block.i, rows, block.j + c, width);
    }
    return c;
  }

  void finish_tile(const Block& block, index_t r, int rows, index_t c, int units,
                   MovingJob<T>& job) {
    place(block, r, c, panel_width<T>(units), job);
    if (job.c != nullptr)
      multiply_tile<T>(rows, units, job);
    else
      run_and_store(
          io_, job, [=](const MovingJob<T>& last) { multiply_tile<T>(rows, units, last); },
          block.i + r, rows, block.j + c, panel_width<T>(units));
  }

  // Where a tile's accumulators come from and go to; nowhere (nullptr) if to a sink that is not memory.
  void place(const Block& block, index_t r, index_t c, index_t width, TileJob<T>& job) {
    T* const kept = accumulators_ + c * plan_.m + r * width;
    job.from = block.k == 0 ? nullptr : kept;
    if (block.k + block.depth < io_.k) {
      job.c = kept;
      job.c_row = width;
    } else if (io_.c_data != nullptr) {
      job.c = io_.c_data + (block.i + r) * io_.c_row + block.j + c;
      job.c_row = io_.c_row;
    }
  }

  const GemmPlan plan_;
  const ProductIo<T>& io_;
  T* const panel_;
  T* const accumulators_;
  T* const packed_a_;
};

template <class T>
[[gnu::noinline]] void multiply(const GemmPlan& plan, const ProductIo<T>& io,
                                std::byte* workspace) {
  if (plan.way == GemmWay::tiny) {
    run_tiny(io);
  } else if (plan.way == GemmWay::small_b) {
    run_small_b(plan, io, workspace);
  } else if (plan.way == GemmWay::tile || plan.way == GemmWay::one_strip) {
    run_strip(io, reinterpret_cast<T*>(workspace));
  } else {
    BlockedProduct<T>(plan, io, workspace).run();
  }
}

}  // namespace tenon::inline TENON_MODE::kernels::detail
