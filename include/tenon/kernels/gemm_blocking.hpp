#pragma once
// How a product C(i, j) = sum_k A(i, k) * B(k, j) is cut into pieces, and how many bytes that
// takes. Everything here is a function of the element type and of M, N, K: never of strides or
// addresses, so that a plan can ask before any operand exists.

#include <tenon/core/checked.hpp>
#include <tenon/simd/vectors.hpp>

#include <algorithm>

namespace tenon::inline TENON_MODE::kernels {

// Tile and block sizes; they depend on the instruction set only, not on the machine's caches.
//
//   MR x NR   the tile of C that the micro-kernel holds in registers: MR rows of two packs
//   MC x KC   the block of A that is packed at once; a shallower block (K < KC) has more rows
//   KC x NR   the sliver of B that is packed at once and used by all tiles of the block; a small B is
//             packed whole, and A in tiles or not at all
//   NC        columns whose accumulators are kept between two depths; matters for K > KC only
template <class T>
struct Blocking {
  static constexpr int lanes = simd::native_lanes<T>;

  // AVX-512 and NEON have 32 registers: 12 x 2 accumulators, 2 packs of B, a broadcast of A.
  // AVX2 has 16: 6 x 2 + 2 + 1. SSE2 has 16 and needs one more for the product: 6 x 2 + 2 + 1 + 1.
  static constexpr int mr = build_isa == Isa::avx512 || build_isa == Isa::neon ? 12 : 6;
  static constexpr int packs = 2;
  static constexpr int nr = packs * lanes;

  // Elements of a cache line: what depths are cut by.
  static constexpr int chunk = static_cast<int>(64 / sizeof(T));

  // Zen 4 streams slivers from L2 and blocks of A from L3 as fast as a tile of 12 x 2 packs uses
  // them (5.3 and 2 bytes a cycle), so depth is cut only where a sliver outgrows half of L2, and
  // blocks are large. GFLOP/s at 512 / 1024 / 2048 floats on a busy machine, (MC, KC): (240, 4096)
  // 105 / 102 / 98; (480, 512) 105 / 98 / 97; (240, 1024) 101 / 97 / 95; (60, 4096) 104 / 97 / 88;
  // (30, 4096) 105 / 89 / 74, because B is packed more often.
  static constexpr index_t kc = 16384 / static_cast<index_t>(sizeof(T));
  static constexpr index_t mc = 240;
  static constexpr index_t nc = 1024;

  // Up to this size B is packed whole and stays in L2. GFLOP/s at 64 and 128 floats: 102 and 107, with a
  // block of A and slivers of B 94 and 103.
  static constexpr std::size_t small_b = 512 * 1024;
};

namespace detail {

constexpr index_t ceil_div(index_t a, index_t b) { return (a + b - 1) / b; }
constexpr index_t round_up(index_t a, index_t b) { return ceil_div(a, b) * b; }

// Which loop computes a shape.
enum class GemmWay : unsigned char {
  nothing,    // M or N is 0
  zeros,      // K is 0
  dots,       // N is 1: rows of A times the one column of B, summed over lanes
  row,        // M is 1: the rows of B, scaled and added up
  short_row,  // M is 1 and K is small: the same, in registers
  tiny,       // B fits the stack: nothing is packed
  tile,       // one tile: nothing is packed
  one_strip,  // N <= NR: B is packed, A is read once
  small_b,    // B is packed whole, tiles of A pass by
  few_rows,   // M <= MR: every element of B is used by one tile only
  many_rows,  // both operands are packed
};

// Extents of the blocks and the parts of the workspace, in this order: slivers of B (dots: the
// column of B), accumulators, block of A; a small B behind the tile of A. Last comes what is always
// written to: the other may be read in place.
struct GemmPlan {
  GemmWay way = GemmWay::nothing;
  index_t m = 0;  // rows of a block of A, at most M
  index_t n = 0;  // columns whose accumulators are kept together, at most N
  index_t k = 0;  // depth of a block, at most K
  std::size_t b_bytes = 0;
  std::size_t accumulator_bytes = 0;
  std::size_t a_bytes = 0;

