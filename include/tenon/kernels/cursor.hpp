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

#include <tenon/core/config.hpp>
#include <tenon/simd/pack.hpp>

#include <boost/hana/basic_tuple.hpp>
#include <boost/hana/unpack.hpp>

#include <array>
#include <type_traits>
#include <utility>

namespace tenon::inline TENON_MODE::kernels {

namespace hana = boost::hana;

// Where a pack begins: indices along the last two axes, and the number of lanes in a partial pack.
struct Position {
  index_t row = 0;
  index_t col = 0;
  int count = 0;
};

// The environment of a read: packs by name, innermost first.
struct EmptyEnvironment {};

template <class Tag, class Value, class Outer>
struct Binding {
  Value value;
  Outer outer;
};

template <class Tag, class Value, class Outer>
[[nodiscard]] TENON_INLINE constexpr auto bind(const Value& value, const Outer& outer) {
  return Binding<Tag, Value, Outer>{value, outer};
}

template <class Tag, class BoundTag, class Value, class Outer>
[[nodiscard]] TENON_INLINE constexpr const auto& lookup(
    const Binding<BoundTag, Value, Outer>& environment) {
  if constexpr (std::is_same_v<Tag, BoundTag>)
    return environment.value;
  else
    return lookup<Tag>(environment.outer);
}

// A loop nest after axes of extent 1 are dropped and neighbours that every cursor can walk in one
// stride are merged: loop i of `depth` has extents[i] and the strides of axis source[i].
template <int R>
struct Nest {
  int depth = 0;
  std::array<index_t, static_cast<std::size_t>(R == 0 ? 1 : R)> extents{};
  std::array<int, static_cast<std::size_t>(R == 0 ? 1 : R)> source{};
};

// A strided pointer. Unit is the axis whose stride is taken to be 1 (-1: none is known); a set bit
// of Zero marks an axis whose stride is known to be 0. Where Sure is false, Unit is a guess (an extent
// known at run time may turn out to be 1 and be stretched) that `hints_hold` compares with the strides.
template <class T, int R, int Unit, unsigned Zero, bool Sure = true>
class StridedCursor {
 public:
  using value_type = std::remove_const_t<T>;
  using Strides = std::array<index_t, static_cast<std::size_t>(R)>;
  static constexpr int rank = R;
  static constexpr int unit_axis = Unit;
  static constexpr unsigned element_sizes = sizeof(T);
  static constexpr int weight = 1;
  static constexpr bool sure = Sure;

  constexpr StridedCursor(T* pointer, const Strides& strides) noexcept
      : pointer_(pointer), strides_(strides) {}

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<value_type, N> read(const Position& at,
                                                            const Environment&) const {
    using P = simd::Pack<value_type, N>;
    const T* p = address(at);
    if constexpr (R == 0 || known_zero(Axis)) {
      return P(*p);
    } else if constexpr (Unit == Axis) {
      return load_unit<P, Partial>(p, at.count);
    } else {
      const index_t stride = strides_[Axis];
      if (stride == 1) return load_unit<P, Partial>(p, at.count);
      if (stride == 0) return P(*p);
      if constexpr (Partial)
        return P::gather_partial(p, stride, at.count);
      else
        return P::gather(p, stride);
    }
  }

  template <int N, int Axis, bool Partial>
  TENON_INLINE void write(const Position& at, const simd::Pack<value_type, N>& value) const {
    T* p = address(at);
    if constexpr (Unit == Axis) {
      store_unit<Partial>(p, value, at.count);
    } else {
      const index_t stride = strides_[Axis];
      if (stride == 1)
        store_unit<Partial>(p, value, at.count);
      else if constexpr (Partial)
        value.scatter_partial(p, stride, at.count);
      else
        value.scatter(p, stride);
    }
  }

  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    pointer_ += strides_[static_cast<std::size_t>(axis)] * count;
  }

  // True where walking `inner` to its end and on is the same as one step of `outer`.
  [[nodiscard]] constexpr bool mergeable(int outer, int inner,
                                         index_t inner_extent) const noexcept {
    return strides_[static_cast<std::size_t>(outer)] ==
           strides_[static_cast<std::size_t>(inner)] * inner_extent;
  }

  // Takes the strides of a merged nest, its innermost loop as the last axis.
  constexpr void compact(const Nest<R>& nest) noexcept {
    Strides merged{};
    for (int i = 0; i < nest.depth; ++i)
      merged[static_cast<std::size_t>(R - nest.depth + i)] =
          strides_[static_cast<std::size_t>(nest.source[static_cast<std::size_t>(i)])];
    strides_ = merged;
  }

