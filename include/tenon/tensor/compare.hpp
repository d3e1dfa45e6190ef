#pragma once
// Whole-tensor comparisons that give one bool.

#include <tenon/tensor/rounding.hpp>
#include <tenon/tensor/traits.hpp>
#include <tenon/tensor/view.hpp>
#include <tenon/tensor/walk.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/shape.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <utility>

namespace tenon {

namespace detail {

// Equal as numbers: true is 1, and signed and unsigned integers compare by value.
template <class A, class B>
[[nodiscard]] constexpr bool equal_elements(A a, B b) noexcept {
  if constexpr (std::same_as<A, B>)
    return a == b;
  else if constexpr (std::same_as<A, bool>)
    return equal_elements(static_cast<int>(a), b);
  else if constexpr (std::same_as<B, bool>)
    return equal_elements(a, static_cast<int>(b));
  else if constexpr (std::integral<A> && std::integral<B>)
    return std::cmp_equal(a, b);
  else
    return static_cast<double>(a) == static_cast<double>(b);
}

// Formula: the strides of a view broadcast to rank Rank and these extents: 0 along a stretched
// axis.
template <std::size_t Rank, class View>
[[nodiscard]] constexpr std::array<index_t, Rank> stretched_strides(
    const View& view, const std::array<index_t, Rank>& extents) noexcept {
  std::array<index_t, Rank> result{};
  const auto strides = view.strides();
  const auto own = view.shape().extents();
  constexpr std::size_t first = Rank - View::shape_type::pattern.size();
  for (std::size_t d = first; d < Rank; ++d)
    result[d] = own[d - first] == extents[d] ? strides[d - first] : 0;
  return result;
}

[[nodiscard]] constexpr bool is_finite(double x) noexcept { return x - x == 0; }

}  // namespace detail

// Formula: a and b have the same shape and a(i, …) == b(i, …) everywhere (NaN equals nothing).
// Any two layouts and element types. No allocation. O(size).
template <bool Checked = checked_build, TensorLike A, TensorLike B>
[[nodiscard]] constexpr bool array_equal(const A& a, const B& b) {
  const auto x = detail::as_view<Checked>(a);
  const auto y = detail::as_view<Checked>(b);
  if constexpr (A::rank() != B::rank()) {
    return false;
  } else {
    if (!(x.shape() == y.shape())) return false;
    bool equal = true;
    detail::walk(
        x.shape().extents(),
        [&](index_t i, index_t j) {
          equal = equal && detail::equal_elements(x.data()[i], y.data()[j]);
        },
        x.strides(), y.strides());
    return equal;
  }
}

// Formula: |a(i, …) - b(i, …)| <= atol + rtol · |b(i, …)| everywhere, a and b broadcast; infinities
// are close to themselves only, NaN to NaN where equal_nan says so. NumPy's formula, in double.
// Errors: ShapeError where the shapes do not broadcast (a compile error where the types say so).
// No allocation. O(size).
template <bool Checked = checked_build, TensorLike A, TensorLike B>
  requires BroadcastableShapes<typename A::shape_type, typename B::shape_type>
[[nodiscard]] constexpr bool allclose(const A& a, const B& b, double rtol = 1e-5,
                                      double atol = 1e-8, bool equal_nan = false) {
  const auto x = detail::as_view<Checked>(a);
  const auto y = detail::as_view<Checked>(b);
  const auto extents = broadcast_shapes("allclose", x.shape(), y.shape()).extents();
  bool close = true;
  detail::walk(
      extents,
      [&](index_t i, index_t j) {
        const auto p = static_cast<double>(x.data()[i]);
        const auto q = static_cast<double>(y.data()[j]);
        const double distance = p > q ? p - q : q - p;
        const bool near =
            detail::is_finite(q) && distance <= detail::add_product(atol, rtol, q < 0 ? -q : q);
        close = close && (near || p == q || (equal_nan && p != p && q != q));
      },
      detail::stretched_strides(x, extents), detail::stretched_strides(y, extents));
  return close;
}

}  // namespace tenon
