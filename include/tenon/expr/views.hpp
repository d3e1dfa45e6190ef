#pragma once
// View operations: other axes, offsets, steps and extents over the same elements.
//
// On a TensorView they give a TensorView (which can be assigned to); on anything else a node that
// the evaluation reads through, without a copy. reshape of what does not lie in row-major order is
// the one planned copy.

#include <tenon/expr/map.hpp>

#include <boost/hana/negate.hpp>  // -1_c

namespace tenon::inline TENON_MODE {

struct full_extent_t {};
// The whole axis in a slice.
inline constexpr full_extent_t full_extent{};
namespace placeholders {
inline constexpr full_extent_t all{};
}  // namespace placeholders

struct newaxis_t {};
// A new axis of extent 1 in a slice.
inline constexpr newaxis_t newaxis{};

// The indices start, start + step, … before stop; each an integer or a constant such as 3_c.
template <class Start, class Stop, class Step>
struct Range {
  Start start;
  Stop stop;
  Step step;
};

// Formula: range(start, stop, step) as in NumPy's x[start:stop:step]: negative positions count from
// the end, positions beyond an end are cut to it. Constants (range(0_c, 4_c)) keep the extent static.
template <ExtentArgument Start, ExtentArgument Stop>
[[nodiscard]] constexpr auto range(Start start, Stop stop) noexcept {
  return Range<Start, Stop, hana::integral_constant<index_t, 1>>{start, stop, {}};
}
template <ExtentArgument Start, ExtentArgument Stop, ExtentArgument Step>
[[nodiscard]] constexpr auto range(Start start, Stop stop, Step step) noexcept {
  return Range<Start, Stop, Step>{start, stop, step};
}

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

// The operation of a reshape node.
struct Reshape {
  static constexpr Kind kind = Kind::reshape;
  static constexpr const char* name = "reshape";
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

template <class X>
inline constexpr bool is_range = false;
template <class A, class B, class C>
inline constexpr bool is_range<Range<A, B, C>> = true;

template <class X>
concept SliceArgument = is_range<X> || std::integral<X> || std::same_as<X, full_extent_t> ||
                        std::same_as<X, newaxis_t> || ExtentArgument<X>;

[[nodiscard]] constexpr index_t value_of(std::integral auto v) noexcept {
  return static_cast<index_t>(v);
}
template <class C>
  requires requires { C::value; }
[[nodiscard]] constexpr index_t value_of(const C&) noexcept {
  return static_cast<index_t>(C::value);
}

struct Span1 {
  index_t start = 0, count = 0, step = 1;
};

// NumPy's slice.indices. Contract: step != 0.
[[nodiscard]] constexpr Span1 resolve_range(index_t start, index_t stop, index_t step,
                                            index_t extent) noexcept {
  const index_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
  const auto place = [&](index_t i) {
    if (i < 0) i += extent;
    return i < low ? low : i > high ? high : i;
  };
  const index_t first = place(start), last = place(stop);
  const index_t distance = step > 0 ? last - first : first - last;
  // (distance - 1) / |step| + 1, without a negation that the least integer does not have
  const index_t steps = step > 0 ? (distance - 1) / step : -((distance - 1) / step);
  return {first, distance <= 0 ? 0 : steps + 1, step};
}

// The pattern of the extent that a range leaves of an axis with pattern `from`.
template <class R, index_t From>
consteval index_t range_pattern() {
  if constexpr (requires {
                  typename std::integral_constant<index_t, decltype(R::start)::value>;
                  typename std::integral_constant<index_t, decltype(R::stop)::value>;
                  typename std::integral_constant<index_t, decltype(R::step)::value>;
                }) {
    constexpr index_t a = decltype(R::start)::value, b = decltype(R::stop)::value,
                      s = decltype(R::step)::value;
    static_assert(s != 0, "The step of a range is not 0.");
    if (is_static_extent(From)) return resolve_range(a, b, s, From).count;
    if (a >= 0 && b >= 0 && s > 0) return b <= a ? 0 : (b - a - 1) / s + 1;
    return dyn;
  } else {
    return dyn;
  }
}

template <class R>
inline constexpr bool unit_step = [] {
  if constexpr (requires { typename std::integral_constant<index_t, decltype(R::step)::value>; })
    return decltype(R::step)::value == 1;
  else
    return false;
}();

// Everything about a slice that its types say.
template <std::size_t R2>
struct SlicePlan {
  std::array<int, R2> source{};
  std::array<index_t, R2> pattern{};
  unsigned unit_axes = ~0U, whole_axes = 0;
};

template <class S, class... Args>
consteval auto plan_slice() {
  constexpr int named = (0 + ... + (std::same_as<Args, newaxis_t> ? 0 : 1));
  static_assert(named <= S::rank(), "A slice names more axes than its operand has.");
  constexpr int dropped =
      (0 + ... +
       (!is_range<Args> && !std::same_as<Args, newaxis_t> && !std::same_as<Args, full_extent_t>
            ? 1
            : 0));
  constexpr int added = (0 + ... + (std::same_as<Args, newaxis_t> ? 1 : 0));
  constexpr auto R2 = static_cast<std::size_t>(S::rank() - dropped + added);
  SlicePlan<R2> plan;
  std::size_t d = 0;
  int c = 0;
  const auto take = [&](int source, index_t pattern) {
    plan.source[d] = source;
    plan.pattern[d++] = pattern;
  };
  const auto visit = [&]<class A>(std::type_identity<A>) {
    if constexpr (std::same_as<A, newaxis_t>) {
      take(-1, 1);
    } else {
      if constexpr (std::same_as<A, full_extent_t>) {
        plan.whole_axes |= 1U << c;
        take(c, S::pattern[static_cast<std::size_t>(c)]);
      } else if constexpr (is_range<A>) {
        if (!unit_step<A>) plan.unit_axes &= ~(1U << c);
        take(c, dyn);  // refined below, where the axis is a constant
      }
      ++c;
    }
  };
  (visit(std::type_identity<Args>{}), ...);
  for (; c < S::rank(); ++c) {
    plan.whole_axes |= 1U << c;
    take(c, S::pattern[static_cast<std::size_t>(c)]);
  }
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto refine = [&]<class A, std::size_t At>(std::type_identity<A>,
                                                     std::integral_constant<std::size_t, At>) {
      if constexpr (is_range<A>) {
        constexpr int axis = [] {
          int axes[] = {(std::same_as<Args, newaxis_t> ? 0 : 1)..., 0};
          int n = 0;
          for (std::size_t i = 0; i < At; ++i) n += axes[i];
          return n;
        }();
        for (std::size_t k = 0; k < R2; ++k)
          if (plan.source[k] == axis)
            plan.pattern[k] = range_pattern<A, S::pattern[static_cast<std::size_t>(axis)]>();
      }
    };
    (refine(std::type_identity<Args>{}, std::integral_constant<std::size_t, I>{}), ...);
  }(std::index_sequence_for<Args...>{});
  return plan;
}

// The layout of a restrided view, as far as types know it.
template <class S, class Layout, class Op, class Result>
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
  using L = decltype(restrided_layout<S, Layout, Op, Result>());
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

// Formula: slice(x, a0, a1, …) as NumPy's x[a0, a1, …]. Each argument is an index (drops the axis),
// a range, full_extent or newaxis; axes not named are taken whole.
// Errors: ShapeError where an index is out of range or a constant range does not fit.
template <Expression X, detail::SliceArgument... Args>
[[nodiscard]] constexpr auto slice(X&& x, Args... args) {
  using S = shape_t<X>;
  constexpr auto plan = detail::plan_slice<S, Args...>();
  using Result = shape_from_t<plan.pattern>;
  const S from = x.shape();
  detail::Offsets<S::rank()> offsets;
  for (auto& s : offsets.stride) s = 1;
  std::array<index_t, static_cast<std::size_t>(S::rank())> counts = from.extents();
  std::size_t c = 0;
  const auto visit = [&]<class A>(const A& a) {
    if constexpr (!std::same_as<A, newaxis_t>) {
      const index_t extent = counts[c];
      if constexpr (detail::is_range<A>) {
        const index_t step = detail::value_of(a.step);
        if (step == 0)
          detail::raise<ShapeError>("slice", "the step of the range on axis %zu is 0", c);
        const auto span = detail::resolve_range(detail::value_of(a.start), detail::value_of(a.stop),
                                                step, extent);
        offsets.first[c] = span.count == 0 ? 0 : span.start;
        offsets.stride[c] = step;
        counts[c] = span.count;
      } else if constexpr (!std::same_as<A, full_extent_t>) {
        const index_t i = detail::value_of(a);
        if (i < -extent || i >= extent)
          detail::raise<ShapeError>("slice", "index %td is outside axis %zu of shape %s", i, c,
                                    detail::ShapeText(from.extents()).text);
        offsets.first[c] = i < 0 ? i + extent : i;
      }
      ++c;
    }
  };
  (visit(args), ...);
  std::array<index_t, Result::pattern.size()> extents{};
  for (std::size_t d = 0; d < extents.size(); ++d) {
    extents[d] = plan.source[d] < 0 ? 1 : counts[static_cast<std::size_t>(plan.source[d])];
    if (detail::is_static_extent(Result::pattern[d]) && extents[d] != Result::pattern[d])
      detail::raise<ShapeError>("slice", "a constant range of %td elements does not fit shape %s",
                                Result::pattern[d], detail::ShapeText(from.extents()).text);
  }
  using Op = Restride<plan.source, plan.unit_axes, plan.whole_axes, detail::Offsets<S::rank()>>;
  return detail::restride(Op{offsets}, Result::from_extents(extents), std::forward<X>(x));
}

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
