#pragma once
// The cursor over memory: p[row · s[R-2] + col · s[R-1]].

#include <tenon/kernels/nest.hpp>
#include <tenon/kernels/position.hpp>

#include <tenon/core/config.hpp>
#include <tenon/simd/pack.hpp>

#include <array>
#include <type_traits>

namespace tenon::inline TENON_MODE::kernels {

namespace detail {

// Lane i = p[i * stride], the first `count` of them. Out of line: one copy for the slow paths of all
// expressions, whose loops would be most of what there is to compile.
template <class P>
[[gnu::noinline]] P load_by_stride(const typename P::value_type* p, index_t stride, int count) {
  if (stride == 1) return P::load_partial(p, count);
  return stride == 0 ? P::broadcast(p) : P::gather_partial(p, stride, count);
}

}  // namespace detail

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
    const T* p = address<Environment::by_strides>(at);
    if constexpr (R == 0 || known_zero(Axis)) {
      return P::broadcast(p);
    } else if constexpr (Unit == Axis && !Environment::by_strides) {
      return load_unit<P, Partial>(p, at.count);
    } else if constexpr (Environment::by_strides) {
      return detail::load_by_stride<P>(p, strides_[Axis], at.count);
    } else {
      const index_t stride = strides_[Axis];
      if (stride == 1) return load_unit<P, Partial>(p, at.count);
      if (stride == 0) return P::broadcast(p);
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

  template <bool ByStrides = false>
  [[nodiscard]] TENON_INLINE T* address(const Position& at) const noexcept {
    T* p = pointer_;
    if constexpr (R >= 2 && !known_zero(R - 2)) p += offset<R - 2, ByStrides>(at.row);
    if constexpr (R >= 1 && !known_zero(R - 1)) p += offset<R - 1, ByStrides>(at.col);
    return p;
  }

  template <int Axis, bool ByStrides>
  [[nodiscard]] TENON_INLINE index_t offset(index_t i) const noexcept {
    if constexpr (Unit == Axis && !ByStrides)
      return i;
    else
      return i * strides_[static_cast<std::size_t>(Axis)];
  }

  T* pointer_;
  Strides strides_;
};

}  // namespace tenon::inline TENON_MODE::kernels
