#pragma once
// Windows that slide over memory, with a value wherever they reach beyond it: what pooling reads.
//
//   element (i…) = p[sum of stride_d · i_d] where 0 <= begin_j + sum of coefficient_jd · i_d < extent_j for every
//   axis j that a window slides along, the value elsewhere

#include <tenon/kernels/cursor.hpp>

#include <tenon/simd/operations.hpp>

#include <array>
#include <cstdint>

namespace tenon::inline TENON_MODE::kernels {

// Where the windows lie along one axis of memory.
template <int R>
struct SlidAxis {
  index_t begin = 0;  // the coordinate of the cursor's first element
  std::array<index_t, static_cast<std::size_t>(R)> coefficients{};
  index_t extent = 0;

  [[nodiscard]] TENON_INLINE constexpr bool holds(index_t at) const noexcept {
    return at >= 0 && at < extent;
  }
};

template <class T, int R, int Slid>
class SlideCursor {
  static_assert(R >= 1);
  static constexpr auto rank_size = static_cast<std::size_t>(R);

 public:
  using value_type = T;
  using Strides = std::array<index_t, rank_size>;
  using SlidAxes = std::array<SlidAxis<R>, static_cast<std::size_t>(Slid)>;
  static constexpr int rank = R;
  static constexpr int unit_axis = -1;
  static constexpr unsigned element_sizes = sizeof(T);
  static constexpr int weight = 1 + 2 * Slid;
  static constexpr bool sure = true;

