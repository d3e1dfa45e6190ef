#pragma once
// Cursors and extents with their axes in another order.

#include <tenon/core/config.hpp>

#include <array>
#include <cstddef>

namespace tenon::detail::inline TENON_MODE {

// The same value for every axis.
template <std::size_t R>
[[nodiscard]] constexpr std::array<index_t, R> filled(index_t value) noexcept {
  std::array<index_t, R> all{};
  for (auto& one : all) one = value;
  return all;
}

template <auto Source, class Cursor>
[[nodiscard]] constexpr auto with_axes(const Cursor& cursor) {
  constexpr auto rank = static_cast<std::size_t>(Cursor::rank);
  return cursor.template remap<Source, ~0U>(filled<rank>(0), filled<rank>(1));
}

template <std::size_t R>
[[nodiscard]] constexpr auto permuted(const std::array<index_t, R>& extents,
                                      const std::array<int, R>& order) {
  std::array<index_t, R> result{};
  for (std::size_t i = 0; i < R; ++i) result[i] = extents[static_cast<std::size_t>(order[i])];
  return result;
}

// 0, 1, …, R - 1 with `axis` moved to the end.
template <std::size_t R>
consteval std::array<int, R> order_with_last(int axis) {
  std::array<int, R> order{};
  std::size_t d = 0;
  for (int c = 0; c < static_cast<int>(R); ++c)
    if (c != axis) order[d++] = c;
  if (axis >= 0) order[R - 1] = axis;
  return order;
}

}  // namespace tenon::detail::inline TENON_MODE
