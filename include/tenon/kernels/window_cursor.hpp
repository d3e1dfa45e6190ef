#pragma once
// The windows that slide over an operand, as the matrix that a convolution multiplies: nothing is
// copied, gemm reads it while it packs.
//
//   x  (…, C, L)      rows     (channel, tap)   channel by channel
//                     columns  the places of the window, in row-major order
//
//   element ((c, t), o) = x(…, c, o · stride + t · dilation - before), 0 outside of x
//
// and the same with two axes, (…, C, H, W), taps and places in row-major order.

#include <tenon/kernels/cursor.hpp>
#include <tenon/kernels/divisor.hpp>

#include <tenon/core/shape.hpp>

#include <algorithm>
#include <array>

namespace tenon::inline TENON_MODE::kernels {

namespace detail {

template <int R>
consteval auto axes_in_order() {
  std::array<int, static_cast<std::size_t>(R)> axes{};
  for (std::size_t d = 0; d < axes.size(); ++d) axes[d] = static_cast<int>(d);
  return axes;
}

}  // namespace detail

// The matrix of windows over Inner, whose last axes are the channels and those that Steps (arrays stride,
// dilation and before) slides along. Outer axes are Inner's own, then, where Grouped, the groups of
// channels. Taps and Places: patterns of the extents of a window and of the result.
template <auto Steps, bool Grouped, auto Taps, auto Places, class Inner>
class WindowCursor {
 public:
  static constexpr int axes = static_cast<int>(Steps.stride.size());
  static constexpr int channel_axis = Inner::rank - 1 - axes;
  static constexpr auto last = static_cast<std::size_t>(axes - 1);
  using value_type = typename Inner::value_type;
  using Extents = std::array<index_t, static_cast<std::size_t>(axes)>;
  static constexpr int rank = channel_axis + (Grouped ? 3 : 2);
  static constexpr int unit_axis = rank - 1;
  static constexpr unsigned element_sizes = Inner::element_sizes;
  static constexpr int weight = Inner::weight + 1;
  static constexpr bool sure = Inner::sure;

  // A row of the matrix.
  struct Tap {
    index_t channel;
    Extents at;
  };

  // `extents` are those of the axes that the window slides along, `channels` those of a group.
  constexpr WindowCursor(const Inner& inner, const Extents& extents, const Extents& taps,
                         const Extents& places, index_t channels) noexcept
      : inner_(inner),
        extents_(extents),
        channels_(channels),
        window_(make_divisor<size_pattern(Taps)>(tenon::detail::product(taps))),
        last_taps_(make_divisor<Taps.back()>(taps.back())),
        last_places_(make_divisor<Places.back()>(places.back())) {}

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<value_type, N> read(const Position& at,
                                                            const Environment& environment) const {
    if constexpr (Axis == rank - 1) {
      const Tap tap = tap_of(at.row);
      const Extents place = place_of(at.col);
      if constexpr (axes > 1)
        if (place[last] + at.count > last_places_.value()) [[unlikely]]
          return read_columns<N>(at, environment);
      return read_run<N, Steps.stride[last], Partial>(tap.channel, sum(tap, place), at.count,
                                                      environment);
    } else {
      static_assert(Axis == rank - 2);
      return read_rows<N>(at, environment);
    }
  }

  // Rows of the matrix from one on, for the columns from one on to the end of their row of places: see
  // StretchSource. From tap to tap there is nothing to divide.
  class Rows {
   public:
    TENON_INLINE Rows(const WindowCursor& windows, index_t row, index_t col) noexcept
        : windows_(windows), tap_(windows.tap_of(row)) {
      const Extents place = windows.place_of(col);
      at_ = sum(tap_, place);
      const auto& strides = windows.inner_.strides();
      offset_ = tap_.channel * strides[channel];
      for (std::size_t d = 0; d < at_.size(); ++d) offset_ += at_[d] * strides[channel + 1 + d];
      if (strides[channel + static_cast<std::size_t>(axes)] == 1)
        count_ = windows.last_places_.value() - place[last];
    }

    [[nodiscard]] TENON_INLINE index_t count() const noexcept { return count_; }
    [[nodiscard]] TENON_INLINE Stretch<value_type> stretch() const noexcept {
      if constexpr (axes == 2)
        if (at_[0] < 0 || at_[0] >= windows_.extents_[0]) return {nullptr, 0, 0};
      return {windows_.inner_.pointer() + offset_, -at_[last], windows_.extents_[last] - at_[last]};
    }
    TENON_INLINE void next() noexcept {
      ++tap_.at[last];
      move(last, Steps.dilation[last]);
      if (tap_.at[last] < windows_.last_taps_.value()) return;
      tap_.at[last] = 0;
      move(last, -Steps.dilation[last] * windows_.last_taps_.value());
      if constexpr (axes == 2) {
        ++tap_.at[0];
        move(0, Steps.dilation[0]);
        if (tap_.at[0] * windows_.last_taps_.value() < windows_.window_.value()) return;
        move(0, -Steps.dilation[0] * tap_.at[0]);
        tap_.at[0] = 0;
      }
      offset_ += windows_.inner_.strides()[channel];
    }