  // The first element is p[offset]; p is the beginning of memory.
  constexpr SlideCursor(const T* p, index_t offset, const Strides& strides, const SlidAxes& slid,
                        T value) noexcept
      : p_(p), offset_(offset), strides_(strides), slid_(slid), value_(value) {}

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> read(const Position& at, const Environment&) const {
    return read_from<N, Axis, Partial>({R >= 2 ? at.row : 0, at.col}, at.count);
  }
  // The pack at index `col` of Axis, whatever axes follow it.
  template <int N, int Axis, bool Partial>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> read_column(index_t col, int count) const {
    index_t offset = offset_ + col * strides_[Axis];
    return read_lanes<N, Axis, Partial>(
        offset, [&](const SlidAxis<R>& a) { return a.begin + col * a.coefficients[Axis]; }, count);
  }

  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    const auto d = static_cast<std::size_t>(axis);
    offset_ += count * strides_[d];
    for (auto& a : slid_) a.begin += count * a.coefficients[d];
  }
  [[nodiscard]] constexpr int memory_axis() const noexcept {
    if (strides_[rank_size - 1] == 1) return R - 1;
    return R >= 2 && strides_[R >= 2 ? rank_size - 2 : 0] == 1 ? R - 2 : -1;
  }
  [[nodiscard]] constexpr bool mergeable(int outer, int inner, index_t extent) const noexcept {
    const auto merges = [&](const Strides& along) {
      return along[static_cast<std::size_t>(outer)] ==
             along[static_cast<std::size_t>(inner)] * extent;
    };
    bool all = merges(strides_);
    for (const auto& a : slid_) all = all && merges(a.coefficients);
    return all;
  }
  constexpr void compact(const Nest<R>& nest) noexcept {
    const auto merge = [&](Strides& along) {
      Strides merged{};
      for (int i = 0; i < nest.depth; ++i)
        merged[static_cast<std::size_t>(R - nest.depth + i)] =
            along[static_cast<std::size_t>(nest.source[static_cast<std::size_t>(i)])];
      along = merged;
    };
    merge(strides_);
    for (auto& a : slid_) merge(a.coefficients);
  }
  [[nodiscard]] constexpr bool hints_hold(int) const noexcept { return true; }
  [[nodiscard]] constexpr auto without_hints() const noexcept { return *this; }

  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts& starts, const Steps& steps) const noexcept {
    constexpr auto R2 = Source.size();
    const auto begin = [&](index_t from, const Strides& along) {
      for (std::size_t c = 0; c < rank_size; ++c) from += starts[c] * along[c];
      return from;
    };
    return changed<static_cast<int>(R2)>(begin, [&](const Strides& along) {
      std::array<index_t, R2> to{};
      for (std::size_t d = 0; d < R2; ++d)
        if (Source[d] >= 0) {
          const auto c = static_cast<std::size_t>(Source[d]);
          to[d] = along[c] * steps[c];
        }
      return to;
    });
  }
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents& extents) const noexcept {
    constexpr auto shift = static_cast<std::size_t>(R2 - R);
    return changed<R2>([](index_t from, const Strides&) { return from; },
                       [&](const Strides& along) {
                         std::array<index_t, static_cast<std::size_t>(R2)> to{};
                         for (std::size_t c = 0; c < rank_size; ++c)
                           to[c + shift] = extents[c] == 1 ? 0 : along[c];
                         return to;
                       });
  }

  // The windows along Axis of this cursor, an axis of `extent` elements: its taps and its places in the place of
  // Axis, `before` of the value in front.
  template <int Axis>
  [[nodiscard]] constexpr auto slide(index_t extent, index_t dilation, index_t stride,
                                     index_t before) const noexcept {
    constexpr auto axis = static_cast<std::size_t>(Axis);
    const auto widened = [&](const Strides& along) {
      std::array<index_t, rank_size + 1> to{};
      for (std::size_t d = 0; d <= rank_size; ++d)
        to[d] = d < axis        ? along[d]
                : d == axis     ? along[axis] * dilation
                : d == axis + 1 ? along[axis] * stride
                                : along[d - 1];
      return to;
    };
    std::array<SlidAxis<R + 1>, static_cast<std::size_t>(Slid + 1)> slid{};
    for (std::size_t j = 0; j < static_cast<std::size_t>(Slid); ++j)
      slid[j] = {slid_[j].begin - before * slid_[j].coefficients[axis],
                 widened(slid_[j].coefficients), slid_[j].extent};
    slid[Slid].begin = -before;
    slid[Slid].coefficients[axis] = dilation;
    slid[Slid].coefficients[axis + 1] = stride;
    slid[Slid].extent = extent;
    return SlideCursor<T, R + 1, Slid + 1>(p_, offset_ - before * strides_[axis], widened(strides_),
                                           slid, value_);
  }

 private:
  template <int R2, class Begin, class Along>
  [[nodiscard]] constexpr auto changed(const Begin& begin, const Along& along) const noexcept {
    std::array<SlidAxis<R2>, static_cast<std::size_t>(Slid)> slid{};
    for (std::size_t j = 0; j < slid.size(); ++j)
      slid[j] = {begin(slid_[j].begin, slid_[j].coefficients), along(slid_[j].coefficients),
                 slid_[j].extent};
    return SlideCursor<T, R2, Slid>(p_, begin(offset_, strides_), along(strides_), slid, value_);
  }

  template <int N, int Axis, bool Partial>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> read_from(const std::array<index_t, 2>& at,
                                                        int count) const {
    const auto moved = [&](index_t from, const Strides& along) TENON_INLINE_LAMBDA {
      if constexpr (R >= 2) from += at[0] * along[rank_size - 2];
      return from + at[1] * along[rank_size - 1];
    };
    return read_lanes<N, Axis, Partial>(
        moved(offset_, strides_),
        [&](const SlidAxis<R>& a) TENON_INLINE_LAMBDA { return moved(a.begin, a.coefficients); },
        count);
  }

  // Lanes from p_[offset] on along Axis; start(axis) is where they begin on an axis that windows slide along.
  template <int N, int Axis, bool Partial, class Start>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> read_lanes(index_t offset, const Start& start,
                                                         int count) const {
    const index_t lanes = Partial ? count : N;
    bool none = false, all = true;
    for (const auto& a : slid_) {
      const index_t first = start(a), delta = a.coefficients[Axis];
      const bool from = a.holds(first);
      none = none || (delta == 0 && !from);
      all = all && from && a.holds(first + (lanes - 1) * delta);
    }
    if (all) [[likely]] {
      const index_t stride = strides_[Axis];
      const T* const p = p_ + offset;
      if (stride == 1)
        return Partial ? simd::Pack<T, N>::load_partial(p, count) : simd::Pack<T, N>::load(p);
      return Partial ? simd::Pack<T, N>::gather_partial(p, stride, count)
                     : simd::Pack<T, N>::gather(p, stride);
    }
    if (none) return simd::Pack<T, N>(value_);
    std::array<index_t, static_cast<std::size_t>(Slid)> firsts{};
    for (std::size_t j = 0; j < firsts.size(); ++j) firsts[j] = start(slid_[j]);
    return read_edge<N, Axis>(offset, firsts, static_cast<int>(lanes));
  }

  // The same where some lanes lie outside.
  template <int N, int Axis>
  [[nodiscard, gnu::noinline]] simd::Pack<T, N> read_edge(
      index_t offset, const std::array<index_t, static_cast<std::size_t>(Slid)>& firsts,
      int count) const {
    int from = 0, to = count;  // lanes inside follow one another
    for (std::size_t j = 0; j < firsts.size(); ++j) {
      const index_t first = firsts[j], delta = slid_[j].coefficients[Axis];
      while (from < to && !slid_[j].holds(first + from * delta)) ++from;
      while (from < to && !slid_[j].holds(first + (to - 1) * delta)) --to;
    }
    using P = simd::Pack<T, N>;
    const index_t stride = strides_[Axis];
    if (stride == 1)
      return simd::select(
          simd::Mask<T, N>::from_bits((std::uint64_t{1} << to) - (std::uint64_t{1} << from)),
          P::load_between(p_ + offset, from, to), P(value_));
    T lanes[N];
    for (T& lane : lanes) lane = value_;
    if (from < to) {
      P::gather_partial(p_ + offset + from * stride, stride, to - from)
          .store_partial(lanes + from, to - from);
    }
    return P::load(lanes);
  }

  const T* p_;
  index_t offset_;
  Strides strides_;
  SlidAxes slid_;
  T value_;
};

// The windows of the first axis that slides over `inner`; see SlideCursor::slide.
template <int Axis, class T, int R, int Unit, unsigned Zero, bool Sure>
[[nodiscard]] constexpr auto slide_over(const StridedCursor<T, R, Unit, Zero, Sure>& inner,
                                        index_t extent, index_t dilation, index_t stride,
                                        index_t before, std::remove_const_t<T> value) noexcept {
  using Element = std::remove_const_t<T>;
  return SlideCursor<Element, R, 0>(inner.pointer(), 0, inner.strides(), {}, value)
      .template slide<Axis>(extent, dilation, stride, before);
}
template <int Axis, class T, int R, int Slid>
[[nodiscard]] constexpr auto slide_over(const SlideCursor<T, R, Slid>& inner, index_t extent,
                                        index_t dilation, index_t stride, index_t before,
                                        T) noexcept {
  return inner.template slide<Axis>(extent, dilation, stride, before);
}

}  // namespace tenon::inline TENON_MODE::kernels
