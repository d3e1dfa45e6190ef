#include "elementwise.hpp"

#include <tenon/expr/functors.hpp>

#include <cstdint>

namespace tenon::detail::inline TENON_MODE {

namespace {

struct ParametricRelu {
  TENON_INLINE auto operator()(const auto& a, const auto& slope) const noexcept {
    using P = std::remove_cvref_t<decltype(a)>;
    return simd::select(a < P(0), a * slope, a);
  }
};

template <class T, class F, bool FirstScalar, bool SecondScalar>
void run(void* to, const void* a, const void* b, index_t n, const double*) noexcept {
  for_each_pack<T>(static_cast<T*>(to), n, F{}, TileOperand<T, FirstScalar>(a),
                   TileOperand<T, SecondScalar>(b));
}

template <class T, class F>
TileFunction choose(TileOperands operands) noexcept {
  switch (operands) {
    case TileOperands::scalar_first:
      return &run<T, F, true, false>;
    case TileOperands::scalar_second:
      return &run<T, F, false, true>;
    default:
      return &run<T, F, false, false>;
  }
}

template <class T>
TileFunction of_type(ElementwiseCode code, TileOperands operands) noexcept {
  using enum ElementwiseCode;
  switch (code) {
    case add:
      return choose<T, functor::Add>(operands);
    case subtract:
      return choose<T, functor::Subtract>(operands);
    case multiply:
      return choose<T, functor::Multiply>(operands);
    case divide:
      return choose<T, functor::Divide>(operands);
    case maximum:
      return choose<T, functor::Maximum>(operands);
    case minimum:
      return choose<T, functor::Minimum>(operands);
    default:
      break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (code == power) return choose<T, functor::Pow>(operands);
    if (code == parametric_relu) return choose<T, ParametricRelu>(operands);
  }
  return nullptr;
}

}  // namespace

TileFunction binary_tile_function(ElementwiseCode code, DType dtype,
                                  TileOperands operands) noexcept {
  switch (dtype) {
    case DType::float32:
      return of_type<float>(code, operands);
    case DType::float64:
      return of_type<double>(code, operands);
    case DType::int32:
      return of_type<std::int32_t>(code, operands);
    case DType::int64:
      return of_type<std::int64_t>(code, operands);
    default:
      return nullptr;
  }
}

}  // namespace tenon::detail::inline TENON_MODE
