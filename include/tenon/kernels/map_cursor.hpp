#pragma once
// The cursor of elementwise work: a tree of functors over what other cursors read.
//
// The cursors lie side by side, and the tree is a type: walking, merging and stretching go over a flat list,
// whose code all maps over cursors of the same types share.

#include <tenon/kernels/cursor.hpp>

#include <cstddef>

namespace tenon::inline TENON_MODE::kernels {

namespace detail {

// Formula: lane i of the result = f(lane i of each pack), through packs where f takes packs, lane by
// lane where it takes only numbers.
template <int N, class F, class... P>
[[nodiscard]] TENON_INLINE auto apply_plain(const F& f, const P&... packs) {
  if constexpr (std::is_invocable_v<const F&, const P&...>) {
    using Result = std::remove_cvref_t<std::invoke_result_t<const F&, const P&...>>;
    if constexpr (simd::is_pack<Result> || simd::is_mask<Result>)
      return f(packs...);
    else
      return simd::Pack<Result, N>(f(packs...));
  } else {
    using Result = std::remove_cvref_t<std::invoke_result_t<const F&, typename P::value_type...>>;
    Result lanes[N];
    for (int i = 0; i < N; ++i) lanes[i] = f(packs.lane(i)...);
    return simd::Pack<Result, N>::load(lanes);
  }
}

template <class F>
inline constexpr bool takes_masks = requires { requires F::takes_masks; };

template <int N, class F, class... P>
[[nodiscard]] TENON_INLINE auto apply(const F& f, const P&... packs) {
  if constexpr (takes_masks<F>)
    return f(packs...);
  else
    return apply_plain<N>(f, plain(packs)...);
}

// What a functor costs beside an addition: 1, or what it says.
template <class F>
inline constexpr int weight_of = 1;
template <class F>
  requires requires { F::weight; }
inline constexpr int weight_of<F> = F::weight;

// Cursor K of several.
template <std::size_t K, class C>
struct Cell {
  C cursor;
};

template <std::size_t K, class C>
[[nodiscard]] TENON_INLINE constexpr const C& cursor_at(const Cell<K, C>& cell) noexcept {
  return cell.cursor;
}

}  // namespace detail

// A functor that is not known by its type, as a cursor beside those that its operands come from.
template <class F, int R>
class FunctorCursor : public StillCursor<bool, R> {
 public:
  static constexpr unsigned element_sizes = 0;

  constexpr explicit FunctorCursor(const F& f) : f_(f) {}
  [[nodiscard]] constexpr const F& functor() const noexcept { return f_; }

  [[nodiscard]] constexpr auto without_hints() const { return *this; }
  [[nodiscard]] constexpr auto flattened() const { return FunctorCursor<F, 1>(f_); }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts&, const Steps&) const {
    return FunctorCursor<F, static_cast<int>(Source.size())>(f_);
  }
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents&) const {
    return FunctorCursor<F, R2>(f_);
  }

 private:
  F f_;
};

// What a MapCursor computes, as a type: Argument<K> is what its cursor K reads, Call<F, X...> the functor F
// on what X... give, HeldCall<K, F, X...> the same with the functor in cursor K.
template <std::size_t K>
struct Argument {
  static constexpr int weight = 0;

  template <int N, int Axis, bool Partial, class C, class Environment>
  [[nodiscard]] TENON_INLINE static auto compute(const detail::Cell<K, C>& cell, const Position& at,
                                                 const Environment& environment) {
    return cell.cursor.template read<N, Axis, Partial>(at, environment);
  }
};

template <class F, class... X>
struct Call {
  static constexpr int weight = (detail::weight_of<F> + ... + X::weight);

  template <int N, int Axis, bool Partial, class Cells, class Environment>
  [[nodiscard]] TENON_INLINE static auto compute(const Cells& cells, const Position& at,
                                                 const Environment& environment) {
    return detail::apply<N>(F{}, X::template compute<N, Axis, Partial>(cells, at, environment)...);
  }
};

template <std::size_t K, class F, class... X>
struct HeldCall {
  static constexpr int weight = (detail::weight_of<F> + ... + X::weight);

