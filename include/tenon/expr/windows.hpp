#pragma once
// Convolutions: products whose right operand is the matrix of windows over x, read where x lies.

#include <tenon/expr/contraction.hpp>
#include <tenon/expr/views.hpp>

namespace tenon::inline TENON_MODE {

// Zeros before and after an axis: `{1, 2}`, or `1` for as many on both sides.
struct Padding {
  index_t before = 0, after = 0;

  constexpr Padding() = default;
  constexpr Padding(index_t both) noexcept : before(both), after(both) {}
  constexpr Padding(index_t first, index_t second) noexcept : before(first), after(second) {}
};

// The options of conv1d, constants all: Conv1d{.stride = 2, .padding = 1}.
struct Conv1d {
  index_t stride = 1;
  Padding padding{};
  index_t dilation = 1;
  index_t groups = 1;
};

// A number for each of two axes, the rows of an image and its columns: `{2, 1}`, or `2` for both.
struct Along2 {
  index_t rows = 1, columns = 1;

  constexpr Along2(index_t both) noexcept : rows(both), columns(both) {}
  constexpr Along2(index_t first, index_t second) noexcept : rows(first), columns(second) {}
};

// Padding of two axes: `1` on all sides, `{1, 2}` above and below, left and right, or `{{1, 0}, {2, 2}}`.
struct Padding2 {
  Padding rows{}, columns{};

  constexpr Padding2() = default;
  constexpr Padding2(index_t all) noexcept : rows(all), columns(all) {}
  constexpr Padding2(Padding first, Padding second) noexcept : rows(first), columns(second) {}
};

// The options of conv2d, constants all: Conv2d{.stride = {2, 1}, .padding = 1}.
struct Conv2d {
  Along2 stride = 1;
  Padding2 padding{};
  Along2 dilation = 1;
  index_t groups = 1;
};

// How a window slides along D axes: place o and tap t read x at o · stride + t · dilation - before.
template <int D>
struct WindowSteps {
  std::array<index_t, static_cast<std::size_t>(D)> stride{}, dilation{}, before{};
};

// The operation of the windows over its operand (…, C, axes…): a matrix (…, channels · taps, places), or
// (…, groups, channels · taps, places), with zeros where a window reaches beyond the operand.
// Taps and Places are the shapes of a window and of the places that it takes.
template <auto Steps, bool Grouped, class Taps, class Places>
struct Windows {
  static constexpr Kind kind = Kind::windows;
  static constexpr const char* name = "windows";
  static constexpr auto steps = Steps;
  static constexpr bool grouped = Grouped;
  using taps_type = Taps;
  using places_type = Places;
  [[no_unique_address]] Taps taps;
  [[no_unique_address]] Places places;
};

// The operation of a convolution: the product of weights ([groups,] rows, K) and windows
// (…, [groups,] K, places), whose groups are rows of the result, and whose places are its last axes.
template <int Axes, bool Grouped>
struct Convolve {
  static constexpr Kind kind = Kind::contract;
  static constexpr const char* name = Axes == 1 ? "conv1d" : "conv2d";
  static constexpr bool left_vector = false;
  static constexpr bool right_vector = false;
  static constexpr int places_axes = Axes;
  static constexpr bool grouped = Grouped;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <class Op>
inline constexpr bool is_convolution = false;
template <int Axes, bool Grouped>
inline constexpr bool is_convolution<Convolve<Axes, Grouped>> = true;

// Options of a convolution over D axes.
template <int D>
struct WindowOptions {
  std::array<index_t, static_cast<std::size_t>(D)> stride{}, before{}, after{}, dilation{};
  index_t groups = 1;

  [[nodiscard]] constexpr bool are_valid() const noexcept {
    constexpr index_t most = index_t{1} << 31;  // so that nothing overflows before shapes do
    bool ok = groups >= 1 && groups < most;
    for (std::size_t d = 0; d < stride.size(); ++d)
      ok = ok && stride[d] >= 1 && stride[d] < most && dilation[d] >= 1 && dilation[d] < most &&
           before[d] >= 0 && before[d] < most && after[d] >= 0 && after[d] < most;
    return ok;
  }

