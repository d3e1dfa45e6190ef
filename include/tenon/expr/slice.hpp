#pragma once
// slice: NumPy's basic indexing, with extents that stay known where the range is a constant.

#include <tenon/expr/restride.hpp>

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

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

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

}  // namespace tenon::inline TENON_MODE
