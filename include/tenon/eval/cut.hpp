#pragma once
// How a stage is cut into parts for threads: along one axis of its output, so that each element is computed
// by one thread, in the same way as by the only one.

#include <tenon/core/config.hpp>

#include <tenon/kernels/gemm_blocking.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace tenon::detail::inline TENON_MODE {

struct PartRange {
  index_t begin = 0, count = 0;
};

// Parts of an axis; all of it is one part where cutting is not worth while.
struct AxisCut {
  int axis = 0;
  int parts = 1;
  index_t unit = 1;

  // Units are dealt out evenly; what is less than one at the end goes to the last part.
  [[nodiscard]] constexpr PartRange range(index_t extent, int part) const noexcept {
    const index_t units = extent / unit;
    const index_t begin = units * part / parts * unit;
    return {begin, (part + 1 == parts ? extent : units * (part + 1) / parts * unit) - begin};
  }
};

// The first axis that is offered along which all threads have about the same to do, else the best one.
class BestCut {
 public:
  constexpr explicit BestCut(int threads) noexcept : threads_(threads) {}

  // Parts are multiples of `unit` and have at least `least`, a multiple of it.
  constexpr void offer(int axis, index_t extent, index_t unit, index_t least) noexcept {
    const AxisCut cut{axis, static_cast<int>(std::min<index_t>(threads_, extent / least)), unit};
    if (cut.parts < 2 || share_ >= enough) return;
    index_t longest = 0;
    for (int p = 0; p < cut.parts; ++p) longest = std::max(longest, cut.range(extent, p).count);
    const index_t share = extent * 100 / (longest * threads_);
    if (share <= share_) return;
    share_ = share;
    cut_ = cut;
  }
  [[nodiscard]] constexpr AxisCut get() const noexcept { return cut_; }

 private:
  static constexpr index_t enough = 90;  // percent of the time that the threads have

  int threads_;
  index_t share_ = 0;
  AxisCut cut_;
};

template <std::size_t R>
[[nodiscard]] constexpr index_t volume(const std::array<index_t, R>& extents) noexcept {
  index_t n = 1;
  for (const index_t e : extents) n *= e;
  return n;
}

// The work for which other threads are woken. Two threads over one, Zen 4, programs run again and again, so
// that the threads are awake: a * b + a of 4,096, 8,192, 16,384, 32,768 floats 0.60, 1.16, 1.46, 1.66; softmax of
// n = 32, 48, 80, 96 rows 1.07, 1.19, 1.61, 1.56; products of n = 48, 64, 80, 96: 0.90, 0.97, 1.00, 1.81. Where
// they sleep, waking one costs some microseconds, as much as these limits take.
//   elements times loads and operations, roughly
inline constexpr index_t least_element_work = index_t{1} << 18;
//   multiplications of a product
inline constexpr index_t least_product_work = index_t{1} << 19;

// Elementwise work: rows where there are enough, else pieces of the last axis, whole cache lines of it.
template <std::size_t R>
[[nodiscard]] constexpr AxisCut elementwise_cut(const std::array<index_t, R>& extents, int weight,
                                                int threads) noexcept {
  BestCut best(threads);
  if (volume(extents) * (4 + weight) >= least_element_work)
    for (std::size_t d = 0; d < R; ++d) {
      const index_t unit = d + 1 == R ? 64 : 1;
      best.offer(static_cast<int>(d), extents[d], unit, unit);
    }
  return best.get();
}

// Reductions: outputs. The axes of the operand are those kept, then the others.
template <bool Along, int Kept, std::size_t R>
[[nodiscard]] constexpr AxisCut reduction_cut(const std::array<index_t, R>& extents, int weight,
                                              int threads) noexcept {
  BestCut best(threads);
  if (volume(extents) * (4 + weight) >= least_element_work)
    for (int d = 0; d < Kept; ++d) {
      const index_t unit = !Along && d + 1 == Kept ? 64 : 1;
      best.offer(d, extents[static_cast<std::size_t>(d)], unit, unit);
    }
  return best.get();
}

