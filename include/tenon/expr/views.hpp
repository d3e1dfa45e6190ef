#pragma once
// View operations on whole axes, and reshape: of what does not lie in row-major order it is the one
// planned copy.

#include <tenon/expr/restride.hpp>
#include <tenon/expr/slice.hpp>

namespace tenon::inline TENON_MODE {

// The operation of a reshape node.
struct Reshape {
  static constexpr Kind kind = Kind::reshape;
  static constexpr const char* name = "reshape";
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// A view that only moves whole axes.
template <auto Source, class X>
[[nodiscard]] constexpr auto move_axes(X&& x) {
  using S = shape_t<X>;
  constexpr auto pattern = [] {
    std::array<index_t, Source.size()> p{};
    for (std::size_t d = 0; d < Source.size(); ++d)
      p[d] =
          Source[d] < 0 ? 1 : S::pattern[static_cast<std::size_t>(Source[d] < 0 ? 0 : Source[d])];
    return p;
  }();
  std::array<index_t, Source.size()> extents{};
  const auto from = x.shape();
  for (std::size_t d = 0; d < Source.size(); ++d)
    extents[d] = Source[d] < 0 ? 1 : from.extent(Source[d]);
  using Op = Restride<Source, ~0U, ~0U, NoOffsets<S::rank()>>;
  return restride(Op{}, shape_from_t<pattern>::from_extents(extents), std::forward<X>(x));
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: permute<P…>(x)(i0, i1, …) = x with axis d of the result taken from axis P[d].
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto permute(X&& x) {
  constexpr int rank = shape_t<X>::rank();
  static_assert(sizeof...(Axes) == static_cast<std::size_t>(rank) &&
                    ((Axes >= -rank && Axes < rank) && ...) &&
                    ((0U | ... | (1U << normalize_axis(Axes, rank))) == (1U << rank) - 1U),
                "permute needs every axis of its operand exactly once.");
  return detail::move_axes<std::array<int, sizeof...(Axes)>{normalize_axis(Axes, rank)...}>(
      std::forward<X>(x));
}

// Formula: transpose(x)(i, …, k) = x(k, …, i): all axes in reverse, as numpy.transpose.
template <Expression X>
[[nodiscard]] constexpr auto transpose(X&& x) {
  constexpr auto axes = [] {
    std::array<int, shape_t<X>::pattern.size()> reversed{};
    for (std::size_t d = 0; d < reversed.size(); ++d)
      reversed[d] = static_cast<int>(reversed.size() - 1 - d);
    return reversed;
  }();
  return detail::move_axes<axes>(std::forward<X>(x));
}

// Formula: the last two axes exchanged; batch axes stay.
template <Expression X>
[[nodiscard]] constexpr auto matrix_transpose(X&& x) {
  static_assert(shape_t<X>::rank() >= 2, "matrix_transpose needs at least two axes.");
  constexpr auto axes = [] {
    std::array<int, shape_t<X>::pattern.size()> order{};
    for (std::size_t d = 0; d < order.size(); ++d) order[d] = static_cast<int>(d);
    order[order.size() - 1] = static_cast<int>(order.size()) - 2;
    order[order.size() - 2] = static_cast<int>(order.size()) - 1;
    return order;
  }();
  return detail::move_axes<axes>(std::forward<X>(x));
}

// Formula: x with a new axis of extent 1 before axis Axis of the result.
template <int Axis, Expression X>
[[nodiscard]] constexpr auto unsqueeze(X&& x) {
  constexpr int rank = shape_t<X>::rank() + 1;
  static_assert(Axis >= -rank && Axis < rank, "unsqueeze names an axis beyond the result's.");
  constexpr auto axes = [] {
    std::array<int, static_cast<std::size_t>(rank)> order{};
    int c = 0;
    for (int d = 0; d < rank; ++d)
      order[static_cast<std::size_t>(d)] = d == normalize_axis(Axis, rank) ? -1 : c++;
    return order;
  }();
  return detail::move_axes<axes>(std::forward<X>(x));
}

// Formula: x without axis Axis. Errors: ShapeError (or a compile error) where its extent is not 1.
template <int Axis, Expression X>
[[nodiscard]] constexpr auto squeeze(X&& x) {
  using S = shape_t<X>;
  constexpr int axis = normalize_axis(Axis, S::rank());
  static_assert(axis >= 0 && axis < S::rank(), "squeeze names an axis that its operand lacks.");
  static_assert(!detail::is_static_extent(S::pattern[static_cast<std::size_t>(axis)]) ||
                    S::pattern[static_cast<std::size_t>(axis)] == 1,
                "squeeze drops only axes of extent 1.");
  if (x.shape().extent(axis) != 1)
    detail::raise<ShapeError>("squeeze", "axis %d of shape %s has not extent 1", axis,
                              detail::ShapeText(x.shape().extents()).text);
  constexpr auto axes = [] {
    std::array<int, S::pattern.size() - 1> order{};
    int c = 0;
    for (int d = 0; d < S::rank(); ++d)
      if (d != axis) order[static_cast<std::size_t>(c++)] = d;
    return order;
  }();
  return detail::move_axes<axes>(std::forward<X>(x));
}

// Formula: flip<A>(x)(…, i, …) = x(…, n - 1 - i, …) on axis A.
template <int Axis, Expression X>
[[nodiscard]] constexpr auto flip(X&& x) {
  using S = shape_t<X>;
  constexpr int axis = normalize_axis(Axis, S::rank());
  static_assert(axis >= 0 && axis < S::rank(), "flip names an axis that its operand lacks.");
  constexpr auto order = [] {
    std::array<int, S::pattern.size()> same{};
    for (std::size_t d = 0; d < same.size(); ++d) same[d] = static_cast<int>(d);
    return same;
  }();
  detail::Offsets<S::rank()> offsets;
  for (auto& s : offsets.stride) s = 1;
  const S shape = x.shape();
  const index_t n = shape.extent(axis);
  offsets.first[static_cast<std::size_t>(axis)] = n == 0 ? 0 : n - 1;
  offsets.stride[static_cast<std::size_t>(axis)] = -1;
  using Op = Restride<order, ~(1U << axis), ~(1U << axis), detail::Offsets<S::rank()>>;
  return detail::restride(Op{offsets}, shape, std::forward<X>(x));
}

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <class Result, class X>
[[nodiscard]] constexpr auto reshape_to(const Result& shape, X&& x) {
  using S = shape_t<X>;
  if constexpr (S::is_static && Result::is_static)
    static_assert(S{}.size() == Result{}.size(),
                  "reshape keeps the number of elements; the two shapes differ in it.");
  if (x.shape().size() != shape.size())
    raise<ShapeError>("reshape", "%td elements of shape %s do not fit shape %s", x.shape().size(),
                      ShapeText(x.shape().extents()).text, ShapeText(shape.extents()).text);
  using E = std::remove_cvref_t<X>;
  if constexpr (is_tensor_view_v<E>) {
    if constexpr (std::same_as<typename E::layout_type, row_major>)
      return TensorView<typename E::element_type, Result>(x.data(), shape);
    else
      return make_node<Reshape, value_t<X>>(Reshape{}, shape, as_operand(x));
  } else {
    return make_node<Reshape, value_t<X>>(Reshape{}, shape, as_operand(std::forward<X>(x)));
  }
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: the elements of x in row-major order under another shape.
// A view where x lies in row-major order; elsewhere the plan copies x first, and says so.
// Errors: ShapeError (or a compile error) where the numbers of elements differ.
template <Expression X, ShapeLike S>
[[nodiscard]] constexpr auto reshape(X&& x, const S& shape) {
  return detail::reshape_to(shape, std::forward<X>(x));
}

// Formula: reshape(x, shape(x.size())).
template <Expression X>
[[nodiscard]] constexpr auto flatten(X&& x) {
  using S = shape_t<X>;
  constexpr std::array<index_t, 1> pattern{S::is_static ? detail::product(S::pattern) : dyn};
  return detail::reshape_to(shape_from_t<pattern>::from_extents({x.shape().size()}),
                            std::forward<X>(x));
}

}  // namespace tenon::inline TENON_MODE
