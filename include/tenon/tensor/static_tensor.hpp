#pragma once
// StaticTensor: a few elements inside the object, usable in constant expressions.

#include <tenon/tensor/traits.hpp>
#include <tenon/tensor/view.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>
#include <tenon/core/shape.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>

namespace tenon {

namespace detail {

// std::initializer_list nested Depth times around T.
template <class T, std::size_t Depth>
struct NestedList {
  using type = std::initializer_list<typename NestedList<T, Depth - 1>::type>;
};
template <class T>
struct NestedList<T, 0> {
  using type = T;
};
template <class T, std::size_t Depth>
using nested_list_t = typename NestedList<T, Depth>::type;

// A value of U may stand in a braced list of T: only an integer from a float is refused.
template <class U, class T>
concept ListValue = std::convertible_to<U, T> && !(std::floating_point<std::remove_cvref_t<U>> &&
                                                   std::integral<T> && !std::same_as<T, bool>);

}  // namespace detail

// Formula: element (i, j, …) is data()[(i · extent(1) + j) · …]; row-major, stored in the object
// and aligned to 64 bytes where it has as many. A value: copies copy elements, assignment too.
// `StaticTensor<T, 2, 2> t;` leaves the elements uninitialised, `t{}` zeroes them.
// Allocations: none, except in clone.
template <class T, index_t... E>
class StaticTensor {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && std::is_trivially_copyable_v<T>,
                "StaticTensor needs a trivially copyable element type that is not const.");
  static_assert(((E >= 0) && ...), "StaticTensor needs static extents.");
  static constexpr auto R = sizeof...(E);
  static constexpr auto count = static_cast<std::size_t>(Shape<E...>{}.size());
  static constexpr std::size_t alignment =
      count * sizeof(T) >= workspace_alignment ? workspace_alignment : alignof(T);

 public:
  using value_type = T;
  using element_type = T;
  using shape_type = Shape<E...>;
  using layout_type = row_major;

  constexpr StaticTensor() noexcept = default;

  // Formula: data()[i] = the i-th value; as many values as elements, or it does not compile.
  template <detail::ListValue<T>... U>
    requires(sizeof...(U) == count && count > 0)
  constexpr explicit(count == 1) StaticTensor(const U&... values) noexcept
      : elements_{static_cast<T>(values)...} {}

  // Formula: (*this)(i, j, …) = rows[i][j]….
  // Errors: ShapeError where a list is shorter or longer than its extent (in a constant expression:
  // it does not compile).
  constexpr StaticTensor(std::initializer_list<detail::nested_list_t<T, R - (R > 0)>> rows)
    requires(R >= 2)
      : elements_{} {
    T* out = elements_;
    copy_rows<0>(rows, out);
  }

  // Formula: (*this)(i, …) = (*this)(i, …) ∘ rhs(i, …), broadcast. Needs the expr and eval layers.
  template <class X, class Mode = build_mode>
  StaticTensor& operator+=(X&& rhs) {
    view() += std::forward<X>(rhs);
    return *this;
  }
  template <class X, class Mode = build_mode>
  StaticTensor& operator-=(X&& rhs) {
    view() -= std::forward<X>(rhs);
    return *this;
  }
  template <class X, class Mode = build_mode>
  StaticTensor& operator*=(X&& rhs) {
    view() *= std::forward<X>(rhs);
    return *this;
  }
  template <class X, class Mode = build_mode>
  StaticTensor& operator/=(X&& rhs) {
    view() /= std::forward<X>(rhs);
    return *this;
  }

  [[nodiscard]] static constexpr int rank() noexcept { return static_cast<int>(R); }
  [[nodiscard]] static constexpr shape_type shape() noexcept { return {}; }
  [[nodiscard]] static constexpr index_t extent(int axis) noexcept { return shape().extent(axis); }
  [[nodiscard]] static constexpr index_t size() noexcept { return shape().size(); }
  [[nodiscard]] static constexpr std::array<index_t, R> strides() noexcept {
    return row_major_strides(shape().extents());
  }
  [[nodiscard]] constexpr T* data() noexcept { return elements_; }
  [[nodiscard]] constexpr const T* data() const noexcept { return elements_; }

  // The members of TensorView, on elements that are const in a const tensor.
  template <bool Checked = checked_build, ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] constexpr T& operator()(I... index) {
    return view().template operator()<Checked>(index...);
  }
  template <bool Checked = checked_build, ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] constexpr const T& operator()(I... index) const {
    return view().template operator()<Checked>(index...);
  }
  template <ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] constexpr T& at(I... index) {
    return view().at(index...);
  }
  template <ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] constexpr const T& at(I... index) const {
    return view().at(index...);
  }
  [[nodiscard]] constexpr std::span<T> span() noexcept { return {elements_, count}; }
  [[nodiscard]] constexpr std::span<const T> span() const noexcept { return {elements_, count}; }
  template <class Self = StaticTensor>
  [[nodiscard]] constexpr T item() const {
    return static_cast<const Self&>(*this).view().item();
  }
  template <class Resource>
  [[nodiscard]] Tensor<T, shape_type> clone(Resource&& resource) const {
    return view().clone(std::forward<Resource>(resource));
  }

  // All elements, not owned. A tensor that has a name also converts implicitly. Nothing to check:
  // the parameter is there for code that treats every tensor alike.
  template <bool Checked = false>
  [[nodiscard]] constexpr TensorView<T, shape_type> view() & noexcept {
    return {elements_, shape()};
  }
  template <bool Checked = false>
  [[nodiscard]] constexpr TensorView<const T, shape_type> view() const& noexcept {
    return {elements_, shape()};
  }
  template <bool = false, class Reason = detail::a_view_of_a_temporary_would_dangle>
  void view() && = delete;
  template <bool = false, class Reason = detail::a_view_of_a_temporary_would_dangle>
  void view() const&& = delete;

 private:
  template <std::size_t Axis, class List>
  static constexpr void copy_rows(const List& list, T*& out) {
    if (static_cast<index_t>(list.size()) != shape_type::pattern[Axis])
      detail::raise<ShapeError>("StaticTensor", "%zu values on axis %zu of shape %s", list.size(),
                                Axis, detail::ShapeText(shape_type::pattern).text);
    for (const auto& value : list) {
      if constexpr (Axis + 1 == R)
        *out++ = value;
      else
        copy_rows<Axis + 1>(value, out);
    }
  }

  alignas(alignment) T elements_[count > 0 ? count : 1];
};

}  // namespace tenon
