#pragma once
// Several operands one after another along an axis, with a value wherever none of them is: pad and
// concat, read where their operands lie.
//
//   part k holds the coordinates begin_k … end_k - 1 of the joined axis; coordinate = base + sum over the
//   axes d of the cursor of coefficient_d · index_d
//
// A part has the joined axis of its operand in front and, among the others, none that moves along it:
// it stands at the beginning of that axis, and no pointer leaves what the operand holds.

#include <tenon/kernels/cursor.hpp>

#include <array>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tenon::inline TENON_MODE::kernels {

// An operand of a join: a cursor as above, the coordinates that it holds.
template <class C>
struct JoinedPart {
  C cursor;
  index_t begin = 0;
  index_t end = 0;

  [[nodiscard]] constexpr bool holds(index_t at) const noexcept { return begin <= at && at < end; }
};

namespace detail {

// The axes of a part whose joined axis stays in front of those that Source names.
template <auto Source>
consteval auto axes_after_joined() {
  std::array<int, Source.size() + 1> axes{};
  axes[0] = 0;  // as a template argument GCC 12 takes {untouched, 1, 2} for {1, 2, 0}
  for (std::size_t d = 0; d < Source.size(); ++d) axes[d + 1] = Source[d] < 0 ? -1 : Source[d] + 1;
  return axes;
}

// Those of a part of R + 1 axes whose joined axis is number Joined: that one in front.
template <int R, int Joined>
consteval auto joined_in_front() {
  std::array<int, static_cast<std::size_t>(R + 1)> axes{};
  axes[0] = Joined;
  for (int d = 0; d < R; ++d) axes[static_cast<std::size_t>(d + 1)] = d < Joined ? d : d + 1;
  return axes;
}

// Those of a part of R + 1 axes with the joined axis in the place of Axis.
template <int R, int Axis>
consteval auto joined_in_place() {
  std::array<int, static_cast<std::size_t>(R)> axes{};
  for (int d = 0; d < R; ++d) axes[static_cast<std::size_t>(d)] = d == Axis ? 0 : d + 1;
  return axes;
}

// What happens to the cursor of a part: a remap; a broadcast from rank R to R2, after which the joined axis
// is brought to the front again.
struct PartWithoutHints {
  template <class C>
  [[nodiscard]] constexpr auto operator()(const C& cursor) const {
    return cursor.without_hints();
  }
};
template <auto Axes, unsigned UnitAxes, int R>
struct RemapPart {
  const std::array<index_t, static_cast<std::size_t>(R)>& starts;
  const std::array<index_t, static_cast<std::size_t>(R)>& steps;
  template <class C>
  [[nodiscard]] constexpr auto operator()(const C& cursor) const {
    return cursor.template remap<Axes, UnitAxes>(starts, steps);
  }
};
template <int R, int R2, unsigned OneMask, unsigned OpenMask>
struct StretchPart {
  const std::array<index_t, static_cast<std::size_t>(R)>& extents;
  template <class C>
  [[nodiscard]] constexpr auto operator()(const C& cursor) const {
    std::array<index_t, static_cast<std::size_t>(R2)> none{}, ones{};
    for (auto& one : ones) one = 1;
    return cursor.template broadcast<R2, OneMask, OpenMask>(extents)
        .template remap<joined_in_front<R2 - 1, R2 - R>(), ~0U>(none, ones);
  }
};

}  // namespace detail

template <class T, int R, class... C>
class JoinCursor {
  static_assert(R >= 1 && ((C::rank == R + 1) && ...));

 public:
  using value_type = T;
  using Coefficients = std::array<index_t, static_cast<std::size_t>(R)>;
  using Parts = std::tuple<JoinedPart<C>...>;
  static constexpr int rank = R;
  static constexpr int unit_axis = -1;
  static constexpr unsigned element_sizes = (sizeof(T) | ... | C::element_sizes);
  static constexpr int weight = (2 + ... + C::weight);
  static constexpr bool sure = (C::sure && ...);

