#pragma once
// Cursors: what kernels read. A cursor yields the pack of values at a position of an iteration
// space; it is a strided pointer, a value, a bound name, or a functor over other cursors.
//
//   StridedCursor   p[row · s[R-2] + col · s[R-1]], pack along one axis
//   ScalarCursor    the same value everywhere
//   BoundCursor     a pack that the kernel, or a `let` around it, has put into the environment
//   MapCursor       f(read(c0), read(c1), …)
//   LetCursor       binds the pack of one cursor, then reads another
//
// Outer axes are walked by `step`, which moves the pointers; the last two axes by a Position.

#include <tenon/kernels/nest.hpp>
#include <tenon/kernels/position.hpp>
#include <tenon/kernels/strided_cursor.hpp>

#include <tenon/core/config.hpp>
#include <tenon/simd/pack.hpp>

#include <boost/hana/basic_tuple.hpp>
#include <boost/hana/unpack.hpp>

#include <type_traits>
#include <utility>

namespace tenon::inline TENON_MODE::kernels {

namespace hana = boost::hana;

// What cursors that read no memory have in common: there is nothing to step and nothing to merge.
template <class T, int R>
class StillCursor {
 public:
  using value_type = T;
  static constexpr int rank = R;
  static constexpr int unit_axis = -1;
  static constexpr unsigned element_sizes = sizeof(T);
  static constexpr int weight = 0;
  static constexpr bool sure = true;

  TENON_INLINE constexpr void step(int, index_t) noexcept {}
  [[nodiscard]] constexpr int memory_axis() const noexcept { return -1; }
  [[nodiscard]] constexpr bool mergeable(int, int, index_t) const noexcept { return true; }
  constexpr void compact(const Nest<R>&) noexcept {}
  [[nodiscard]] constexpr bool hints_hold(int) const noexcept { return true; }
};

// The same value at every position.
template <class T, int R>
class ScalarCursor : public StillCursor<T, R> {
 public:
  constexpr explicit ScalarCursor(T value) noexcept : value_(value) {}

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> read(const Position&, const Environment&) const {
    return simd::Pack<T, N>(value_);
  }
  [[nodiscard]] constexpr auto without_hints() const noexcept { return *this; }
  [[nodiscard]] constexpr auto flattened() const noexcept { return ScalarCursor<T, 1>(value_); }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts&, const Steps&) const noexcept {
    return ScalarCursor<T, static_cast<int>(Source.size())>(value_);
  }
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents&) const noexcept {
    return ScalarCursor<T, R2>(value_);
  }

 private:
  T value_;
};

// The pack that the environment holds under Tag: a product on its way to the store, or a `let`.
template <class Tag, class T, int R>
class BoundCursor : public StillCursor<T, R> {
 public:
  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE auto read(const Position&, const Environment& environment) const {
    return lookup<Tag>(environment);
  }
  [[nodiscard]] constexpr auto without_hints() const noexcept { return *this; }
  [[nodiscard]] constexpr auto flattened() const noexcept { return BoundCursor<Tag, T, 1>(); }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts&, const Steps&) const noexcept {
    return BoundCursor<Tag, T, static_cast<int>(Source.size())>();
  }
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents&) const noexcept {
    return BoundCursor<Tag, T, R2>();
  }
};

namespace detail {

template <class C>
inline constexpr bool is_memory = false;
template <class T, int R, int Unit, unsigned Zero, bool Sure>
inline constexpr bool is_memory<StridedCursor<T, R, Unit, Zero, Sure>> = true;
template <class C, class Tag>
inline constexpr bool is_bound_to = false;
template <class Tag, class T, int R>
inline constexpr bool is_bound_to<BoundCursor<Tag, T, R>, Tag> = true;

// A mask as the bool pack that generic functors see.
template <class P>
[[nodiscard]] TENON_INLINE auto plain(const P& value) {
  if constexpr (simd::is_mask<P>)
    return simd::Pack<bool, P::size>(value);
  else
    return value;
}

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

// The first axis that one of the cursors is known to walk in memory order; -1 if none is.
template <class... C>
consteval int common_unit_axis() {
  int axis = -1;
  ((axis = axis >= 0 ? axis : C::unit_axis), ...);
  return axis;
}

}  // namespace detail

// A functor over cursors of one rank.
template <class T, int R, class F, class... C>
class MapCursor {
 public:
  using value_type = T;
  static constexpr int rank = R;
  static constexpr int unit_axis = detail::common_unit_axis<C...>();
  static constexpr unsigned element_sizes = (sizeof(T) | ... | C::element_sizes);
  static constexpr int weight = (detail::weight_of<F> + ... + C::weight);
  static constexpr bool sure = (C::sure && ...);