  // The places of a window of `taps` along axis d of extent n: 0 where it does not fit.
  // pre: n >= 0, taps >= 1
  [[nodiscard]] constexpr index_t places(std::size_t d, index_t n, index_t taps) const noexcept {
    const index_t free = n + before[d] + after[d] - dilation[d] * (taps - 1) - 1;
    return free < 0 ? 0 : free / stride[d] + 1;
  }
  // The same for patterns.
  [[nodiscard]] constexpr index_t places_pattern(std::size_t d, index_t n,
                                                 index_t taps) const noexcept {
    if (!is_static_extent(taps) || taps == 0 || is_unbounded_extent(n) || is_block_extent(n))
      return dyn;
    const index_t most = places(d, bound_of(n), taps);
    return is_static_extent(n) ? most : most > 0 ? -1 - most : dyn;
  }
};

// What is wrong with the shapes of a convolution, as far as patterns or extents say.
enum class ConvolutionFault : unsigned char { none, channels, groups, empty, window };

// x (…, C, axes…), w (C_out, C / groups, taps…); extents that are not static agree with everything.
template <auto Options, std::size_t X, std::size_t W>
[[nodiscard]] constexpr ConvolutionFault convolution_fault(const std::array<index_t, X>& x,
                                                           const std::array<index_t, W>& w) {
  constexpr std::size_t axes = Options.stride.size();
  const index_t channels = x[X - axes - 1];
  if (is_static_extent(w[0]) && w[0] % Options.groups != 0) return ConvolutionFault::groups;
  if (is_static_extent(channels) && channels % Options.groups != 0) return ConvolutionFault::groups;
  if (is_static_extent(channels) && is_static_extent(w[1]) && channels != w[1] * Options.groups)
    return ConvolutionFault::channels;
  for (std::size_t d = 0; d < axes; ++d) {
    const index_t n = x[X - axes + d], taps = w[2 + d];
    if (taps == 0) return ConvolutionFault::empty;
    if (is_static_extent(n) && is_static_extent(taps) && Options.places(d, n, taps) == 0)
      return ConvolutionFault::window;
  }
  return ConvolutionFault::none;
}

template <class Operation, auto Options, class X, class W>
consteval void require_convolution_shapes() {
  constexpr ConvolutionFault fault = convolution_fault<Options>(X::pattern, W::pattern);
  static_assert(fault != ConvolutionFault::channels,
                "A convolution needs x (..., C, axes...) and w (C_out, C / groups, taps...): the "
                "channels of x must be groups times those of w. Both shapes are named in the lines "
                "around this.");
  static_assert(fault != ConvolutionFault::groups,
                "The groups of a convolution must divide the channels of x and those of the "
                "result. Both shapes are named in the lines around this.");
  static_assert(fault != ConvolutionFault::empty && fault != ConvolutionFault::window,
                "The window of a convolution must have a tap and fit the padded operand. Both "
                "shapes are named in the lines around this.");
}

template <auto Options, class Operation, std::size_t X, std::size_t W>
constexpr void check_convolution(const std::array<index_t, X>& x, const std::array<index_t, W>& w) {
  switch (convolution_fault<Options>(x, w)) {
    case ConvolutionFault::none:
      return;
    case ConvolutionFault::channels:
      raise<ShapeError>(
          Operation::name,
          "shapes %s and weights %s with %td groups: the channels of x must be groups "
          "times those of the weights",
          ShapeText(x).text, ShapeText(w).text, Options.groups);
    case ConvolutionFault::groups:
      raise<ShapeError>(Operation::name,
                        "shapes %s and weights %s: %td groups do not divide their channels",
                        ShapeText(x).text, ShapeText(w).text, Options.groups);
    case ConvolutionFault::empty:
      raise<ShapeError>(Operation::name, "weights %s have no tap", ShapeText(w).text);
    case ConvolutionFault::window:
      raise<ShapeError>(Operation::name,
                        "shapes %s and weights %s: the window is longer than the padded axis",
                        ShapeText(x).text, ShapeText(w).text);
  }
}

// The product of static extents; dyn where one is not.
[[nodiscard]] constexpr index_t product_pattern(index_t a, index_t b) noexcept {
  return is_static_extent(a) && is_static_extent(b) ? a * b : dyn;
}

// The patterns of a convolution's operands and result, in the types that a product has.
template <auto Options, class SX, class SW>
struct ConvolutionShapes {
  static constexpr std::size_t axes = Options.stride.size();
  static constexpr bool grouped = Options.groups > 1;
  static constexpr std::size_t batch = SX::pattern.size() - axes - 1;

