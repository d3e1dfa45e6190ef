#include "elementwise.hpp"

#include <tenon/expr/functors.hpp>

#include <cstdint>

namespace tenon::detail::inline TENON_MODE {

namespace {

// An operation without parameters.
template <class Functor>
struct Plain {
  template <class P>
  TENON_INLINE static P apply(P x, P, P) noexcept {
    return Functor{}(x);
  }
};
struct LeakyRelu {
  template <class P>
  TENON_INLINE static P apply(P x, P p, P) noexcept {
    return simd::select(x < P(0), x * p, x);
  }
};
struct Elu {
  template <class P>
  TENON_INLINE static P apply(P x, P p, P) noexcept {
    return simd::select(x < P(0), p * (simd::exp(x) - P(1)), x);
  }
};
struct Clip {
  template <class P>
  TENON_INLINE static P apply(P x, P p, P q) noexcept {
    return simd::minimum(simd::maximum(x, p), q);
  }
};
struct HardSigmoid {
  template <class P>
  TENON_INLINE static P apply(P x, P p, P q) noexcept {
    return Clip::apply(x * p + q, P(0), P(1));
  }
};
struct HardSwish {
  template <class P>
  TENON_INLINE static P apply(P x, P, P) noexcept {
    return x * HardSigmoid::apply(x, P(1.0 / 6), P(0.5));
  }
};
struct Reciprocal {
  template <class P>
  TENON_INLINE static P apply(P x, P, P) noexcept {
    return P(1) / x;
  }
};
struct GeluTanh {
  template <class P>
  TENON_INLINE static P apply(P x, P, P) noexcept {
    constexpr double scale = 1.5957691216057308;  // 2 sqrt(2 / pi)
    return x * simd::sigmoid(P(scale) * (x + P(0.044715) * x * x * x));
  }
};
// max(x, 0) + log(1 + exp(-|x|)): no overflow.
struct Softplus {
  template <class P>
  TENON_INLINE static P apply(P x, P, P) noexcept {
    return simd::relu(x) + simd::log(P(1) + simd::exp(-simd::abs(x)));
  }
};

template <class T, class F>
void run(void* to, const void* a, const void*, index_t n, const double* parameters) noexcept {
  using P = TilePack<T>;
  const P p(parameters[0]), q(parameters[1]);
  for_each_pack<T>(
      static_cast<T*>(to), n,
      [&](const P& x) TENON_INLINE_LAMBDA { return F::template apply<P>(x, p, q); },
      TileOperand<T, false>(a));
}

template <class T>
TileFunction floating(ElementwiseCode code) noexcept {
  using enum ElementwiseCode;
  switch (code) {
    case leaky_relu:
      return &run<T, LeakyRelu>;
    case elu:
      return &run<T, Elu>;
    case clip:
      return &run<T, Clip>;
    case hard_sigmoid:
      return &run<T, HardSigmoid>;
    case hard_swish:
      return &run<T, HardSwish>;
    case reciprocal:
      return &run<T, Reciprocal>;
    case sqrt:
      return &run<T, Plain<functor::Sqrt>>;
    case exp:
      return &run<T, Plain<functor::Exp>>;
    case log:
      return &run<T, Plain<functor::Log>>;
    case sin:
      return &run<T, Plain<functor::Sin>>;
    case cos:
      return &run<T, Plain<functor::Cos>>;
    case tanh:
      return &run<T, Plain<functor::Tanh>>;
    case sigmoid:
      return &run<T, Plain<functor::Sigmoid>>;
    case silu:
      return &run<T, Plain<functor::Silu>>;
    case gelu:
      return &run<T, Plain<functor::Gelu>>;
    case gelu_tanh:
      return &run<T, GeluTanh>;
    case erf:
      return &run<T, Plain<functor::Erf>>;
    case softplus:
      return &run<T, Softplus>;
    case sign:
      return &run<T, Plain<functor::Sign>>;
    case floor:
      return &run<T, Plain<functor::Floor>>;
    case ceil:
      return &run<T, Plain<functor::Ceil>>;
    case round:
      return &run<T, Plain<functor::Round>>;
    default:
      return nullptr;
  }
}

template <class T>
TileFunction of_type(ElementwiseCode code) noexcept {
  using enum ElementwiseCode;
  switch (code) {
    case negate:
      return &run<T, Plain<functor::Negate>>;
    case abs:
      return &run<T, Plain<functor::Abs>>;
    case relu:
      return &run<T, Plain<functor::Relu>>;
    case square:
      return &run<T, Plain<functor::Square>>;
    default:
      break;
  }
  if constexpr (std::is_floating_point_v<T>)
    return floating<T>(code);
  else
    return nullptr;
}

}  // namespace

TileFunction unary_tile_function(ElementwiseCode code, DType dtype) noexcept {
  switch (dtype) {
    case DType::float32:
      return of_type<float>(code);
    case DType::float64:
      return of_type<double>(code);
    case DType::int32:
      return of_type<std::int32_t>(code);
    case DType::int64:
      return of_type<std::int64_t>(code);
    default:
      return nullptr;
  }
}

}  // namespace tenon::detail::inline TENON_MODE
