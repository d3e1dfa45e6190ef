#pragma once
// Shapes: extents that are known to the compiler, to the run, or bounded; and their algebra.

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <boost/hana/integral_constant.hpp>

#include <array>
#include <concepts>
#include <cstdio>
#include <span>
#include <type_traits>
#include <utility>

namespace tenon {

// An extent in a type: n >= 0 is static, `dyn` is known at run time, `upto<n>` is known at run time
// and planned at its bound n.
inline constexpr index_t dyn = -1;
template <index_t Bound>
  requires(Bound > 0)
inline constexpr index_t upto = -1 - Bound;

namespace literals {
// 3_c is the integral constant 3: a static extent or a static bound of a range.
using boost::hana::literals::operator""_c;
}  // namespace literals

namespace detail {

[[nodiscard]] constexpr bool is_static_extent(index_t e) noexcept { return e >= 0; }

// The extents of a block of rows: run-time extents that within one expression are all equal, so that
// none of them stretches another; up to a bound, or (dyn_block) equal to it or 1.
inline constexpr index_t block_flag = index_t{1} << 62;
inline constexpr index_t dyn_block = -1 - block_flag;
[[nodiscard]] constexpr index_t block_of(index_t bound) noexcept { return dyn_block - bound; }
[[nodiscard]] constexpr bool is_block_extent(index_t e) noexcept { return e < dyn_block; }
[[nodiscard]] constexpr bool is_unbounded_extent(index_t e) noexcept {
  return e == dyn || e == dyn_block;
}
[[nodiscard]] constexpr bool is_bounded_extent(index_t e) noexcept {
  return e < dyn && e != dyn_block;
}
// Extents of this pattern are the same wherever it stands in an expression.
[[nodiscard]] constexpr bool is_settled_extent(index_t e) noexcept {
  return is_static_extent(e) || is_block_extent(e);
}
[[nodiscard]] constexpr index_t bound_of(index_t e) noexcept {
  return e >= 0 ? e : (-1 - e) & ~block_flag;
}

// The extents that a shape has to store: none in a static shape.
template <int Count>
struct StoredExtents {
  std::array<index_t, static_cast<std::size_t>(Count)> values{};
  constexpr index_t& operator[](std::size_t i) noexcept { return values[i]; }
  constexpr index_t operator[](std::size_t i) const noexcept { return values[i]; }
};
template <>
struct StoredExtents<0> {};

// Extents as text, "(2, 3)", for messages; those of a type as "(dyn, upto 8, 3)". Truncates instead
// of overflowing.
enum class ExtentsOf : bool { value, type };
struct ShapeText {
  char text[128] = {};
  explicit ShapeText(std::span<const index_t> extents, ExtentsOf of = ExtentsOf::value) noexcept {
    std::size_t used = 0;
    const auto put = [&](const char* format, auto... values) {
      if (used >= sizeof text) return;
      const int n = std::snprintf(text + used, sizeof text - used, format, values...);
      if (n > 0) used += static_cast<std::size_t>(n);
    };
    put("%s", "(");
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (i > 0) put("%s", ", ");
      if (of == ExtentsOf::type && !is_static_extent(extents[i]))
        is_bounded_extent(extents[i]) ? put("upto %td", bound_of(extents[i])) : put("%s", "dyn");
      else
        put("%td", extents[i]);
    }
    put("%s", extents.size() == 1 ? ",)" : ")");
  }
};

// True where the product of the static extents fits index_t; 0 counts as 1.
template <std::size_t R>
[[nodiscard]] constexpr bool static_size_fits(const std::array<index_t, R>& pattern) noexcept {
  index_t n = 1;
  for (index_t e : pattern)
    if (e > 0 && __builtin_mul_overflow(n, e, &n)) return false;
  return true;
}

template <std::size_t R>
[[nodiscard]] constexpr index_t product(const std::array<index_t, R>& extents) noexcept {
  index_t n = 1;
  for (index_t e : extents) n *= e;
  return n;
}

}  // namespace detail

// Extents E..., row by row from the outermost axis. Only extents that are not static are stored, so
// a static shape is an empty class.
template <index_t... E>
class Shape {
 public:
  static_assert(sizeof...(E) <= max_rank, "Tenon tensors have at most 8 axes.");
  static constexpr std::array<index_t, sizeof...(E)> pattern{E...};
  static_assert(detail::static_size_fits(pattern), "The static extents multiply beyond index_t.");
  static constexpr bool is_static = (detail::is_static_extent(E) && ...);
  static constexpr bool is_bounded =
      ((detail::is_static_extent(E) || detail::is_bounded_extent(E)) && ...);
  static constexpr int dynamic_count = (0 + ... + (detail::is_static_extent(E) ? 0 : 1));

  constexpr Shape() noexcept = default;

