#pragma once
// Layouts: how an index becomes an offset. Strides count elements, not bytes.

#include <tenon/core/config.hpp>
#include <tenon/core/shape.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace tenon {

struct row_major {};     // the last axis is contiguous, as in C and NumPy
struct column_major {};  // the first axis is contiguous, as in Fortran
struct dyn_strides {};   // strides known at run time, stored in the view; may be negative or zero
template <index_t... S>
struct static_strides {};  // strides in the type

namespace detail {

template <class Layout>
inline constexpr bool is_layout =
    std::is_same_v<Layout, row_major> || std::is_same_v<Layout, column_major> ||
    std::is_same_v<Layout, dyn_strides>;
template <index_t... S>
inline constexpr bool is_layout<static_strides<S...>> = true;

// Formula: the strides of `Layout` over these extents. Nothing to compute for dyn_strides.
template <class Layout>
struct LayoutStrides;
template <>
struct LayoutStrides<row_major> {
  template <std::size_t R>
  static constexpr std::array<index_t, R> of(const std::array<index_t, R>& extents) noexcept {
    return row_major_strides(extents);
  }
};
template <>
struct LayoutStrides<column_major> {
  template <std::size_t R>
  static constexpr std::array<index_t, R> of(const std::array<index_t, R>& extents) noexcept {
    return column_major_strides(extents);
  }
};
template <index_t... S>
struct LayoutStrides<static_strides<S...>> {
  template <std::size_t R>
  static constexpr std::array<index_t, R> of(const std::array<index_t, R>&) noexcept {
    static_assert(R == sizeof...(S), "static_strides<...> needs one stride for each axis.");
    return {S...};
  }
};

// What a view stores of its strides: all of them under dyn_strides, else nothing.
template <class Layout, std::size_t R>
struct StoredStrides {};
template <std::size_t R>
struct StoredStrides<dyn_strides, R> {
  std::array<index_t, R> values{};
};

}  // namespace detail

template <class Layout>
concept LayoutTag = detail::is_layout<Layout>;

}  // namespace tenon