  // True where the stride of `axis` is what the type promises of it.
  [[nodiscard]] constexpr bool hints_hold(int axis) const noexcept {
    const auto i = static_cast<std::size_t>(axis);
    return !(Unit == axis && strides_[i] != 1) && !(known_zero(axis) && strides_[i] != 0);
  }

  [[nodiscard]] constexpr auto without_hints() const noexcept {
    return StridedCursor<T, R, -1, 0U>(pointer_, strides_);
  }

  // A view of other axes: axis d walks axis Source[d] of this cursor, -1 stands still. `starts` and
  // `steps` are per axis of this cursor; bit c of UnitAxes says that step c is known to be 1.
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts& starts, const Steps& steps) const noexcept {
    constexpr int R2 = static_cast<int>(Source.size());
    constexpr auto hints = remapped_hints<Source, UnitAxes>();
    std::array<index_t, Source.size()> strides{};
    T* p = pointer_;
    for (std::size_t c = 0; c < static_cast<std::size_t>(R); ++c)
      if (starts[c] != 0) p += starts[c] * strides_[c];
    for (std::size_t d = 0; d < Source.size(); ++d)
      if (Source[d] >= 0) {
        const auto c = static_cast<std::size_t>(Source[d]);
        strides[d] = strides_[c] * steps[c];
      }
    return StridedCursor<T, R2, hints.unit, hints.zero, Sure>(p, strides);
  }

  // This cursor stretched to rank R2: leading axes and axes of extent 1 get stride 0. OneMask marks
  // axes of this cursor whose extent is known to be 1, OpenMask those that may turn out to be.
  template <int R2, unsigned OneMask, unsigned OpenMask, class Extents>
  [[nodiscard]] constexpr auto broadcast(const Extents& extents) const noexcept {
    constexpr int shift = R2 - R;
    constexpr bool unit_is_one = Unit >= 0 && ((OneMask >> (Unit < 0 ? 0 : Unit)) & 1U) != 0;
    constexpr int unit = Unit < 0 || unit_is_one ? -1 : Unit + shift;
    constexpr unsigned zero = ((Zero | OneMask) << shift) | ((1U << shift) - 1U);
    std::array<index_t, static_cast<std::size_t>(R2)> strides{};
    for (std::size_t c = 0; c < static_cast<std::size_t>(R); ++c)
      strides[c + static_cast<std::size_t>(shift)] = extents[c] == 1 ? 0 : strides_[c];
    constexpr bool sure_now = Sure && (Unit < 0 || ((OpenMask >> (Unit < 0 ? 0 : Unit)) & 1U) == 0);
    return StridedCursor<T, R2, unit, zero, sure_now>(pointer_, strides);
  }

  // The same elements as one axis. Contract: they lie in row-major order without gaps.
  [[nodiscard]] constexpr auto flattened() const noexcept {
    return StridedCursor<T, 1, 0, 0U>(pointer_, {1});
  }

  // The axis of the last two that lies in memory order, -1 where neither does.
  [[nodiscard]] constexpr int memory_axis() const noexcept {
    if constexpr (R == 0) return -1;
    if constexpr (R >= 1 && Unit == R - 1) return R - 1;
    if constexpr (R >= 2 && Unit == R - 2) return R - 2;
    if (R >= 1 && strides_[static_cast<std::size_t>(R >= 1 ? R - 1 : 0)] == 1) return R - 1;
    if (R >= 2 && strides_[static_cast<std::size_t>(R >= 2 ? R - 2 : 0)] == 1) return R - 2;
    return -1;
  }

  [[nodiscard]] constexpr T* pointer() const noexcept { return pointer_; }
  [[nodiscard]] constexpr const Strides& strides() const noexcept { return strides_; }

 private:
  struct Hints {
    int unit = -1;
    unsigned zero = 0;
  };

  template <auto Source, unsigned UnitAxes>
  static consteval Hints remapped_hints() {
    Hints hints;
    for (std::size_t d = 0; d < Source.size(); ++d) {
      if (Source[d] < 0 || known_zero(Source[d]))
        hints.zero |= 1U << d;
      else if (Source[d] == Unit && ((UnitAxes >> Source[d]) & 1U) != 0)
        hints.unit = static_cast<int>(d);
    }
    return hints;
  }

  static constexpr bool known_zero(int axis) noexcept {
    return axis >= 0 && ((Zero >> axis) & 1U) != 0;
  }

  template <class P, bool Partial>
  TENON_INLINE static P load_unit(const T* p, int count) {
    if constexpr (Partial)
      return P::load_partial(p, count);
    else
      return P::load(p);
  }

  template <bool Partial, class P>
  TENON_INLINE static void store_unit(T* p, const P& value, int count) {
    if constexpr (Partial)
      value.store_partial(p, count);
    else
      value.store(p);
  }

  [[nodiscard]] TENON_INLINE T* address(const Position& at) const noexcept {
    T* p = pointer_;
    if constexpr (R >= 2 && !known_zero(R - 2)) p += offset<R - 2>(at.row);
    if constexpr (R >= 1 && !known_zero(R - 1)) p += offset<R - 1>(at.col);
    return p;
  }

  template <int Axis>
  [[nodiscard]] TENON_INLINE index_t offset(index_t i) const noexcept {
    if constexpr (Unit == Axis)
      return i;
    else
      return i * strides_[static_cast<std::size_t>(Axis)];
  }

  T* pointer_;
  Strides strides_;
};