  // Formula: shape(i) = extents[i].
  // Errors: ShapeError where an extent is negative, differs from its static value, exceeds its
  // bound, or where the number of elements does not fit index_t. No allocation.
  static constexpr Shape from_extents(const std::array<index_t, sizeof...(E)>& extents) {
    Shape result;
    index_t size = 1;
    bool fits = true;
    [[maybe_unused]] std::size_t stored = 0;
    for (std::size_t i = 0; i < sizeof...(E); ++i) {
      const index_t e = extents[i];
      if (e < 0) refuse("shape", "an extent is negative in", extents);
      if (detail::is_static_extent(pattern[i]) && e != pattern[i])
        refuse("shape", "an extent differs from its static value in", extents);
      if (detail::is_bounded_extent(pattern[i]) && e > detail::bound_of(pattern[i]))
        refuse("shape", "an extent exceeds its bound in", extents);
      if constexpr (dynamic_count > 0)
        if (!detail::is_static_extent(pattern[i])) result.dynamic_[stored++] = e;
      const auto next = checked_mul(size, e == 0 ? index_t{1} : e);
      fits = fits && next.has_value();
      size = next.value_or(1);
    }
    if (!fits) refuse("shape", "the number of elements overflows in", extents);
    return result;
  }

  // The same without errors.
  // Contract: from_extents(extents) would succeed: they are those of a part of something checked.
  [[nodiscard]] TENON_INLINE static constexpr Shape from_valid_extents(
      const std::array<index_t, sizeof...(E)>& extents) noexcept {
    Shape result;
    if constexpr (dynamic_count > 0) {
      std::size_t stored = 0;
      for (std::size_t i = 0; i < sizeof...(E); ++i)
        if (!detail::is_static_extent(pattern[i])) result.dynamic_[stored++] = extents[i];
    }
    return result;
  }

  [[nodiscard]] static constexpr int rank() noexcept { return static_cast<int>(sizeof...(E)); }

  // Formula: the extent of axis `axis`; negative axes count from the end.
  // Contract: -rank() <= axis < rank().
  [[nodiscard]] constexpr index_t extent(int axis) const noexcept {
    const auto i = static_cast<std::size_t>(axis < 0 ? axis + rank() : axis);
    if (detail::is_static_extent(pattern[i])) return pattern[i];
    if constexpr (dynamic_count > 0) {
      std::size_t stored = 0;
      for (std::size_t k = 0; k < i; ++k) stored += detail::is_static_extent(pattern[k]) ? 0U : 1U;
      return dynamic_[stored];
    }
    return 0;  // not reached: every extent is static
  }

  [[nodiscard]] constexpr std::array<index_t, sizeof...(E)> extents() const noexcept {
    std::array<index_t, sizeof...(E)> all{};
    for (int i = 0; i < rank(); ++i) all[static_cast<std::size_t>(i)] = extent(i);
    return all;
  }

  // Formula: the product of the extents; 1 for rank 0.
  [[nodiscard]] constexpr index_t size() const noexcept { return detail::product(extents()); }

  template <index_t... F>
  [[nodiscard]] friend constexpr bool operator==(const Shape& a, const Shape<F...>& b) noexcept {
    if constexpr (sizeof...(E) != sizeof...(F))
      return false;
    else
      return a.extents() == b.extents();
  }

 private:
  static constexpr void refuse(const char* operation, const char* why,
                               const std::array<index_t, sizeof...(E)>& extents) {
    detail::raise<ShapeError>(operation, "%s %s; the type says %s", why,
                              detail::ShapeText(extents).text,
                              detail::ShapeText(pattern, detail::ExtentsOf::type).text);
  }

  [[no_unique_address]] detail::StoredExtents<dynamic_count> dynamic_{};
};

namespace detail {

template <class S>
inline constexpr bool is_shape = false;
template <index_t... E>
inline constexpr bool is_shape<Shape<E...>> = true;

template <auto Pattern>
consteval auto shape_of_pattern() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::type_identity<Shape<Pattern[I]...>>{};
  }(std::make_index_sequence<Pattern.size()>{});
}

template <class E>
consteval index_t extent_pattern() {
  if constexpr (requires { E::value; }) {
    static_assert(E::value >= 0, "An extent is not negative.");
    return static_cast<index_t>(E::value);
  } else {
    return dyn;
  }
}

// The value of an extent or index argument. An integer beyond index_t becomes negative.
template <class E>
[[nodiscard]] constexpr index_t as_index(E e) noexcept {
  if constexpr (std::integral<E>)
    return static_cast<index_t>(e);
  else
    return static_cast<index_t>(E::value);
}

}  // namespace detail

template <class S>
concept ShapeLike = detail::is_shape<S>;

// The Shape type whose pattern is a constexpr std::array.
template <auto Pattern>
using shape_from_t = typename decltype(detail::shape_of_pattern<Pattern>())::type;

// An extent argument: an integer (known at run time) or an integral constant such as 3_c.
template <class E>
concept ExtentArgument = std::integral<E> || requires {
  { E::value } -> std::convertible_to<index_t>;
};

// Formula: the shape (e0, e1, …). Integers give dynamic extents, constants (3_c) static ones.
// Errors: ShapeError for a negative extent or a size beyond index_t. No allocation.
template <ExtentArgument... E>
[[nodiscard]] constexpr auto shape(E... extents) {
  using Result = Shape<detail::extent_pattern<E>()...>;
  return Result::from_extents({detail::as_index(extents)...});
}

