#pragma once
// Reductions over chosen axes, and softmax along one.

#include <tenon/expr/operators.hpp>

#include <cstdint>

namespace tenon::inline TENON_MODE {

// Asks a reduction to keep the reduced axes, with extent 1.
struct keepdims_t {};
inline constexpr keepdims_t keepdims{};

namespace fold {

// What a reduction does. `empty_allowed`: the fold of no elements has a value.
struct Sum {
  static constexpr const char* name = "sum";
  static constexpr bool empty_allowed = true;
  template <class T>
  using result = sum_t<T>;
};
struct Prod {
  static constexpr const char* name = "prod";
  static constexpr bool empty_allowed = true;
  template <class T>
  using result = sum_t<T>;
};
struct Max {
  static constexpr const char* name = "max";
  static constexpr bool empty_allowed = false;
  template <class T>
  using result = T;
};
struct Min {
  static constexpr const char* name = "min";
  static constexpr bool empty_allowed = false;
  template <class T>
  using result = T;
};
struct ArgMax {
  static constexpr const char* name = "argmax";
  static constexpr bool empty_allowed = false;
  template <class T>
  using result = std::int64_t;
};
struct ArgMin {
  static constexpr const char* name = "argmin";
  static constexpr bool empty_allowed = false;
  template <class T>
  using result = std::int64_t;
};

}  // namespace fold

// The operation of a reduction: bit i of Axes says that axis i is reduced.
template <class F, unsigned Axes, bool KeepDims>
struct Reduce {
  static constexpr Kind kind = Kind::reduce;
  static constexpr const char* name = F::name;
  using fold_type = F;
  static constexpr unsigned axes = Axes;
  static constexpr bool keep_dims = KeepDims;
};

// The operation of softmax and log_softmax along Axis.
template <int Axis, bool Log>
struct Normalize {
  static constexpr Kind kind = Kind::normalize;
  static constexpr const char* name = Log ? "log_softmax" : "softmax";
  static constexpr int axis = Axis;
  static constexpr bool log = Log;
  // An element: maximum, subtract, exp, add and multiply, or subtract twice.
  static constexpr int flops = 3 + functor::Exp::weight + (Log ? 2 : 1);
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <int Rank, int... Axes>
consteval unsigned axes_mask() {
  static_assert(((Axes >= -Rank && Axes < Rank) && ...),
                "A reduction names an axis that its operand does not have.");
  unsigned mask = 0;
  bool twice = false;
  ((twice = twice || ((mask >> normalize_axis(Axes, Rank)) & 1U) != 0,
    mask |= 1U << normalize_axis(Axes, Rank)),
   ...);
  return sizeof...(Axes) == 0 ? (1U << Rank) - 1U : twice ? ~0U : mask;
}

template <class S, unsigned Axes, bool KeepDims>
consteval auto reduced_pattern() {
  constexpr std::size_t kept = [] {
    std::size_t n = 0;
    for (int i = 0; i < S::rank(); ++i) n += KeepDims || ((Axes >> i) & 1U) == 0 ? 1U : 0U;
    return n;
  }();
  std::array<index_t, kept> pattern{};
  std::size_t k = 0;
  for (std::size_t i = 0; i < S::pattern.size(); ++i) {
    const bool reduced = ((Axes >> i) & 1U) != 0;
    if (!reduced || KeepDims) pattern[k++] = reduced ? 1 : S::pattern[i];
  }
  return pattern;
}

template <class F, unsigned Axes, bool KeepDims, class X>
[[nodiscard]] constexpr auto make_reduce(X x) {
  static_assert(Axes != ~0U, "A reduction names the same axis twice.");
  using S = shape_t<X>;
  using Result = shape_from_t<reduced_pattern<S, Axes, KeepDims>()>;
  const S from = x.shape();
  std::array<index_t, Result::pattern.size()> extents{};
  std::size_t k = 0;
  index_t folded = 1;
  for (int i = 0; i < S::rank(); ++i) {
    const bool reduced = ((Axes >> i) & 1U) != 0;
    if (reduced) folded *= from.extent(i);
    if (!reduced || KeepDims) extents[k++] = reduced ? 1 : from.extent(i);
  }
  if constexpr (!F::empty_allowed) {
    if (folded == 0)
      raise<ShapeError>(F::name, "the axes to reduce of shape %s hold no element",
                        ShapeText(from.extents()).text);
  }
  using T = typename F::template result<value_t<X>>;
  return make_node<Reduce<F, Axes, KeepDims>, T>(Reduce<F, Axes, KeepDims>{},
                                                 Result::from_extents(extents), std::move(x));
}

template <class F, bool KeepDims, int... Axes, class X>
[[nodiscard]] constexpr auto reduce_axes(X&& x) {
  return make_reduce<F, axes_mask<shape_t<X>::rank(), Axes...>(), KeepDims>(
      arithmetic_operand(as_operand(std::forward<X>(x))));
}

// The number of elements that one result of the reduction folds.
template <unsigned Axes, class S>
[[nodiscard]] constexpr index_t folded_count(const S& shape) {
  index_t n = 1;
  for (int i = 0; i < S::rank(); ++i)
    if (((Axes >> i) & 1U) != 0) n *= shape.extent(i);
  return n;
}

// The type in which T is averaged.
template <class T>
using mean_t = std::conditional_t<std::floating_point<arithmetic_t<T>>, arithmetic_t<T>, double>;

template <bool KeepDims, int... Axes, class X>
[[nodiscard]] constexpr auto mean_axes(X&& x) {
  using T = mean_t<value_t<X>>;
  constexpr unsigned mask = axes_mask<shape_t<X>::rank(), Axes...>();
  const auto count = static_cast<T>(folded_count<mask>(x.shape()));
  return make_map(
      functor::Divide{},
      make_reduce<fold::Sum, mask, KeepDims>(cast_operand<T>(as_operand(std::forward<X>(x)))),
      ScalarLeaf<T>(count));
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: sum<A…>(x)(k…) = sum over the axes A… of x; sum(x) folds every axis. Shape: that of x
// without the axes, or with extent 1 there (keepdims). Element type: NumPy's (64 bits for integers).
// Float sums accumulate in lanes and pairwise blocks: the error grows with log n, not n.
// Errors: axes out of range or twice do not compile.
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto sum(X&& x) {
  return detail::reduce_axes<fold::Sum, false, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto sum(X&& x, keepdims_t) {
  return detail::reduce_axes<fold::Sum, true, Axes...>(std::forward<X>(x));
}

// Formula: the product over the axes, as sum.
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto prod(X&& x) {
  return detail::reduce_axes<fold::Prod, false, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto prod(X&& x, keepdims_t) {
  return detail::reduce_axes<fold::Prod, true, Axes...>(std::forward<X>(x));
}

// Formula: sum<A…>(x) / (number of elements folded); integers are averaged as double. The mean of no
// elements is NaN.
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto mean(X&& x) {
  return detail::mean_axes<false, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto mean(X&& x, keepdims_t) {
  return detail::mean_axes<true, Axes...>(std::forward<X>(x));
}

// Formula: the greatest (least) element over the axes; NaN where there is one.
// Errors: ShapeError where the axes hold no element.
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto max(X&& x) {
  return detail::reduce_axes<fold::Max, false, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto max(X&& x, keepdims_t) {
  return detail::reduce_axes<fold::Max, true, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto min(X&& x) {
  return detail::reduce_axes<fold::Min, false, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto min(X&& x, keepdims_t) {
  return detail::reduce_axes<fold::Min, true, Axes...>(std::forward<X>(x));
}

// Formula: the row-major index, within the reduced axes, of the first greatest (least) element; the
// first NaN wins. Element type int64. Errors: ShapeError where the axes hold no element.
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto argmax(X&& x) {
  return detail::reduce_axes<fold::ArgMax, false, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto argmax(X&& x, keepdims_t) {
  return detail::reduce_axes<fold::ArgMax, true, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto argmin(X&& x) {
  return detail::reduce_axes<fold::ArgMin, false, Axes...>(std::forward<X>(x));
}
template <int... Axes, Expression X>
[[nodiscard]] constexpr auto argmin(X&& x, keepdims_t) {
  return detail::reduce_axes<fold::ArgMin, true, Axes...>(std::forward<X>(x));
}

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <int Axis, bool Log, class X>
[[nodiscard]] constexpr auto make_normalize(X x) {
  using T = value_t<X>;
  require_floating<T>();
  constexpr int rank = shape_t<X>::rank();
  static_assert(Axis >= -rank && Axis < rank,
                "softmax names an axis that its operand does not have.");
  const auto shape = x.shape();
  return make_node<Normalize<normalize_axis(Axis, rank), Log>, T>({}, shape, std::move(x));
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: softmax<A>(x) = exp(x - max<A>(x)) · (1 / sum<A>(exp(x - max<A>(x)))). Shape: that of x.
// Workspace: one row (or one pack of rows). The producer is evaluated once.
template <int Axis, Expression X>
[[nodiscard]] constexpr auto softmax(X&& x) {
  return detail::make_normalize<Axis, false>(
      detail::arithmetic_operand(detail::as_operand(std::forward<X>(x))));
}
// Formula: log_softmax<A>(x) = (x - max<A>(x)) - log(sum<A>(exp(x - max<A>(x)))).
template <int Axis, Expression X>
[[nodiscard]] constexpr auto log_softmax(X&& x) {
  return detail::make_normalize<Axis, true>(
      detail::arithmetic_operand(detail::as_operand(std::forward<X>(x))));
}

}  // namespace tenon::inline TENON_MODE