  template <int N, int Axis, bool Partial, class Cells, class Environment>
  [[nodiscard]] TENON_INLINE static auto compute(const Cells& cells, const Position& at,
                                                 const Environment& environment) {
    return detail::apply<N>(detail::cursor_at<K>(cells).functor(),
                            X::template compute<N, Axis, Partial>(cells, at, environment)...);
  }
};

// A tree of functors over cursors of one rank: Work says which of them go where. An aggregate, {{{c}...}}.
template <class T, int R, class Work, class... C>
struct MapCursor;

namespace detail {

// Cursors side by side, and what is done to each of them alike: compiled once for all the maps over
// cursors of these types.
template <class Index, class... C>
struct Cells;
template <std::size_t... K, class... C>
struct Cells<std::index_sequence<K...>, C...> : Cell<K, C>... {
  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    (static_cast<Cell<K, C>&>(*this).cursor.step(axis, count), ...);
  }
  [[nodiscard]] constexpr int memory_axis() const noexcept {
    int axis = -1;
    ((axis = axis >= 0 ? axis : static_cast<const Cell<K, C>&>(*this).cursor.memory_axis()), ...);
    return axis;
  }
  [[nodiscard]] constexpr bool mergeable(int outer, int inner, index_t extent) const noexcept {
    return (static_cast<const Cell<K, C>&>(*this).cursor.mergeable(outer, inner, extent) && ...);
  }
  template <int R>
  constexpr void compact(const Nest<R>& nest) noexcept {
    (static_cast<Cell<K, C>&>(*this).cursor.compact(nest), ...);
  }
  [[nodiscard]] constexpr bool hints_hold(int axis) const noexcept {
    return (static_cast<const Cell<K, C>&>(*this).cursor.hints_hold(axis) && ...);
  }

  // The map of T, R and Work over change(cursor) of each.
  template <class T, int R, class Work, class Change>
  [[nodiscard]] constexpr auto mapped(const Change& change) const {
    return MapCursor<T, R, Work, decltype(change(std::declval<const C&>()))...>{
        {{change(static_cast<const Cell<K, C>&>(*this).cursor)}...}};
  }
};

}  // namespace detail

template <class T, int R, class Work, class... C>
struct MapCursor : detail::Cells<std::index_sequence_for<C...>, C...> {
  using value_type = T;
  static constexpr int rank = R;
  static constexpr int unit_axis = detail::common_unit_axis<C...>();
  static constexpr unsigned element_sizes = (sizeof(T) | ... | C::element_sizes);
  static constexpr int weight = (Work::weight + ... + C::weight);
  static constexpr bool sure = (C::sure && ...);

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE auto read(const Position& at, const Environment& environment) const {
    return Work::template compute<N, Axis, Partial>(*this, at, environment);
  }
  [[nodiscard]] constexpr auto without_hints() const {
    return this->template mapped<T, R, Work>([](const auto& c) { return c.without_hints(); });
  }
  [[nodiscard]] constexpr auto flattened() const {
    return this->template mapped<T, 1, Work>([](const auto& c) { return c.flattened(); });
  }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts& starts, const Steps& steps) const {
    return this->template mapped<T, static_cast<int>(Source.size()), Work>(
        [&](const auto& c) { return c.template remap<Source, UnitAxes>(starts, steps); });
  }
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents& extents) const {
    return this->template mapped<T, R2, Work>(
        [&](const auto& c) { return c.template broadcast<R2, OneMask, OpenMask>(extents); });
  }
};

template <class T, int R, class Work, class... C>
[[nodiscard]] constexpr auto make_map_cursor(const C&... cursors) {
  return MapCursor<T, R, Work, C...>{{{cursors}...}};
}

// Formula: f(read(c)…), elements of T.
template <class T, class F, class First, class... C>
[[nodiscard]] constexpr auto map_cursor(const F& f, const First& first, const C&... more) {
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    if constexpr (std::is_empty_v<F> && std::is_default_constructible_v<F>)
      return MapCursor<T, First::rank, Call<F, Argument<K>...>, First, C...>{{{first}, {more}...}};
    else
      return MapCursor<T, First::rank, HeldCall<0, F, Argument<K + 1>...>,
                       FunctorCursor<F, First::rank>, First, C...>{
          {{FunctorCursor<F, First::rank>(f)}, {first}, {more}...}};
  }(std::make_index_sequence<1 + sizeof...(C)>{});
}

}  // namespace tenon::inline TENON_MODE::kernels