  [[nodiscard]] constexpr std::size_t bytes() const {
    return b_bytes + accumulator_bytes + a_bytes;
  }
};

// The widest block that leaves all blocks about equally wide: a multiple of `unit`, not above
// `most`.
constexpr index_t balanced(index_t extent, index_t most, index_t unit) {
  if (extent <= most) return extent;
  return std::min(most, round_up(ceil_div(extent, ceil_div(extent, most)), unit));
}

// Rows whose dot products with a vector are computed together.
inline constexpr int dot_rows = build_isa == Isa::avx512 || build_isa == Isa::neon ? 4 : 2;

// Packs of B that a tile of so many rows takes where B is not packed: wide strips for few rows, so
// that there are enough chains to hide the latency of fma and enough of each row of B is read to be
// worth a new page. Measured at 2 x 768 x 3072: 29 GFLOP/s with 2 packs, 52 with 8.
template <class T>
constexpr int strip_packs(int rows) {
  return std::clamp(Blocking<T>::mr * Blocking<T>::packs / rows, Blocking<T>::packs, 8);
}

// The most rows that a block of A of this depth has.
template <class T>
constexpr index_t block_rows(index_t depth) {
  using B = Blocking<T>;
  return std::max<index_t>(B::mr, B::mc * B::kc / round_up(depth, B::chunk) / B::mr * B::mr);
}

// Columns of a unit, and how many units a register has.
template <class T>
inline constexpr int units_of_pack = simd::has_halves && sizeof(T) >= 4 ? 2 : 1;
template <class T>
inline constexpr int unit = Blocking<T>::lanes / units_of_pack<T>;

// Elements from one row of a packed sliver of so many units to the next: whole registers.
template <class T>
constexpr index_t panel_width(int units) {
  return round_up(units, units_of_pack<T>) * unit<T>;
}

// Columns of the next sliver, in units: as wide as a tile, the last two about alike. Together slivers have
// no more registers than the columns.
template <class T>
constexpr int sliver_units(index_t columns) {
  constexpr int most = Blocking<T>::packs * units_of_pack<T>;
  const index_t units = ceil_div(columns, unit<T>);
  if (units <= most) return static_cast<int>(units);
  return units % 2 == 0 || units > 2 * most ? most : static_cast<int>((units + 1) / 2);
}

// Elements of B packed whole, sliver after sliver, up to the last column of its last row.
template <class T>
constexpr index_t panels_size(index_t n, index_t k) {
  index_t left = n;
  int units = sliver_units<T>(left);
  for (; units * unit<T> < left; units = sliver_units<T>(left)) left -= units * unit<T>;
  return k * round_up(n, Blocking<T>::lanes) - (panel_width<T>(units) - left);
}

// Elements from one row to the next of a tile of A that is packed in rows: no power of two, so that rows do
// not meet in the sets of a cache.
template <class T>
constexpr index_t a_tile_stride(index_t k) {
  return round_up(k, Blocking<T>::chunk) + Blocking<T>::chunk;
}

// Rows of the highest tile: they are about equally high.
template <class T>
constexpr index_t tile_height(index_t m) {
  return ceil_div(m, ceil_div(m, Blocking<T>::mr));
}
// Elements from the first of that tile to its last.
template <class T>
constexpr index_t a_tile_size(index_t m, index_t k) {
  return (tile_height<T>(m) - 1) * a_tile_stride<T>(k) + k;
}

// True where B is packed whole: it fits, and takes no more than a block of A and two slivers of B would.
// (With one sliver, 33 and 65 doubles would take the long way: 0.76 of this one's speed.)
template <class T>
constexpr bool b_is_small(index_t m, index_t n, index_t k) {
  using B = Blocking<T>;
  const index_t whole = k * round_up(n, B::lanes);
  return m > B::mr && k <= B::kc && static_cast<std::size_t>(whole) * sizeof(T) <= B::small_b &&
         whole + (k > 4 * B::chunk ? a_tile_size<T>(m, k) : 0) <= (m + 2 * B::nr) * k;
}

// One strip of tiles: B is packed, A is read where it lies.
template <class T>
constexpr bool is_strip(index_t m, index_t n, index_t k) {
  using B = Blocking<T>;
  return m > B::mr && n > 1 && n <= B::nr && k <= B::kc;
}

// Bytes for a tile of A where B is packed whole.
template <class T>
constexpr std::size_t small_b_a_bytes(index_t m, index_t k) {
  if (k <= 4 * Blocking<T>::chunk) return 0;
  return align_up(static_cast<std::size_t>(a_tile_size<T>(m, k)) * sizeof(T), workspace_alignment);
}

// One tile, which is read where it lies.
template <class T>
constexpr bool is_one_tile(index_t m, index_t n) {
  return m > 1 && m <= Blocking<T>::mr && n > 1 && n <= Blocking<T>::nr;
}
// B fits the stack: operands that are not memory come through it, 3 KiB of each at a time.
template <class T>
constexpr bool is_tiny(index_t n, index_t k) {
  using B = Blocking<T>;
  return n > 1 && k <= 4 * B::chunk && k * round_up(n, B::lanes) <= 48 * B::chunk;
}

// The deepest row whose outputs are summed in registers, without accumulators in memory.
inline constexpr index_t short_depth = 16;

template <class T>
[[gnu::noinline]] constexpr GemmPlan gemm_plan(index_t m, index_t n, index_t k) {
  using B = Blocking<T>;
  constexpr auto exactly = [](index_t elements) {
    return static_cast<std::size_t>(elements) * sizeof(T);
  };
  constexpr auto bytes = [](index_t elements) {  // with another part behind it
    return align_up(static_cast<std::size_t>(elements) * sizeof(T), workspace_alignment);
  };
  GemmPlan plan;
  if (m == 0 || n == 0) return plan;
  if (k == 0) {
    plan.way = GemmWay::zeros;
    return plan;
  }
  if (n == 1) {
    plan.way = GemmWay::dots;
    if (m > dot_rows) plan.b_bytes = exactly(k);
    return plan;
  }
  const bool tiny = is_tiny<T>(n, k);
  const bool strip = is_strip<T>(m, n, k);
  if (tiny || strip || is_one_tile<T>(m, n)) {
    plan = {tiny ? GemmWay::tiny : strip ? GemmWay::one_strip : GemmWay::tile, m, n, k};
    if (plan.way == GemmWay::one_strip) plan.b_bytes = exactly(panels_size<T>(n, k));
    return plan;
  }
  if (b_is_small<T>(m, n, k)) {
    plan = {GemmWay::small_b, m, n, k};
    plan.a_bytes = small_b_a_bytes<T>(m, k);
    plan.b_bytes = exactly(panels_size<T>(n, k));
    return plan;
  }
  if (m == 1 && k <= short_depth) {
    plan = {GemmWay::short_row, 1, n, k};
    return plan;
  }
  plan.k = balanced(k, B::kc, B::chunk);
  if (m == 1) {
    plan.way = GemmWay::row;
    plan.m = 1;
    plan.n = balanced(n, 2 * B::nc, B::chunk);
    plan.accumulator_bytes = bytes(plan.n);
    plan.a_bytes = exactly(plan.k);
    return plan;
  }
  plan.way = m <= B::mr ? GemmWay::few_rows : GemmWay::many_rows;
  plan.n = plan.k == k ? n : std::min(n, B::nc);
  plan.m = balanced(m, block_rows<T>(plan.k), B::mr);
  plan.b_bytes = bytes(plan.k * (plan.n <= B::lanes ? B::lanes : B::nr));
  if (plan.k != k) plan.accumulator_bytes = bytes(plan.m * round_up(plan.n, B::nr));
  plan.a_bytes = exactly(plan.m * plan.k);
  return plan;
}

}  // namespace detail

// Bytes that gemm<T> on these extents needs: where operands are not read in place, the last one is
// stored and loaded again. 0 where nothing is packed.
template <class T>
[[nodiscard]] TENON_INLINE constexpr std::size_t gemm_workspace_bytes(index_t m, index_t n,
                                                                      index_t k) {
  if (detail::is_one_tile<T>(m, n) || detail::is_tiny<T>(n, k)) return 0;
  return detail::gemm_plan<T>(m, n, k).bytes();
}

namespace detail {

template <class T>
[[nodiscard, gnu::noinline]] constexpr std::size_t most_workspace_bytes(index_t m, index_t n,
                                                                        index_t k, bool m_fixed,
                                                                        bool n_fixed,
                                                                        bool k_fixed) {
  using B = Blocking<T>;
  std::size_t most = 0;
  const auto rows_and_columns = [&](index_t depth) {
    const auto offer = [&](index_t rows, index_t columns) {
      if (rows <= m && columns <= n)
        most = std::max(most, gemm_workspace_bytes<T>(rows, columns, depth));
    };
    const auto rows_of = [&](index_t columns) {
      offer(m, columns);
      if (m_fixed) return;
      offer(1, columns);
      offer(m / B::mr * B::mr, columns);  // full tiles
      index_t rows = std::min(m, round_up(columns, B::lanes));
      while (rows > B::mr && b_is_small<T>(rows, columns, depth)) --rows;
      offer(rows, columns);  // the most of which a block is packed
      offer(block_rows<T>(balanced(depth, B::kc, B::chunk)), columns);
    };
    rows_of(n);
    if (n_fixed) return;
    rows_of(1);
    rows_of(2 * B::nc);  // where m is 1, a wider product has narrower strips
    for (const index_t rows : {m, m / B::mr * B::mr}) {
      index_t columns = std::min(n, m + 2 * B::nr) / B::lanes * B::lanes;
      while (columns > B::nr && !b_is_small<T>(rows, columns, depth)) columns -= B::lanes;
      offer(rows, columns);  // the widest B that is packed whole
    }
  };
  rows_and_columns(k);
  // Deeper products than two blocks have no other blocks; dots grow with K.
  if (!k_fixed)
    for (index_t d = std::min(k, 2 * B::kc) / B::chunk * B::chunk; d > 0; d -= B::chunk)
      rows_and_columns(d);
  return most;
}

}  // namespace detail

// The most that gemm<T> needs on any extents up to these; those that are `fixed` do not shrink.
// A smaller product can need more: its blocks are cut differently.
template <class T>
[[nodiscard]] TENON_INLINE constexpr std::size_t gemm_workspace_bound(index_t m, index_t n,
                                                                      index_t k, bool m_fixed,
                                                                      bool n_fixed, bool k_fixed) {
  if (m_fixed && n_fixed && k_fixed) return gemm_workspace_bytes<T>(m, n, k);
  return detail::most_workspace_bytes<T>(m, n, k, m_fixed, n_fixed, k_fixed);
}

namespace detail {

// How often an operand is computed from its source that is packed once a block of `block` of the
// other operand's `extent` rows or columns. (Dots keep 0 as their block: each element is read once.)
constexpr int gemm_passes(const GemmPlan& plan, index_t extent, index_t block) {
  if (plan.way == GemmWay::nothing || plan.way == GemmWay::zeros) return 0;
  return block == 0 ? 1 : static_cast<int>(ceil_div(extent, block));
}

}  // namespace detail

// How often gemm<T> computes each element of A from its source (0: never). A source that is memory
// may be read more often.
template <class T>
[[nodiscard]] constexpr int gemm_a_passes(index_t m, index_t n, index_t k) {
  const auto plan = detail::gemm_plan<T>(m, n, k);
  return detail::gemm_passes(plan, n, plan.n);
}

// How often gemm<T> computes each element of B from its source, likewise.
template <class T>
[[nodiscard]] constexpr int gemm_b_passes(index_t m, index_t n, index_t k) {
  const auto plan = detail::gemm_plan<T>(m, n, k);
  return detail::gemm_passes(plan, m, plan.m);
}

}  // namespace tenon::inline TENON_MODE::kernels
