#pragma once
// Making tensors: constants, given values, ranges. The resource is always the last argument.

#include <tenon/tensor/random.hpp>
#include <tenon/tensor/rounding.hpp>
#include <tenon/tensor/tensor.hpp>

#include <tenon/core/dtype.hpp>
#include <tenon/core/error.hpp>
#include <tenon/core/shape.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>

// For all of them: one allocation, the result (none for size 0). Errors: those of the resource.

namespace tenon {

// Elements are uninitialised.
template <Element T, ShapeLike S, ResourceArgument R>
[[nodiscard]] Tensor<T, S> empty(const S& shape, R&& resource) {
  return {shape, std::forward<R>(resource)};
}

// Formula: result(i, …) = value. The element type is that of the value unless it is given:
// full<float>(shape, 1, resource).
template <Element T, ShapeLike S, ResourceArgument R>
[[nodiscard]] Tensor<T, S> full(const S& shape, std::type_identity_t<T> value, R&& resource) {
  Tensor<T, S> result(shape, std::forward<R>(resource));
  for (T *x = result.data(), *end = x + result.size(); x != end; ++x) *x = value;
  return result;
}
template <ShapeLike S, Element T, ResourceArgument R>
[[nodiscard]] Tensor<T, S> full(const S& shape, T value, R&& resource) {
  return full<T>(shape, value, std::forward<R>(resource));
}

// Formula: result(i, …) = 0.
template <Element T, ShapeLike S, ResourceArgument R>
[[nodiscard]] Tensor<T, S> zeros(const S& shape, R&& resource) {
  return full<T>(shape, T{0}, std::forward<R>(resource));
}

// Formula: result(i, …) = 1.
template <Element T, ShapeLike S, ResourceArgument R>
[[nodiscard]] Tensor<T, S> ones(const S& shape, R&& resource) {
  return full<T>(shape, T{1}, std::forward<R>(resource));
}

// Formula: result.data()[i] = values[i], row-major.
// Errors: ShapeError where the number of values is not shape.size().
template <class T, std::size_t N, ShapeLike S, ResourceArgument R>
  requires Element<std::remove_const_t<T>>
[[nodiscard]] Tensor<std::remove_const_t<T>, S> from(std::span<T, N> values, const S& shape,
                                                     R&& resource) {
  if (values.size() != static_cast<std::size_t>(shape.size()))
    detail::raise<ShapeError>("from", "the shape %s needs %td values; there are %zu",
                              detail::ShapeText(shape.extents()).text, shape.size(), values.size());
  Tensor<std::remove_const_t<T>, S> result(shape, std::forward<R>(resource));
  for (std::size_t i = 0; i < values.size(); ++i) result.data()[i] = values[i];
  return result;
}
template <Element T, ShapeLike S, ResourceArgument R>
[[nodiscard]] Tensor<T, S> from(std::initializer_list<T> values, const S& shape, R&& resource) {
  return from(std::span<const T>(values.begin(), values.size()), shape, std::forward<R>(resource));
}

// Formula: result(i, j) = rows[i][j], of shape (number of rows, length of a row).
// Errors: ShapeError where the rows have different lengths.
template <Element T, ResourceArgument R>
[[nodiscard]] Tensor<T, Shape<dyn, dyn>> from(std::initializer_list<std::initializer_list<T>> rows,
                                              R&& resource) {
  const std::size_t columns = rows.size() == 0 ? 0 : rows.begin()->size();
  for (const auto& row : rows)
    if (row.size() != columns)
      detail::raise<ShapeError>("from", "a row of %zu values follows rows of %zu", row.size(),
                                columns);
  Tensor<T, Shape<dyn, dyn>> result(shape(rows.size(), columns), std::forward<R>(resource));
  T* out = result.data();
  for (const auto& row : rows)
    for (const T& value : row) *out++ = value;
  return result;
}

namespace detail {

// What a range of T is given in: NumPy reckons the length of a range of floats in double.
template <class T>
using range_value_t = std::conditional_t<std::floating_point<arithmetic_t<T>>, double, T>;

// Formula: ceil((stop - start) / step), or 0 where that is negative; exact for integers.
template <class T>
[[nodiscard]] index_t range_length(range_value_t<T> start, range_value_t<T> stop,
                                   range_value_t<T> step) {
  if (step == 0) raise<ShapeError>("arange", "the step is zero");
  constexpr double limit = 9223372036854775808.0;  // 2^63
  if constexpr (std::floating_point<arithmetic_t<T>>) {
    const double length = std::ceil((stop - start) / step);
    if (!(length < limit)) raise<ShapeError>("arange", "the length %g is no extent", length);
    return length > 0 ? static_cast<index_t>(length) : 0;
  } else {
    if (step > 0 ? start >= stop : start <= stop) return 0;
    const auto a = static_cast<std::uint64_t>(start), b = static_cast<std::uint64_t>(stop);
    const auto s = static_cast<std::uint64_t>(step);
    const std::uint64_t length = step > 0 ? (b - a - 1) / s + 1 : (a - b - 1) / (0 - s) + 1;
    if (static_cast<index_t>(length) < 0)
      raise<ShapeError>("arange", "the length %g is no extent", static_cast<double>(length));
    return static_cast<index_t>(length);
  }
}

template <class T>
void fill_range(T* out, index_t count, range_value_t<T> start, range_value_t<T> step) noexcept {
  if constexpr (std::floating_point<arithmetic_t<T>>) {
    using Value = arithmetic_t<T>;
    const auto first = static_cast<T>(start);
    const auto second = static_cast<T>(start + step);
    const Value delta = Value(second) - Value(first);
    for (index_t i = 0; i < count; ++i)
      out[i] =
          i == 1 ? second : static_cast<T>(add_product(Value(first), static_cast<Value>(i), delta));
  } else {
    auto value = static_cast<std::uint64_t>(start);
    for (index_t i = 0; i < count; ++i, value += static_cast<std::uint64_t>(step))
      out[i] = static_cast<T>(value);
  }
}

}  // namespace detail

// Formula: result(i) = start + i · step, as many as lie before `stop`: NumPy's values to the bit
// (floats: i · ((start + step) - start), rounded after every operation).
// Errors: ShapeError where the step is zero or the length is infinite or NaN.
template <Numeric T, ResourceArgument R>
[[nodiscard]] Tensor<T, Shape<dyn>> arange(detail::range_value_t<T> start,
                                           detail::range_value_t<T> stop,
                                           detail::range_value_t<T> step, R&& resource) {
  const index_t count = detail::range_length<T>(start, stop, step);
  Tensor<T, Shape<dyn>> result(shape(count), std::forward<R>(resource));
  detail::fill_range(result.data(), count, start, step);
  return result;
}
// With step 1.
template <Numeric T, ResourceArgument R>
[[nodiscard]] Tensor<T, Shape<dyn>> arange(detail::range_value_t<T> start,
                                           detail::range_value_t<T> stop, R&& resource) {
  return arange<T>(start, stop, detail::range_value_t<T>{1}, std::forward<R>(resource));
}
// From 0 with step 1; of static shape for a constant: arange<float>(5_c, resource).
template <Numeric T, class N, ResourceArgument R>
  requires std::is_arithmetic_v<N> || ExtentArgument<N>
[[nodiscard]] auto arange(N stop, R&& resource) {
  if constexpr (std::is_arithmetic_v<N>) {
    return arange<T>(detail::range_value_t<T>{0}, static_cast<detail::range_value_t<T>>(stop),
                     std::forward<R>(resource));
  } else {
    Tensor<T, Shape<detail::extent_pattern<N>()>> result({}, std::forward<R>(resource));
    detail::fill_range(result.data(), result.size(), 0, 1);
    return result;
  }
}

// Formula: result(i) = start + i · ((stop - start) / (count - 1)) and result(count - 1) = stop;
// only start where count is 1. NumPy's values: in double, rounded after every operation, then
// rounded to T (down to an integer). The count may be a constant (5_c). Errors: ShapeError where
// the count is negative.
template <Numeric T, ExtentArgument N, ResourceArgument R>
[[nodiscard]] auto linspace(double start, double stop, N count, R&& resource) {
  const auto lengths = shape(count);
  Tensor<T, std::remove_const_t<decltype(lengths)>> result(lengths, std::forward<R>(resource));
  const index_t n = result.size();
  const double delta = stop - start;
  const auto last = static_cast<double>(n - 1);
  const double step = n > 1 ? delta / last : 0;
  for (index_t i = 0; i < n; ++i) {
    const auto position = static_cast<double>(i);
    double value = step != 0 ? detail::add_product(start, position, step)
                   : n > 1   ? detail::add_product(start, position / last, delta)
                             : start;
    if (i > 0 && i == n - 1) value = stop;
    if constexpr (std::integral<T>) value = std::floor(value);
    result.data()[i] = static_cast<T>(value);
  }
  return result;
}

// Formula: result(i, j) = 1 where i == j, else 0; of shape (rows, columns). Extents may be
// constants.
template <Element T, ExtentArgument N, ExtentArgument M, ResourceArgument R>
[[nodiscard]] auto eye(N rows, M columns, R&& resource) {
  auto result = zeros<T>(shape(rows, columns), std::forward<R>(resource));
  const index_t n = result.extent(0), m = result.extent(1);
  for (index_t i = 0; i < n && i < m; ++i) result.data()[i * m + i] = T{1};
  return result;
}
template <Element T, ExtentArgument N, ResourceArgument R>
[[nodiscard]] auto eye(N rows, R&& resource) {
  return eye<T>(rows, rows, std::forward<R>(resource));
}

}  // namespace tenon
