#pragma once
// How many rows a block of a region has: an estimate from the work of its stages, from what they hand on
// and from what every block reads again.

#include <tenon/plan/structure.hpp>

#include <algorithm>

namespace tenon::detail::inline TENON_MODE {

// An extent as a number where the planner must guess one.
[[nodiscard]] constexpr index_t nominal(index_t extent, index_t guess = 1024) noexcept {
  return is_unbounded_extent(extent) ? guess : bound_of(extent);
}

// The height of the blocks of `rows` rows, at most `most`, that leaves all blocks about equally high:
// whole tiles of gemm, unless there are few blocks and one fewer without.
[[nodiscard]] constexpr index_t rows_of_block(index_t rows, index_t most) noexcept {
  constexpr index_t tile = kernels::Blocking<float>::mr, few = 8;
  if (rows <= most || most < tile) return rows < most ? rows : most;
  const auto blocks = [&](index_t height) { return kernels::detail::ceil_div(rows, height); };
  const index_t tiles = most / tile * tile;
  const bool fewer = blocks(most) <= few && blocks(most) < blocks(tiles);
  return kernels::detail::balanced(rows, fewer ? most : tiles, tile);
}

// So few rows are never more than one block.
inline constexpr index_t least_block_rows = 2 * kernels::Blocking<float>::mr;

// What the estimate reads of the nodes of a region: elements of a row, the extent of the last axis. This
// one has them from patterns.
template <std::size_t N>
struct PatternSizes {
  const std::array<Record, N>& records;
  const Regions<static_cast<int>(N)>& regions;
  int root;

  [[nodiscard]] constexpr index_t row_elements(int i) const {
    const auto at = static_cast<std::size_t>(i);
    const int cut = i == root ? regions.along[at] : regions.axis[at];
    index_t n = 1;
    for (int d = 0; d < records[at].rank; ++d)
      if (d != cut) n *= nominal(records[at].extent(d));
    return n;
  }
  [[nodiscard]] constexpr index_t last_extent(int i) const {
    const Record& r = records[static_cast<std::size_t>(i)];
    return r.rank == 0 ? 1 : nominal(r.extent(-1));
  }
};

// How many rows a block of a region has, by estimate.
//
// A block passes all of B of its products by once more. 64 rows make that little where B is read in
// place, or where all of them together stay in an L2 of 1 MiB, and they keep the machine busy if a
// stage makes 2^18 additions of them: beginning one takes about 100 ns. What the stages of a block hand
// on stays within half of that L2. Where B is packed again for every block, blocks are as high as that
// allows, and higher where it takes longer to pack than what is handed on saves by staying in the
// cache: an element from beyond L2 takes as long as four bytes do, one that is packed against its order as
// long as eight.
//
// Measured on Zen 4 at 4096 rows, six layers, time stage by stage over that in blocks of 64: 1.12 for
// 128 wide, 1.10 for 256; 784-256-128-64-32-16-10 (1 MB, 0.8 of it packed) 0.98 to 1.02; packed, 512
// wide (1 MiB each): 0.76, in blocks of 307 0.96, of 512 0.98, of 1024 1.06. An attention head of 2048
// positions, 64 wide, whose keys are turned: 0.84 in blocks of 24, 1.04 of 60, 1.08 of 120.
template <std::size_t N, class Sizes>
class BlockEstimate {
 public:
  // Cost: O(N).
  constexpr BlockEstimate(const std::array<Record, N>& records,
                          const Regions<static_cast<int>(N)>& regions, int root, const Sizes& sizes)
      : records_(records), regions_(regions), sizes_(sizes), root_(root) {
    std::array<float, N> alive{};  // of a stage: bytes of a row of its value and of those it reads
    for (int i = root; i < root + at(root).subtree; ++i) {
      const int reader = regions_.reader[k(i)];
      if (i == root || reader >= 0) {
        const index_t bytes = row_bytes(i);
        ++stages_;
        alive[k(i)] += static_cast<float>(bytes);
        if (i != root) {
          inner_bytes_ += bytes;
          alive[k(reader)] += static_cast<float>(bytes);
        }
      }
      if (axis(i) >= 0 && regions_.window[k(i)] == Window::push) add_work(i);
    }
    for (const float bytes : alive)
      bytes_alive_ = std::max(bytes_alive_, static_cast<index_t>(bytes));
  }

  [[nodiscard]] constexpr index_t rows() const {
    const bool far = b_bytes_ > l2_bytes;
    const index_t packing = 8 * turned_ + (far ? 4 * large_ : 0);  // bytes that take as long
    const index_t usual =
        packing > 0 ? most_rows : std::clamp(least_work * stages_ / work(), usual_rows, most_rows);
    const index_t cached = std::max(std::min(usual, l2_bytes / 2 / bytes_alive_), least_block_rows);
    return std::max(cached, std::min(packing / std::max<index_t>(inner_bytes_, 1), most_rows));
  }

  // Additions that one row takes.
  [[nodiscard]] constexpr index_t work() const { return std::max<index_t>(work_, 1); }

  // Bytes of one row of what the stages of a block hand on.
  [[nodiscard]] constexpr index_t inner_bytes() const { return inner_bytes_; }

  // Bytes of one row of node i.
  [[nodiscard]] constexpr index_t row_bytes(int i) const {
    return sizes_.row_elements(i) * size_bytes(at(i).dtype);
  }

 private:
  static constexpr index_t usual_rows = 64, most_rows = 1024;
  static constexpr index_t least_work = index_t{1} << 18;  // of a stage and a block
  static constexpr index_t l2_bytes = 1024 * 1024;

  static constexpr std::size_t k(int i) { return static_cast<std::size_t>(i); }
  constexpr const Record& at(int i) const { return records_[k(i)]; }
  constexpr int axis(int i) const {
    return i == root_ ? regions_.along[k(i)] : regions_.axis[k(i)];
  }

  // Adds what node i computes of one row, and what its operand B takes.
  constexpr void add_work(int i) {
    const Record& r = at(i);
    if (r.kind == Kind::map) {
      work_ += sizes_.row_elements(i) * r.weight;
    } else if (r.kind == Kind::reduce || r.kind == Kind::normalize) {
      work_ += sizes_.row_elements(i + 1) * (r.kind == Kind::reduce ? 1 : 20);
    } else if (r.kind == Kind::contract) {
      const index_t depth = sizes_.last_extent(i + 1);
      work_ += sizes_.row_elements(i) * depth;
      if (!r.right_vector) add_operand(i + 1 + at(i + 1).subtree, depth);
    }
  }

  // Node i is an operand B, which every block passes by.
  constexpr void add_operand(int i, index_t depth) {
    const Record& b = at(i);
    const index_t n = sizes_.last_extent(i), elements = depth * n, size = size_bytes(b.dtype);
    b_bytes_ += elements * size;
    if (b.unit_axis != b.rank - 1)
      turned_ += elements;
    else if (n * size >= 4096 || elements * size > l2_bytes / 2)
      large_ += elements;
  }

  const std::array<Record, N>& records_;
  const Regions<static_cast<int>(N)>& regions_;
  const Sizes& sizes_;
  int root_;
  index_t stages_ = 0, work_ = 0, inner_bytes_ = 0;
  index_t b_bytes_ = 0;             // of all B
  index_t turned_ = 0, large_ = 0;  // elements of B packed against their order; in it, being many
  index_t bytes_alive_ =
      1;  // bytes of a row of a stage and of what it reads of others, for the widest
};

}  // namespace tenon::detail::inline TENON_MODE