  constexpr JoinCursor(T value, index_t base, const Coefficients& coefficients, const Parts& parts)
      : value_(value), base_(base), coefficients_(coefficients), parts_(parts) {}

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> read(const Position& at,
                                                   const Environment& environment) const {
    simd::Pack<T, N> result(value_);
    const index_t first = coordinate(at), delta = coefficients_[static_cast<std::size_t>(Axis)];
    const index_t last = first + (Partial ? at.count - 1 : N - 1) * delta;
    const bool is_whole = std::apply(
        [&](const auto&... part) TENON_INLINE_LAMBDA {
          return (
              (part.holds(first) && part.holds(last) &&
               (result = read_part<N, Axis, Partial>(part, first, delta, at, environment), true)) ||
              ...);
        },
        parts_);
    if (is_whole) [[likely]]
      return result;
    return delta == 0 ? result : read_across<N, Axis>(first, delta, at, environment);
  }

  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    base_ += coefficients_[static_cast<std::size_t>(axis)] * count;
    std::apply([&](auto&... part) { (part.cursor.step(axis + 1, count), ...); }, parts_);
  }
  [[nodiscard]] constexpr int memory_axis() const noexcept {
    return coefficients_[static_cast<std::size_t>(R - 1)] != 0
               ? R - 1
               : std::get<0>(parts_).cursor.memory_axis() - 1;
  }
  [[nodiscard]] constexpr bool mergeable(int outer, int inner, index_t extent) const noexcept {
    return coefficients_[static_cast<std::size_t>(outer)] == 0 &&
           coefficients_[static_cast<std::size_t>(inner)] == 0 &&
           std::apply(
               [&](const auto&... part) {
                 return (part.cursor.mergeable(outer + 1, inner + 1, extent) && ...);
               },
               parts_);
  }
  constexpr void compact(const Nest<R>& nest) noexcept {
    Coefficients merged{};
    Nest<R + 1> shifted;  // the joined axis stays in front; what no loop walks stays as well
    shifted.depth = R + 1;
    for (int d = 0; d <= R; ++d) shifted.source[static_cast<std::size_t>(d)] = d;
    for (int i = 0; i < nest.depth; ++i) {
      const auto d = static_cast<std::size_t>(R - nest.depth + i);
      const int from = nest.source[static_cast<std::size_t>(i)];
      merged[d] = coefficients_[static_cast<std::size_t>(from)];
      shifted.source[d + 1] = from + 1;
    }
    coefficients_ = merged;
    std::apply([&](auto&... part) { (part.cursor.compact(shifted), ...); }, parts_);
  }
  [[nodiscard]] constexpr bool hints_hold(int axis) const noexcept {
    return std::apply(
        [&](const auto&... part) {
          return ((part.cursor.hints_hold(0) && part.cursor.hints_hold(axis + 1)) && ...);
        },
        parts_);
  }
  [[nodiscard]] constexpr auto without_hints() const {
    return with<R>(base_, coefficients_, detail::PartWithoutHints{});
  }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts& starts, const Steps& steps) const {
    constexpr auto R2 = Source.size();
    std::array<index_t, static_cast<std::size_t>(R + 1)> from{}, by{};
    by[0] = 1;
    index_t base = base_;
    for (std::size_t c = 0; c < static_cast<std::size_t>(R); ++c) {
      base += starts[c] * coefficients_[c];
      from[c + 1] = coefficients_[c] == 0 ? starts[c] : 0;
      by[c + 1] = steps[c];
    }
    std::array<index_t, R2> coefficients{};
    for (std::size_t d = 0; d < R2; ++d)
      if (Source[d] >= 0) {
        const auto c = static_cast<std::size_t>(Source[d]);
        coefficients[d] = coefficients_[c] * steps[c];
      }
    return with<static_cast<int>(R2)>(base, coefficients,
                                      detail::RemapPart < detail::axes_after_joined<Source>(),
                                      (UnitAxes << 1) | 1U, R + 1 > {from, by});
  }
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents& extents) const {
    constexpr auto shift = static_cast<std::size_t>(R2 - R);
    std::array<index_t, static_cast<std::size_t>(R + 1)> all{};
    all[0] = 2;
    std::array<index_t, static_cast<std::size_t>(R2)> coefficients{};
    for (std::size_t c = 0; c < static_cast<std::size_t>(R); ++c) {
      all[c + 1] = extents[c];
      coefficients[c + shift] = extents[c] == 1 ? 0 : coefficients_[c];
    }
    return with<R2>(base_, coefficients,
                    detail::StretchPart<R + 1, R2 + 1, (OneMask << 1), (OpenMask << 1)>{all});
  }

 private:
  [[nodiscard]] TENON_INLINE constexpr index_t coordinate(const Position& at) const noexcept {
    index_t c = base_ + at.col * coefficients_[static_cast<std::size_t>(R - 1)];
    if constexpr (R >= 2) c += at.row * coefficients_[static_cast<std::size_t>(R - 2)];
    return c;
  }

  template <int To, class Change>
  [[nodiscard]] constexpr auto with(index_t base,
                                    const std::array<index_t, static_cast<std::size_t>(To)>& moved,
                                    const Change& change) const {
    return changed<To>(base, moved, change, std::index_sequence_for<C...>{});
  }
  template <int To, class Change, std::size_t... K>
  [[nodiscard]] constexpr auto changed(
      index_t base, const std::array<index_t, static_cast<std::size_t>(To)>& moved,
      const Change& change, std::index_sequence<K...>) const {
    return JoinCursor<T, To, std::invoke_result_t<const Change&, const C&>...>(
        value_, base, moved,
        {JoinedPart<std::invoke_result_t<const Change&, const C&>>{
            change(std::get<K>(parts_).cursor), std::get<K>(parts_).begin,
            std::get<K>(parts_).end}...});
  }

  // The elements of one part from coordinate `first` on, `delta` apart.
  template <int N, int Axis, bool Partial, class C1, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> read_part(const JoinedPart<C1>& part, index_t first,
                                                        index_t delta, const Position& at,
                                                        const Environment& environment) const {
    if (delta == 0) {
      C1 cursor = part.cursor;
      cursor.step(0, first - part.begin);
      return detail::plain(cursor.template read<N, Axis + 1, Partial>(at, environment));
    }
    constexpr auto along = detail::joined_in_place<R, Axis>();
    std::array<index_t, static_cast<std::size_t>(R + 1)> from{}, by{};
    for (auto& one : by) one = 1;
    from[0] = first - part.begin;
    by[0] = delta;
    const Position there{Axis == R - 2 ? 0 : at.row, Axis == R - 1 ? 0 : at.col, at.count};
    return detail::plain(
        part.cursor.template remap<along, ~1U>(from, by).template read<N, Axis, Partial>(
            there, environment));
  }

  // The same where they lie in several parts, or in none.
  template <int N, int Axis, class Environment>
  [[nodiscard, gnu::noinline]] simd::Pack<T, N> read_across(index_t first, index_t delta,
                                                            const Position& at,
                                                            const Environment& environment) const {
    T lanes[N];
    for (T& lane : lanes) lane = value_;
    const auto read_lanes = [&](const auto& part) {
      int from = 0, to = at.count;
      while (from < to && !part.holds(first + from * delta)) ++from;
      while (from < to && !part.holds(first + (to - 1) * delta)) --to;
      if (from == to) return;
      const Position some{at.row, at.col, to - from};
      read_part<N, Axis, true>(part, first + from * delta, delta, some, environment)
          .store_partial(lanes + from, to - from);
    };
    std::apply([&](const auto&... part) { (read_lanes(part), ...); }, parts_);
    return simd::Pack<T, N>::load(lanes);
  }

  T value_;
  index_t base_;
  Coefficients coefficients_;
  Parts parts_;
};

}  // namespace tenon::inline TENON_MODE::kernels
