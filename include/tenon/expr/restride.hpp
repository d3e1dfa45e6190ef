#pragma once
// The node of view operations: the elements of its operand under other axes, offsets and steps.
//
// On a TensorView it is a TensorView (which can be assigned to); on anything else a node that the
// evaluation reads through, without a copy.

#include <tenon/expr/node.hpp>

namespace tenon::inline TENON_MODE {

// The operation of a view node: axis d of the result walks axis Source[d] of the operand (-1: a new
// axis). Bit c of UnitAxes says that axis c is walked with step 1; bit c of WholeAxes that it is
// taken whole. Offsets holds starts and steps, per axis of the operand, where they are not trivial.
template <auto Source, unsigned UnitAxes, unsigned WholeAxes, class Offsets>
struct Restride {
  static constexpr Kind kind = Kind::view;
  static constexpr const char* name = "view";
  static constexpr auto source = Source;
  static constexpr unsigned unit_axes = UnitAxes;
  static constexpr unsigned whole_axes = WholeAxes;
  [[no_unique_address]] Offsets offsets;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <int R>
struct NoOffsets {
  using Values = std::array<index_t, static_cast<std::size_t>(R)>;
  [[nodiscard]] static constexpr Values starts() noexcept { return {}; }
  [[nodiscard]] static constexpr Values steps() noexcept {
    Values ones{};
    for (auto& one : ones) one = 1;
    return ones;
  }
};

template <int R>
struct Offsets {
  using Values = std::array<index_t, static_cast<std::size_t>(R)>;
  Values first{};
  Values stride{};
  [[nodiscard]] constexpr const Values& starts() const noexcept { return first; }
  [[nodiscard]] constexpr const Values& steps() const noexcept { return stride; }
};

// The layout of a restrided view, as far as types know it.
template <class S, class Layout, class Op>
consteval auto restrided_layout() {
  constexpr auto R = static_cast<std::size_t>(S::rank());
  constexpr auto R2 = Op::source.size();
  constexpr bool tail = [] {  // the last R2 axes in order, all whole but perhaps the first of them
    if (R2 > R) return false;
    for (std::size_t d = 0; d < R2; ++d) {
      const std::size_t c = R - R2 + d;
      if (Op::source[d] != static_cast<int>(c)) return false;
      if (d > 0 && ((Op::whole_axes >> c) & 1U) == 0) return false;
      if (((Op::unit_axes >> c) & 1U) == 0) return false;
    }
    return true;
  }();
  constexpr bool reversed = [] {
    if (R2 != R) return false;
    for (std::size_t d = 0; d < R2; ++d)
      if (Op::source[d] != static_cast<int>(R - 1 - d) || ((Op::whole_axes >> d) & 1U) == 0)
        return false;
    return true;
  }();
  constexpr bool known_strides =
      !std::same_as<Layout, dyn_strides> &&
      (S::is_static || (!std::same_as<Layout, row_major> && !std::same_as<Layout, column_major>));
  constexpr bool unit = [] {
    for (std::size_t d = 0; d < R2; ++d)
      if (Op::source[d] >= 0 && ((Op::unit_axes >> Op::source[d]) & 1U) == 0) return false;
    return true;
  }();
  if constexpr (tail && std::same_as<Layout, row_major>) {
    return row_major{};
  } else if constexpr (reversed && std::same_as<Layout, row_major>) {
    return column_major{};
  } else if constexpr (reversed && std::same_as<Layout, column_major>) {
    return row_major{};
  } else if constexpr (known_strides && unit) {
    return []<std::size_t... D>(std::index_sequence<D...>) {
      constexpr auto from = LayoutStrides<Layout>::of(S::pattern);
      return static_strides<(Op::source[D] < 0 ? 0
                                               : from[static_cast<std::size_t>(
                                                     Op::source[D] < 0 ? 0 : Op::source[D])])...>{};
    }(std::make_index_sequence<R2>{});
  } else {
    return dyn_strides{};
  }
}

template <class Op, class Result, class T, class S, class Layout>
[[nodiscard]] constexpr auto restride_view(const Op& op, const Result& shape,
                                           const TensorView<T, S, Layout>& x) {
  using L = decltype(restrided_layout<S, Layout, Op>());
  const auto strides = x.strides();
  T* p = x.data();
  const auto& starts = op.offsets.starts();
  const auto& steps = op.offsets.steps();
  for (std::size_t c = 0; c < strides.size(); ++c)
    if (starts[c] != 0) p += starts[c] * strides[c];
  if constexpr (std::same_as<L, dyn_strides>) {
    std::array<index_t, Op::source.size()> moved{};
    for (std::size_t d = 0; d < moved.size(); ++d)
      if (Op::source[d] >= 0) {
        const auto c = static_cast<std::size_t>(Op::source[d]);
        moved[d] = strides[c] * steps[c];
      }
    return TensorView<T, Result, L>(p, shape, moved);
  } else {
    return TensorView<T, Result, L>(p, shape);
  }
}

template <class Op, class Result, class X>
[[nodiscard]] constexpr auto restride(const Op& op, const Result& shape, X&& x) {
  if constexpr (is_tensor_view_v<std::remove_cvref_t<X>>)
    return restride_view(op, shape, x);
  else
    return make_node<Op, value_t<X>>(op, shape, as_operand(std::forward<X>(x)));
}

}  // namespace tenon::detail::inline TENON_MODE
