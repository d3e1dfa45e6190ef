#pragma once
// Pooling: reductions over the windows that slide along the last one or two axes.

#include <tenon/expr/reductions.hpp>
#include <tenon/expr/windows.hpp>

#include <limits>

namespace tenon::inline TENON_MODE {

// The options of pooling along one axis, constants all: Pool1d{.kernel = 3, .stride = 2}. A stride of 0 is
// the kernel's extent, as windows that touch.
struct Pool1d {
  index_t kernel = 1;
  index_t stride = 0;
  Padding padding{};
  index_t dilation = 1;
};

// The same along two axes.
struct Pool2d {
  Along2 kernel = 1;
  Along2 stride = 0;
  Padding2 padding{};
  Along2 dilation = 1;
};

// The operation of a window that slides along Axis of its operand: in the result the axes of its taps and
// of its places stand there; `value` is around the operand.
template <int Axis, auto Options, class T>
struct Slide {
  static constexpr Kind kind = Kind::slide;
  static constexpr const char* name = "slide";
  static constexpr int axis = Axis;
  static constexpr index_t stride = Options.stride[0];
  static constexpr index_t dilation = Options.dilation[0];
  static constexpr index_t before = Options.before[0];
  T value{};
  friend constexpr bool operator==(const Slide&, const Slide&) = default;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// One axis of a pooling: its kernel and how that slides.
struct PoolAxis {
  index_t kernel = 1;
  WindowOptions<1> options{};