   private:
    static constexpr auto channel = static_cast<std::size_t>(channel_axis);

    TENON_INLINE void move(std::size_t axis, index_t steps) noexcept {
      at_[axis] += steps;
      offset_ += steps * windows_.inner_.strides()[channel + 1 + axis];
    }

    const WindowCursor& windows_;
    Tap tap_;
    Extents at_{};
    index_t offset_ = 0;
    index_t count_ = 0;
  };
  [[nodiscard]] TENON_INLINE Rows rows(index_t row, index_t col) const noexcept
    requires(detail::is_memory<Inner> && Steps.stride[last] == 1)
  {
    return Rows(*this, row, col);
  }

  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    inner_.step(axis, axis < channel_axis ? count : count * channels_);
  }
  [[nodiscard]] constexpr int memory_axis() const noexcept { return rank - 1; }
  [[nodiscard]] constexpr auto without_hints() const { return with(inner_.without_hints()); }

  // Contract: the axes stay where they are.
  template <auto Source, unsigned UnitAxes, class Starts, class S>
  [[nodiscard]] constexpr auto remap(const Starts&, const S&) const {
    static_assert(Source == detail::axes_in_order<rank>());
    return *this;
  }

  // Stretches outer axes only: rows and columns never are.
  template <int R2, unsigned OneMask, unsigned OpenMask, class E>
  [[nodiscard]] constexpr auto broadcast(const E& extents) const {
    constexpr unsigned outer = (1U << channel_axis) - 1U;
    std::array<index_t, static_cast<std::size_t>(Inner::rank)> inner{};
    for (std::size_t d = 0; d < inner.size(); ++d)
      inner[d] = static_cast<int>(d) < channel_axis ? extents[d] : 2;
    return with(inner_.template broadcast < R2 - rank + Inner::rank, OneMask & outer,
                OpenMask & outer > (inner));
  }

 private:
  template <auto, bool, auto, auto, class>
  friend class WindowCursor;

  template <class Pattern>
  static consteval index_t size_pattern(const Pattern& pattern) {
    index_t n = 1;
    for (const index_t e : pattern) n = e < 0 || n < 0 ? -1 : n * e;
    return n;
  }
  using Window = decltype(make_divisor<size_pattern(Taps)>(1));
  using LastTaps = decltype(make_divisor<Taps.back()>(1));
  using LastPlaces = decltype(make_divisor<Places.back()>(1));

  constexpr WindowCursor(const Inner& inner, const Extents& extents, index_t channels,
                         const Window& window, const LastTaps& taps, const LastPlaces& places)
      : inner_(inner),
        extents_(extents),
        channels_(channels),
        window_(window),
        last_taps_(taps),
        last_places_(places) {}

  template <class To>
  constexpr auto with(const To& inner) const {
    return WindowCursor<Steps, Grouped, Taps, Places, To>(inner, extents_, channels_, window_,
                                                          last_taps_, last_places_);
  }

  // Formula: (row / taps, row % taps), the latter in row-major order.
  [[nodiscard]] TENON_INLINE constexpr Tap tap_of(index_t row) const noexcept {
    Tap tap{window_.divide(row), {}};
    index_t t = row - tap.channel * window_.value();
    if constexpr (axes == 2) {
      tap.at[0] = last_taps_.divide(t);
      t -= tap.at[0] * last_taps_.value();
    }
    tap.at[last] = t;
    return tap;
  }
  [[nodiscard]] TENON_INLINE constexpr Extents place_of(index_t col) const noexcept {
    Extents place{};
    if constexpr (axes == 2) {
      place[0] = last_places_.divide(col);
      col -= place[0] * last_places_.value();
    }
    place[last] = col;
    return place;
  }
  // Where in x a tap of the window at a place lies.
  [[nodiscard]] TENON_INLINE static constexpr Extents sum(const Tap& tap,
                                                          const Extents& place) noexcept {
    Extents at{};
    for (std::size_t d = 0; d < at.size(); ++d)
      at[d] = place[d] * Steps.stride[d] + tap.at[d] * Steps.dilation[d] - Steps.before[d];
    return at;
  }