  constexpr explicit MapCursor(const F& f, const C&... operands) : f_(f), operands_{operands...} {}

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE auto read(const Position& at, const Environment& environment) const {
    return hana::unpack(operands_, [&](const auto&... c) TENON_INLINE_LAMBDA {
      return detail::apply<N>(f_, c.template read<N, Axis, Partial>(at, environment)...);
    });
  }
  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    hana::unpack(operands_, [&](auto&... c) TENON_INLINE_LAMBDA { (c.step(axis, count), ...); });
  }
  [[nodiscard]] constexpr int memory_axis() const noexcept {
    return hana::unpack(operands_, [](const auto&... c) {
      int axis = -1;
      ((axis = axis >= 0 ? axis : c.memory_axis()), ...);
      return axis;
    });
  }
  [[nodiscard]] constexpr bool mergeable(int outer, int inner, index_t extent) const noexcept {
    return hana::unpack(
        operands_, [&](const auto&... c) { return (c.mergeable(outer, inner, extent) && ...); });
  }
  constexpr void compact(const Nest<R>& nest) noexcept {
    hana::unpack(operands_, [&](auto&... c) { (c.compact(nest), ...); });
  }
  [[nodiscard]] constexpr bool hints_hold(int axis) const noexcept {
    return hana::unpack(operands_, [&](const auto&... c) { return (c.hints_hold(axis) && ...); });
  }
  [[nodiscard]] constexpr auto without_hints() const {
    return rebuild<R>([](const auto& c) { return c.without_hints(); });
  }
  [[nodiscard]] constexpr auto flattened() const {
    return rebuild<1>([](const auto& c) { return c.flattened(); });
  }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts& starts, const Steps& steps) const {
    return rebuild<static_cast<int>(Source.size())>(
        [&](const auto& c) { return c.template remap<Source, UnitAxes>(starts, steps); });
  }
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents& extents) const {
    return rebuild<R2>(
        [&](const auto& c) { return c.template broadcast<R2, OneMask, OpenMask>(extents); });
  }

 private:
  template <int R2, class Change>
  [[nodiscard]] constexpr auto rebuild(const Change& change) const {
    return hana::unpack(operands_, [&](const auto&... c) {
      return MapCursor<T, R2, F, decltype(change(c))...>(f_, change(c)...);
    });
  }

  [[no_unique_address]] F f_;
  hana::basic_tuple<C...> operands_;
};

// Reads `bound` once, then `body` with it under Tag.
template <class Tag, class Bound, class Body>
class LetCursor {
 public:
  using value_type = typename Body::value_type;
  static constexpr int rank = Body::rank;
  static constexpr int unit_axis = detail::common_unit_axis<Bound, Body>();
  static constexpr unsigned element_sizes = Bound::element_sizes | Body::element_sizes;
  static constexpr int weight = Bound::weight + Body::weight;
  static constexpr bool sure = Bound::sure && Body::sure;

  constexpr LetCursor(const Bound& bound, const Body& body) : bound_(bound), body_(body) {}

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE auto read(const Position& at, const Environment& environment) const {
    return body_.template read<N, Axis, Partial>(
        at, bind<Tag>(bound_.template read<N, Axis, Partial>(at, environment), environment));
  }
  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    bound_.step(axis, count);
    body_.step(axis, count);
  }
  [[nodiscard]] constexpr int memory_axis() const noexcept {
    const int axis = bound_.memory_axis();
    return axis >= 0 ? axis : body_.memory_axis();
  }
  [[nodiscard]] constexpr bool mergeable(int outer, int inner, index_t extent) const noexcept {
    return bound_.mergeable(outer, inner, extent) && body_.mergeable(outer, inner, extent);
  }
  constexpr void compact(const Nest<rank>& nest) noexcept {
    bound_.compact(nest);
    body_.compact(nest);
  }
  [[nodiscard]] constexpr bool hints_hold(int axis) const noexcept {
    return bound_.hints_hold(axis) && body_.hints_hold(axis);
  }
  [[nodiscard]] constexpr auto without_hints() const {
    return make(bound_.without_hints(), body_.without_hints());
  }
  [[nodiscard]] constexpr auto flattened() const {
    return make(bound_.flattened(), body_.flattened());
  }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts& starts, const Steps& steps) const {
    return make(bound_.template remap<Source, UnitAxes>(starts, steps),
                body_.template remap<Source, UnitAxes>(starts, steps));
  }
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents& extents) const {
    return make(bound_.template broadcast<R2, OneMask, OpenMask>(extents),
                body_.template broadcast<R2, OneMask, OpenMask>(extents));
  }

 private:
  template <class B, class C>
  static constexpr auto make(const B& bound, const C& body) {
    return LetCursor<Tag, B, C>(bound, body);
  }

  Bound bound_;
  Body body_;
};

}  // namespace tenon::inline TENON_MODE::kernels