// Formula: the static shape (E0, E1, …).
template <index_t First, index_t... E>
  requires((First >= 0) && ... && (E >= 0))
[[nodiscard]] constexpr Shape<First, E...> shape() noexcept {
  return {};
}

namespace detail {

// NumPy broadcasting of two patterns; `ok` is false where two static extents cannot meet.
template <std::size_t A, std::size_t B>
struct Broadcast {
  std::array<index_t, (A > B ? A : B)> pattern{};
  bool ok = true;
};

// Formula: the extent that a and b broadcast to (static, dynamic or bounded), in types.
[[nodiscard]] constexpr index_t broadcast_extent(index_t a, index_t b, bool& ok) noexcept {
  if (is_static_extent(a) && is_static_extent(b)) {
    if (a != b && a != 1 && b != 1) ok = false;
    return a == 1 ? b : a;
  }
  if (is_static_extent(a)) return a == 1 ? b : a;
  if (is_static_extent(b)) return b == 1 ? a : b;
  if (is_bounded_extent(a) && is_bounded_extent(b)) return a < b ? a : b;  // the larger bound
  return dyn;
}

template <std::size_t A, std::size_t B>
[[nodiscard]] constexpr Broadcast<A, B> broadcast_patterns(const std::array<index_t, A>& a,
                                                           const std::array<index_t, B>& b) {
  Broadcast<A, B> result;
  constexpr std::size_t R = A > B ? A : B;
  for (std::size_t i = 0; i < R; ++i) {
    const index_t ea = i + A >= R ? a[i + A - R] : 1;
    const index_t eb = i + B >= R ? b[i + B - R] : 1;
    result.pattern[i] = broadcast_extent(ea, eb, result.ok);
  }
  return result;
}

}  // namespace detail

// Shapes A and B follow NumPy's broadcasting rule as far as the compiler knows their extents.
template <class A, class B>
concept BroadcastableShapes = detail::broadcast_patterns(A::pattern, B::pattern).ok;

template <class A, class B>
using broadcast_shape_t = shape_from_t<detail::broadcast_patterns(A::pattern, B::pattern).pattern>;

namespace detail {

// What extents that only the run knows broadcast to.
template <class A, class B>
[[nodiscard]] constexpr broadcast_shape_t<A, B> broadcast_extents(const char* operation, const A& a,
                                                                  const B& b) {
  using Result = broadcast_shape_t<A, B>;
  const auto ea = a.extents();
  const auto eb = b.extents();
  constexpr std::size_t R = Result::pattern.size();
  std::array<index_t, R> extents{};
  for (std::size_t i = 0; i < R; ++i) {
    const index_t x = i + ea.size() >= R ? ea[i + ea.size() - R] : 1;
    const index_t y = i + eb.size() >= R ? eb[i + eb.size() - R] : 1;
    if (x != y && x != 1 && y != 1)
      raise<ShapeError>(operation, "shapes %s and %s do not broadcast", ShapeText(ea).text,
                        ShapeText(eb).text);
    extents[i] = x == 1 ? y : x;
  }
  return Result::from_extents(extents);
}

}  // namespace detail

// Formula: NumPy broadcasting, aligned at the last axis; an extent 1 stretches.
// Errors: ShapeError naming `operation` and both shapes. No allocation.
template <class A, class B>
  requires BroadcastableShapes<A, B>
[[nodiscard]] constexpr broadcast_shape_t<A, B> broadcast_shapes(const char* operation, const A& a,
                                                                 const B& b) {
  if constexpr (A::is_static && B::is_static) {
    return {};
  } else {
    if constexpr (std::is_same_v<A, B> && std::is_same_v<broadcast_shape_t<A, B>, A>)
      if (a == b) [[likely]]
        return a;
    return detail::broadcast_extents(operation, a, b);
  }
}

// Formula: row-major strides in elements, strides[i] = extents[i + 1] · extents[i + 2] · …
template <std::size_t R>
[[nodiscard]] constexpr std::array<index_t, R> row_major_strides(
    const std::array<index_t, R>& extents) noexcept {
  std::array<index_t, R> strides{};
  index_t step = 1;
  for (std::size_t i = R; i-- > 0;) {
    strides[i] = step;
    step *= extents[i];
  }
  return strides;
}

// Formula: column-major strides in elements, strides[i] = extents[0] · … · extents[i - 1].
template <std::size_t R>
[[nodiscard]] constexpr std::array<index_t, R> column_major_strides(
    const std::array<index_t, R>& extents) noexcept {
  std::array<index_t, R> strides{};
  index_t step = 1;
  for (std::size_t i = 0; i < R; ++i) {
    strides[i] = step;
    step *= extents[i];
  }
  return strides;
}

// Formula: axis + rank for a negative axis, else axis. Contract: -rank <= axis < rank.
[[nodiscard]] constexpr int normalize_axis(int axis, int rank) noexcept {
  return axis < 0 ? axis + rank : axis;
}

}  // namespace tenon