// Normalisations: rows. The last axis is the one that is normalised.
template <bool Along, std::size_t R>
[[nodiscard]] constexpr AxisCut normalization_cut(const std::array<index_t, R>& extents,
                                                  int threads) noexcept {
  BestCut best(threads);
  if (volume(extents) * 24 >= least_element_work)
    for (std::size_t d = 0; d + 1 < R; ++d) {
      const index_t unit = !Along && d + 2 == R ? 64 : 1;
      best.offer(static_cast<int>(d), extents[d], unit, unit);
    }
  return best.get();
}

// What a product reads: memory where it lies, or elementwise work, which each part that reads it does.
struct ProductSources {
  bool a_is_memory, b_is_memory;
  bool columns_can_be_cut;
};

// Products of extents (batch…, M, N): batches; else rows of A; else columns of B. Columns come first where there
// are many more of them, and where B is packed whole: each part then packs its own. (Two threads, n = 96, 128, 256:
// 1.85, 1.81, 1.95 of one; by rows 1.82, 1.59, 1.77.) Work before the product is done once where only one operand
// has some. A part has more than one column: the sum over K of one column is another one.
template <class T, std::size_t R>
[[nodiscard]] constexpr AxisCut product_cut(const std::array<index_t, R>& extents, index_t k,
                                            const ProductSources& sources, int threads) noexcept {
  using B = kernels::Blocking<T>;
  BestCut best(threads);
  if (volume(extents) * k < least_product_work) return best.get();
  for (std::size_t d = 0; d + 2 < R; ++d) best.offer(static_cast<int>(d), extents[d], 1, 1);
  const index_t m = extents[R - 2], n = extents[R - 1];
  const auto columns = [&] {
    if (sources.columns_can_be_cut) best.offer(static_cast<int>(R - 1), n, B::nr, B::nr);
  };
  const bool columns_first = sources.a_is_memory && (!sources.b_is_memory || n >= 8 * m ||
                                                     kernels::detail::b_is_small<T>(m, n, k));
  if (columns_first) columns();
  best.offer(static_cast<int>(R - 2), m, 1, B::mr);
  if (!columns_first) columns();
  return best.get();
}

// Bytes that parts need: `fits` where the first one does with those of the only thread, `bytes` for the
// others, `stride` apart.
struct PartRoom {
  bool fits = true;
  std::size_t stride = 0;
  std::size_t bytes = 0;

  [[nodiscard]] constexpr std::byte* at(int part, std::byte* scratch,
                                        std::byte* extra) const noexcept {
    if (fits && part == 0) return scratch;
    return extra == nullptr ? nullptr
                            : extra + static_cast<std::size_t>(part - (fits ? 1 : 0)) * stride;
  }
};

// `most`: the bytes of the largest part; `last`: of the last one; `own`: of the only thread.
[[nodiscard]] constexpr PartRoom room_of_parts(int parts, std::size_t most, std::size_t last,
                                               std::size_t own) noexcept {
  PartRoom room;
  room.fits = most <= own;
  room.stride = align_up(most, workspace_alignment);
  const int others = parts - (room.fits ? 1 : 0);
  if (others > 0 && most > 0)
    room.bytes = static_cast<std::size_t>(others - 1) * room.stride + last;
  return room;
}

template <class T, std::size_t R>
[[nodiscard]] constexpr PartRoom product_room(const AxisCut& cut,
                                              const std::array<index_t, R>& extents, index_t k,
                                              std::size_t own) noexcept {
  std::size_t most = 0, last = 0;
  for (int p = 0; p < cut.parts; ++p) {
    auto part = extents;
    part[static_cast<std::size_t>(cut.axis)] =
        cut.range(extents[static_cast<std::size_t>(cut.axis)], p).count;
    last = kernels::gemm_workspace_bytes<T>(part[R - 2], part[R - 1], k);
    most = std::max(most, last);
  }
  return room_of_parts(cut.parts, most, last, own);
}

}  // namespace tenon::detail::inline TENON_MODE
