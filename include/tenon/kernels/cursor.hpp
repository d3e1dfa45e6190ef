#pragma once
// Cursors: what kernels read. A cursor yields the pack of values at a position of an iteration
// space; it is a strided pointer, a value, a bound name, or a functor over other cursors.
//
//   StridedCursor   p[row · s[R-2] + col · s[R-1]], pack along one axis
//   ScalarCursor    the same value everywhere
//   BoundCursor     a pack that the kernel, or a `let` around it, has put into the environment
//   MapCursor       a tree of functors over what other cursors read: f(read(c0), g(read(c1), read(c2)))
//   LetCursor       binds the pack of one cursor, then reads another
//
// Outer axes are walked by `step`, which moves the pointers; the last two axes by a Position.

#include <tenon/kernels/nest.hpp>
#include <tenon/kernels/position.hpp>
#include <tenon/kernels/strided_cursor.hpp>

#include <tenon/core/config.hpp>
#include <tenon/simd/pack.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace tenon::inline TENON_MODE::kernels {

// Elements of memory with zeros around them: element i is p[i] for first <= i < last, 0 elsewhere. p itself
// may lie outside of the memory.
template <class T>
struct Stretch {
  const T* p;
  index_t first, last;

  [[nodiscard]] TENON_INLINE bool holds(index_t i, index_t count) const noexcept {
    return first <= i && i + count <= last;
  }
  // Elements i … i + N - 1.
  template <int N>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> load(index_t i) const {
    const index_t from = first - i < 0 ? 0 : first - i, to = last - i < N ? last - i : N;
    return simd::Pack<T, N>::load_between(p + i, static_cast<int>(from < N ? from : N),
                                          static_cast<int>(to < from ? from < N ? from : N : to));
  }
};

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

// The first axis that one of the cursors is known to walk in memory order; -1 if none is.
template <class... C>
consteval int common_unit_axis() {
  int axis = -1;
  ((axis = axis >= 0 ? axis : C::unit_axis), ...);
  return axis;
}

}  // namespace detail

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