  // Elements at, at + Step, … along the last axis, `count` of them.
  template <int N, index_t Step, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<value_type, N> read_run(
      index_t channel, const Extents& at, int count, const Environment& environment) const {
    const bool row_inside = axes == 1 || (at[0] >= 0 && at[0] < extents_[0]);
    if (row_inside && at[last] >= 0 && at[last] + (count - 1) * Step < extents_[last]) [[likely]]
      return read_inside<N, Step, Partial>(channel, at, count, environment);
    return read_edge<N, Step>(channel, at, count, environment);
  }

  template <int N, index_t Step, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<value_type, N> read_inside(
      index_t channel, const Extents& at, int count, const Environment& environment) const {
    constexpr int along = Inner::rank - 1;
    if constexpr (Step == 1 && axes == 1) {
      return detail::plain(
          inner_.template read<N, along, Partial>(Position{channel, at[last], count}, environment));
    } else if constexpr (Step == 1) {
      Inner plane = inner_;
      plane.step(channel_axis, channel);
      return detail::plain(
          plane.template read<N, along, Partial>(Position{at[0], at[last], count}, environment));
    } else {
      constexpr auto same = detail::axes_in_order<Inner::rank>();
      std::array<index_t, static_cast<std::size_t>(Inner::rank)> starts{}, steps{};
      for (auto& one : steps) one = 1;
      steps[static_cast<std::size_t>(along)] = Step;
      starts[static_cast<std::size_t>(channel_axis)] = channel;
      for (std::size_t d = 0; d < at.size(); ++d)
        starts[static_cast<std::size_t>(channel_axis) + 1 + d] = at[d];
      return detail::plain(
          inner_.template remap<same, ~(1U << along)>(starts, steps)
              .template read<N, along, Partial>(Position{0, 0, count}, environment));
    }
  }

  // The same where some elements may lie outside of x.
  template <int N, index_t Step, class Environment>
  [[nodiscard, gnu::noinline]] simd::Pack<value_type, N> read_edge(
      index_t channel, Extents at, int count, const Environment& environment) const {
    value_type lanes[N] = {};
    if (axes == 1 || (at[0] >= 0 && at[0] < extents_[0])) {
      const index_t first = at[last];
      const auto lanes_to = [&](index_t end) {  // those before coordinate `end`
        return first >= end ? index_t{0}
                            : std::min<index_t>((end - first + Step - 1) / Step, count);
      };
      const index_t from = lanes_to(0), to = lanes_to(extents_[last]);
      if (from < to) {
        at[last] = first + from * Step;
        const int some = static_cast<int>(to - from);
        read_inside<N, Step, true>(channel, at, some, environment)
            .store_partial(lanes + from, some);
      }
    }
    return simd::Pack<value_type, N>::load(lanes);
  }

  // Columns that go on in the next row of places.
  template <int N, class Environment>
  [[nodiscard, gnu::noinline]] simd::Pack<value_type, N> read_columns(
      const Position& at, const Environment& environment) const {
    const Tap tap = tap_of(at.row);
    value_type lanes[N] = {};
    for (int done = 0; done < at.count;) {
      const Extents place = place_of(at.col + done);
      const int some =
          static_cast<int>(std::min<index_t>(at.count - done, last_places_.value() - place[last]));
      read_run<N, Steps.stride[last], true>(tap.channel, sum(tap, place), some, environment)
          .store_partial(lanes + done, some);
      done += some;
    }
    return simd::Pack<value_type, N>::load(lanes);
  }

  // Rows of one column: taps along the last axis, then the next of the others, then channels.
  template <int N, class Environment>
  [[nodiscard, gnu::noinline]] simd::Pack<value_type, N> read_rows(
      const Position& at, const Environment& environment) const {
    const Extents place = place_of(at.col);
    value_type lanes[N] = {};
    for (int done = 0; done < at.count;) {
      const Tap tap = tap_of(at.row + done);
      const int some =
          static_cast<int>(std::min<index_t>(at.count - done, last_taps_.value() - tap.at[last]));
      read_run<N, Steps.dilation[last], true>(tap.channel, sum(tap, place), some, environment)
          .store_partial(lanes + done, some);
      done += some;
    }
    return simd::Pack<value_type, N>::load(lanes);
  }

  Inner inner_;
  Extents extents_;
  index_t channels_;
  [[no_unique_address]] Window window_;
  [[no_unique_address]] LastTaps last_taps_;
  [[no_unique_address]] LastPlaces last_places_;
};

}  // namespace tenon::inline TENON_MODE::kernels