// The same value at every position.
template <class T, int R>
class ScalarCursor {
 public:
  using value_type = T;
  static constexpr int rank = R;
  static constexpr int unit_axis = -1;
  static constexpr unsigned element_sizes = sizeof(T);
  static constexpr int weight = 0;
  static constexpr bool sure = true;

  constexpr explicit ScalarCursor(T value) noexcept : value_(value) {}

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> read(const Position&, const Environment&) const {
    return simd::Pack<T, N>(value_);
  }
  TENON_INLINE constexpr void step(int, index_t) noexcept {}
  [[nodiscard]] constexpr int memory_axis() const noexcept { return -1; }
  [[nodiscard]] constexpr bool mergeable(int, int, index_t) const noexcept { return true; }
  constexpr void compact(const Nest<R>&) noexcept {}
  [[nodiscard]] constexpr bool hints_hold(int) const noexcept { return true; }
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
class BoundCursor {
 public:
  using value_type = T;
  static constexpr int rank = R;
  static constexpr int unit_axis = -1;
  static constexpr unsigned element_sizes = sizeof(T);
  static constexpr int weight = 0;
  static constexpr bool sure = true;

  template <int N, int Axis, bool Partial, class Environment>
  [[nodiscard]] TENON_INLINE auto read(const Position&, const Environment& environment) const {
    return lookup<Tag>(environment);
  }
  TENON_INLINE constexpr void step(int, index_t) noexcept {}
  [[nodiscard]] constexpr int memory_axis() const noexcept { return -1; }
  [[nodiscard]] constexpr bool mergeable(int, int, index_t) const noexcept { return true; }
  constexpr void compact(const Nest<R>&) noexcept {}
  [[nodiscard]] constexpr bool hints_hold(int) const noexcept { return true; }
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

template <class P>
inline constexpr bool is_pack = false;
template <class T, int N>
inline constexpr bool is_pack<simd::Pack<T, N>> = true;
template <class P>
inline constexpr bool is_mask = false;
template <class T, int N>
inline constexpr bool is_mask<simd::Mask<T, N>> = true;

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
  if constexpr (is_mask<P>)
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
    if constexpr (is_pack<Result> || is_mask<Result>)
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

// The lanes of a loop over elements of these sizes: what one register holds of 4-byte elements where
// any are about, else of 8-byte elements.
template <unsigned ElementSizes>
inline constexpr int lanes_for =
    (ElementSizes & 4U) != 0 || (ElementSizes & 8U) == 0 ? simd::native_lanes<float>
                                                         : simd::native_lanes<double>;

// Formula: the loops over `extents` without those of extent 1, neighbours merged where `mergeable`
// (outer axis, inner axis, inner extent) says so.
template <std::size_t R, class Mergeable>
[[nodiscard]] constexpr auto merge_loops(const std::array<index_t, R>& extents,
                                         const Mergeable& mergeable) {
  Nest<static_cast<int>(R)> reversed;
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  for (std::size_t i = R; i-- > 0;) {
    if (extents[i] == 1) continue;
    const int axis = static_cast<int>(i);
    if (reversed.depth > 0) {
      const auto last = at(reversed.depth - 1);
      if (mergeable(axis, reversed.source[last], reversed.extents[last])) {
        reversed.extents[last] *= extents[i];
        continue;
      }
    }
    reversed.extents[at(reversed.depth)] = extents[i];
    reversed.source[at(reversed.depth)] = axis;
    ++reversed.depth;
  }
  auto nest = reversed;
  for (int i = 0; i < reversed.depth; ++i) {
    nest.extents[at(i)] = reversed.extents[at(reversed.depth - 1 - i)];
    nest.source[at(i)] = reversed.source[at(reversed.depth - 1 - i)];
  }
  return nest;
}

}  // namespace tenon::inline TENON_MODE::kernels
