#pragma once
// Matrix products.

#include <tenon/expr/map.hpp>

namespace tenon::inline TENON_MODE {

// The operation of a matrix product. A vector on the left is a row, on the right a column; the axis
// that it lacks is left out of the result.
template <bool LeftVector, bool RightVector>
struct Contract {
  static constexpr Kind kind = Kind::contract;
  static constexpr const char* name = "matmul";
  static constexpr bool left_vector = LeftVector;
  static constexpr bool right_vector = RightVector;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Pattern and extents of a product: batch axes broadcast, then M and N.
struct MatmulShape {
  std::array<index_t, static_cast<std::size_t>(max_rank)> extents{};
  std::size_t rank = 0;
  bool inner_ok = true;  // K agrees
  bool batch_ok = true;  // batch axes broadcast
};

// Formula: (batch…, M, K) · (batch…, K, N) -> (batch…, M, N), on patterns and on extents alike
// (an extent that is not static agrees with everything).
template <std::size_t A, std::size_t B>
[[nodiscard]] constexpr MatmulShape matmul_shape(const std::array<index_t, A>& a,
                                                 const std::array<index_t, B>& b) {
  constexpr bool left_vector = A == 1, right_vector = B == 1;
  constexpr std::size_t batch_a = left_vector ? 0 : A - 2, batch_b = right_vector ? 0 : B - 2;
  constexpr std::size_t batch = batch_a > batch_b ? batch_a : batch_b;
  MatmulShape result;
  for (std::size_t i = 0; i < batch; ++i) {
    const index_t x = i + batch_a >= batch ? a[i + batch_a - batch] : 1;
    const index_t y = i + batch_b >= batch ? b[i + batch_b - batch] : 1;
    result.extents[result.rank++] = broadcast_extent(x, y, result.batch_ok);
  }
  const index_t ka = a[A - 1], kb = b[right_vector ? 0 : B - 2];
  if (is_static_extent(ka) && is_static_extent(kb) && ka != kb) result.inner_ok = false;
  if constexpr (!left_vector) result.extents[result.rank++] = a[A - 2];
  if constexpr (!right_vector) result.extents[result.rank++] = b[B - 1];
  return result;
}

template <class A, class B>
consteval auto matmul_pattern() {
  constexpr MatmulShape shape = matmul_shape(A::pattern, B::pattern);
  std::array<index_t, shape.rank> pattern{};
  for (std::size_t i = 0; i < shape.rank; ++i) pattern[i] = shape.extents[i];
  return pattern;
}

template <class A, class B>
consteval bool matmul_shapes_agree() {
  constexpr MatmulShape shape = matmul_shape(A::pattern, B::pattern);
  return shape.inner_ok && shape.batch_ok;
}

template <class Operation, class A, class B>
consteval void require_matmul_shapes() {
  static_assert(matmul_shapes_agree<A, B>(),
                "matmul needs (..., M, K) and (..., K, N): the last extent of the left operand "
                "must equal the last but one of the right, and batch axes must broadcast. Both "
                "shapes are named in the lines around this.");
}

template <class A, class B>
[[nodiscard]] constexpr auto make_matmul(A a, B b) {
  using SA = shape_t<A>;
  using SB = shape_t<B>;
  static_assert(SA::rank() >= 1 && SB::rank() >= 1,
                "matmul needs vectors or matrices: multiply by a number with *.");
  using Op = Contract<SA::rank() == 1, SB::rank() == 1>;
  require_matmul_shapes<Op, SA, SB>();
  using T = value_t<A>;
  if constexpr (!matmul_shapes_agree<SA, SB>()) {
    return make_node<Op, T>(Op{}, Shape<>{}, std::move(a), std::move(b));
  } else {
    using Result = shape_from_t<matmul_pattern<SA, SB>()>;
    const auto ea = a.shape().extents();
    const auto eb = b.shape().extents();
    const MatmulShape shape = matmul_shape(ea, eb);
    if (!shape.inner_ok || !shape.batch_ok)
      raise<ShapeError>(
          Op::name, "shapes %s and %s do not multiply: %s", ShapeText(ea).text, ShapeText(eb).text,
          shape.inner_ok ? "their batch axes do not broadcast" : "the inner extents differ");
    std::array<index_t, Result::pattern.size()> extents{};
    for (std::size_t i = 0; i < extents.size(); ++i) extents[i] = shape.extents[i];
    return make_node<Op, T>(Op{}, Result::from_extents(extents), std::move(a), std::move(b));
  }
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: matmul(a, b)(…, i, j) = sum over k of a(…, i, k) · b(…, k, j).
// Shapes: (…, M, K) · (…, K, N) -> (…, M, N), batch axes broadcast; a vector on the left is (1, K),
// on the right (K, 1), and the axis added is dropped, as numpy.matmul.
// Each element is one chain acc = fma(a, b, acc) over k = 0, 1, … (a matrix times a vector sums in
// lanes), so its bits do not depend on blocking, threads or alignment.
// Errors: shapes that do not multiply are a compile error where known, else ShapeError.
// Workspace: packing panels, in the plan. No allocation.
template <Expression A, Expression B>
[[nodiscard]] constexpr auto matmul(A&& a, B&& b) {
  detail::require_numeric<value_t<A>>();
  detail::require_numeric<value_t<B>>();
  detail::require_promotable<value_t<A>, value_t<B>>();
  using T = promoted_t<value_t<A>, value_t<B>>;
  return detail::make_matmul(detail::cast_operand<T>(detail::as_operand(std::forward<A>(a))),
                             detail::cast_operand<T>(detail::as_operand(std::forward<B>(b))));
}

}  // namespace tenon::inline TENON_MODE