  static constexpr std::array<index_t, axes> taps = [] {
    std::array<index_t, axes> all{};
    for (std::size_t d = 0; d < axes; ++d) all[d] = SW::pattern[2 + d];
    return all;
  }();
  static constexpr std::array<index_t, axes> places = [] {
    std::array<index_t, axes> all{};
    for (std::size_t d = 0; d < axes; ++d)
      all[d] = Options.places_pattern(d, SX::pattern[batch + 1 + d], taps[d]);
    return all;
  }();
  // Channels of a group times taps.
  static constexpr index_t depth = [] {
    const index_t x = SX::pattern[batch];
    index_t n = is_static_extent(SW::pattern[1]) ? SW::pattern[1]
                : is_static_extent(x)            ? x / Options.groups
                                                 : dyn;
    for (const index_t e : taps) n = product_pattern(n, e);
    return n;
  }();
  static constexpr auto weights = [] {
    std::array<index_t, grouped ? 3 : 2> all{};
    const index_t rows = SW::pattern[0];
    if constexpr (grouped) all[0] = Options.groups;
    all[all.size() - 2] = is_static_extent(rows) ? rows / Options.groups : grouped ? dyn : rows;
    all[all.size() - 1] = depth;
    return all;
  }();
  static constexpr auto windows = [] {
    std::array<index_t, batch + (grouped ? 3 : 2)> all{};
    for (std::size_t d = 0; d < batch; ++d) all[d] = SX::pattern[d];
    if constexpr (grouped) all[batch] = Options.groups;
    all[all.size() - 2] = depth;
    index_t n = places[0];
    for (std::size_t d = 1; d < axes; ++d) n = product_pattern(n, places[d]);
    all[all.size() - 1] = n;
    return all;
  }();
  static constexpr auto result = [] {
    std::array<index_t, batch + 1 + axes> all{};
    for (std::size_t d = 0; d < batch; ++d) all[d] = SX::pattern[d];
    all[batch] = SW::pattern[0];
    for (std::size_t d = 0; d < axes; ++d) all[batch + 1 + d] = places[d];
    return all;
  }();
};

template <auto Options>
inline constexpr auto window_steps = WindowSteps<static_cast<int>(Options.stride.size())>{
    Options.stride, Options.dilation, Options.before};

// The convolution of operands that are nodes of one element type.
template <auto Options, class X, class W>
[[nodiscard]] constexpr auto make_convolution(X x, W w) {
  using SX = shape_t<X>;
  using SW = shape_t<W>;
  using Shapes = ConvolutionShapes<Options, SX, SW>;
  constexpr std::size_t axes = Shapes::axes, batch = Shapes::batch;
  using Op = Convolve<static_cast<int>(axes), Shapes::grouped>;
  require_convolution_shapes<Op, Options, SX, SW>();
  using T = value_t<X>;
  const auto ex = x.shape().extents();
  const auto ew = w.shape().extents();
  check_convolution<Options, Op>(ex, ew);
  std::array<index_t, axes> taps{}, places{};
  std::array<index_t, Shapes::windows.size()> windows{};
  std::array<index_t, Shapes::result.size()> result{};
  std::array<index_t, Shapes::weights.size()> rows{};
  index_t depth = ew[1], count = 1;
  for (std::size_t d = 0; d < batch; ++d) windows[d] = result[d] = ex[d];
  result[batch] = ew[0];
  for (std::size_t d = 0; d < axes; ++d) {
    taps[d] = ew[2 + d];
    places[d] = Options.places(d, ex[batch + 1 + d], taps[d]);
    depth *= taps[d];
    count *= places[d];
    result[batch + 1 + d] = places[d];
  }
  if constexpr (Shapes::grouped) windows[batch] = rows[0] = Options.groups;
  rows[rows.size() - 2] = ew[0] / Options.groups;
  rows[rows.size() - 1] = windows[windows.size() - 2] = depth;
  windows[windows.size() - 1] = count;
  using Taps = shape_from_t<Shapes::taps>;
  using Places = shape_from_t<Shapes::places>;
  using Sliding = Windows<window_steps<Options>, Shapes::grouped, Taps, Places>;
  auto weights = reshape_to(shape_from_t<Shapes::weights>::from_extents(rows), std::move(w));
  auto matrix =
      make_node<Sliding, T>(Sliding{Taps::from_extents(taps), Places::from_extents(places)},
                            shape_from_t<Shapes::windows>::from_extents(windows), std::move(x));
  return make_node<Op, T>(Op{}, shape_from_t<Shapes::result>::from_extents(result),
                          std::move(weights), std::move(matrix));
}

template <auto Options, Expression X, Expression W>
[[nodiscard]] constexpr auto convolve(X&& x, W&& w) {
  constexpr int axes = static_cast<int>(Options.stride.size());
  static_assert(Options.are_valid(),
                "The options of a convolution: stride, dilation and groups are at least 1, padding "
                "at least 0, all below 2^31.");
  static_assert(shape_t<X>::rank() > axes && shape_t<W>::rank() == axes + 2,
                "A convolution needs x (..., C, axes...) and w (C_out, C / groups, taps...).");
  require_numeric<value_t<X>>();
  require_numeric<value_t<W>>();
  require_promotable<value_t<X>, value_t<W>>();
  using T = promoted_t<value_t<X>, value_t<W>>;
  return make_convolution<Options>(cast_operand<T>(as_operand(std::forward<X>(x))),
                                   cast_operand<T>(as_operand(std::forward<W>(w))));
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: conv1d<{s, {p, q}, d, G}>(x, w)(…, o, j) = sum over c < C/G and t < K of
//   x(…, g·C/G + c, j·s + t·d - p) · w(o, c, t), g = o / (C_out/G), with 0 outside of x:
// the cross-correlation that PyTorch's conv1d computes.
// Shapes: (…, C, L) and (C_out, C/G, K) -> (…, C_out, (L + p + q - d·(K-1) - 1) / s + 1).
// A product: each element is one chain over c, then t, as of matmul; elementwise work on x is done
// as the windows are packed, elementwise work on the result before it is stored.
// Errors: shapes that do not fit are a compile error where known, else ShapeError.
// Workspace: packing panels, in the plan; windows are never stored. No allocation.
template <Conv1d Options = Conv1d{}, Expression X, Expression W>
[[nodiscard]] constexpr auto conv1d(X&& x, W&& w) {
  return detail::convolve<detail::WindowOptions<1>{{Options.stride},
                                                   {Options.padding.before},
                                                   {Options.padding.after},
                                                   {Options.dilation},
                                                   Options.groups}>(std::forward<X>(x),
                                                                    std::forward<W>(w));
}

// Formula: the same over the last two axes: conv2d<{…}>(x, w)(…, o, i, j) = sum over c, s, t of
//   x(…, g·C/G + c, i·stride + s·dilation - before, j·… + t·… - …) · w(o, c, s, t), as PyTorch's conv2d.
// Shapes: (…, C, H, W) and (C_out, C/G, KH, KW) -> (…, C_out, H_out, W_out); each chain runs over c, s, t.
template <Conv2d Options = Conv2d{}, Expression X, Expression W>
[[nodiscard]] constexpr auto conv2d(X&& x, W&& w) {
  return detail::convolve<detail::WindowOptions<2>{
      {Options.stride.rows, Options.stride.columns},
      {Options.padding.rows.before, Options.padding.columns.before},
      {Options.padding.rows.after, Options.padding.columns.after},
      {Options.dilation.rows, Options.dilation.columns},
      Options.groups}>(std::forward<X>(x), std::forward<W>(w));
}

}  // namespace tenon::inline TENON_MODE