  [[nodiscard]] constexpr bool is_valid() const noexcept {
    const index_t reach = options.dilation[0] * (kernel - 1) + 1;
    return kernel >= 1 && kernel < (index_t{1} << 31) && options.are_valid() &&
           options.before[0] < reach && options.after[0] < reach;
  }
};

[[nodiscard]] constexpr PoolAxis pool_axis(index_t kernel, index_t stride, Padding padding,
                                           index_t dilation) noexcept {
  return {kernel,
          {{stride == 0 ? kernel : stride}, {padding.before}, {padding.after}, {dilation}, 1}};
}

// The extents of x with those of the taps and of the places instead of that of Axis.
template <int Axis, std::size_t R>
[[nodiscard]] constexpr auto slid_extents(const std::array<index_t, R>& x, index_t taps,
                                          index_t places) noexcept {
  std::array<index_t, R + 1> extents{};
  for (std::size_t d = 0; d <= R; ++d) {
    const int axis = static_cast<int>(d);
    extents[d] = axis < Axis ? x[d] : axis == Axis ? taps : axis == Axis + 1 ? places : x[d - 1];
  }
  return extents;
}

template <class Operation, PoolAxis Pool, index_t Extent>
consteval void require_pool_fits() {
  static_assert(!is_static_extent(Extent) || Pool.options.places(0, Extent, Pool.kernel) > 0,
                "A pooling window must fit the padded axis.");
}

template <class Operation, int Axis, PoolAxis Pool, class X>
[[nodiscard]] constexpr auto make_slide(X x, value_t<X> value) {
  using S = shape_t<X>;
  using T = value_t<X>;
  constexpr index_t pattern = S::pattern[static_cast<std::size_t>(Axis)];
  require_pool_fits<Operation, Pool, pattern>();
  const auto from = x.shape().extents();
  const index_t n = from[static_cast<std::size_t>(Axis)];
  const index_t places = Pool.options.places(0, n, Pool.kernel);
  if (places == 0)
    raise<ShapeError>(Operation::name,
                      "a window of %td taps does not fit axis %d of shape %s with padding",
                      Pool.kernel, Axis, ShapeText(from).text);
  using Result = shape_from_t<slid_extents<Axis>(
      S::pattern, Pool.kernel, Pool.options.places_pattern(0, pattern, Pool.kernel))>;
  using Op = Slide<Axis, Pool.options, T>;
  return make_node<Op, T>(
      Op{value}, Result::from_extents(slid_extents<Axis>(from, Pool.kernel, places)), std::move(x));
}

// The reduction F over the taps of windows along the last axis, or the last two.
template <class Operation, class F, PoolAxis... Pools, class X>
[[nodiscard]] constexpr auto make_pool(X x, value_t<X> value) {
  static_assert((Pools.is_valid() && ...),
                "The options of pooling: kernel and dilation are at least 1, stride at least 0, "
                "padding at least 0 and less than the reach of the kernel.");
  constexpr int rank = shape_t<X>::rank(), axes = static_cast<int>(sizeof...(Pools));
  static_assert(rank >= axes, "Pooling needs as many axes as its window has.");
  constexpr std::array<PoolAxis, sizeof...(Pools)> pools{Pools...};
  if constexpr (axes == 1) {
    return make_reduce<F, (1U << (rank - 1)), false>(
        make_slide<Operation, rank - 1, pools[0]>(std::move(x), value));
  } else {
    constexpr unsigned taps = (1U << (rank - 2)) | (1U << rank);
    return make_reduce<F, taps, false>(make_slide<Operation, rank - 2, pools[0]>(
        make_slide<Operation, rank - 1, pools[1]>(std::move(x), value), value));
  }
}

struct MaxPool {
  static constexpr const char* name = "max_pool";
};
struct AvgPool {
  static constexpr const char* name = "avg_pool";
};

template <PoolAxis... Pools, class X>
[[nodiscard]] constexpr auto max_pool_of(X x) {
  using T = value_t<X>;
  require_numeric<T>();
  using Limits = std::numeric_limits<T>;
  return make_pool<MaxPool, fold::Max, Pools...>(
      std::move(x), Limits::has_infinity ? -Limits::infinity() : Limits::lowest());
}
template <PoolAxis... Pools, class X>
[[nodiscard]] constexpr auto avg_pool_of(X x) {
  require_numeric<value_t<X>>();
  using T = mean_t<value_t<X>>;
  constexpr index_t taps = (Pools.kernel * ...);
  return make_map(functor::Divide{},
                  make_pool<AvgPool, fold::Sum, Pools...>(cast_operand<T>(std::move(x)), T{}),
                  ScalarLeaf<T>(static_cast<T>(taps)));
}

template <Pool1d O>
inline constexpr PoolAxis pool_along = pool_axis(O.kernel, O.stride, O.padding, O.dilation);
template <Pool2d O>
inline constexpr PoolAxis pool_along_rows =
    pool_axis(O.kernel.rows, O.stride.rows, O.padding.rows, O.dilation.rows);
template <Pool2d O>
inline constexpr PoolAxis pool_along_columns =
    pool_axis(O.kernel.columns, O.stride.columns, O.padding.columns, O.dilation.columns);

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: max_pool<{k, s, {p, q}, d}>(x)(…, j) = max over t < k of x(…, j·s + t·d - p); what is outside of x
// does not count (it is the least value of the type).
// Shapes: (…, L) -> (…, (L + p + q - d·(k-1) - 1) / s + 1), as PyTorch's max_pool1d; with a Pool2d the same
// along the last two axes, as max_pool2d. NaN where there is one in the window.
// Windows are read where x lies; cheap elementwise work on x is done for every window, costly work once.
// Errors: a window that does not fit is a compile error where known, else ShapeError. No allocation.
template <Pool1d Options, Expression X>
[[nodiscard]] constexpr auto max_pool(X&& x) {
  return detail::max_pool_of<detail::pool_along<Options>>(
      detail::arithmetic_operand(detail::as_operand(std::forward<X>(x))));
}
template <Pool2d Options, Expression X>
[[nodiscard]] constexpr auto max_pool(X&& x) {
  return detail::max_pool_of<detail::pool_along_rows<Options>, detail::pool_along_columns<Options>>(
      detail::arithmetic_operand(detail::as_operand(std::forward<X>(x))));
}

// Formula: the sum over the window, zeros outside of x, divided by its number of taps: padding counts, as by
// default in PyTorch's avg_pool1d and avg_pool2d. Integers are averaged as double. Shapes, errors: max_pool's.
template <Pool1d Options, Expression X>
[[nodiscard]] constexpr auto avg_pool(X&& x) {
  return detail::avg_pool_of<detail::pool_along<Options>>(
      detail::arithmetic_operand(detail::as_operand(std::forward<X>(x))));
}
template <Pool2d Options, Expression X>
[[nodiscard]] constexpr auto avg_pool(X&& x) {
  return detail::avg_pool_of<detail::pool_along_rows<Options>, detail::pool_along_columns<Options>>(
      detail::arithmetic_operand(detail::as_operand(std::forward<X>(x))));
}

}  // namespace tenon::inline TENON_MODE
