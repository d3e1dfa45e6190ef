#pragma once
// Elementwise: what an operator computes of one element of each input, as data that an interpreter runs.

#include <array>

namespace tenon {

// Formulas in the order of the codes; p and q are the parameters. Numbers are those of the expressions of
// the same names: each operation rounds once, NaN passes through maximum, minimum and clip.
enum class ElementwiseCode : unsigned char {
  none,  // not elementwise

  // two operands a and b
  add,
  subtract,
  multiply,
  divide,  // of integers: truncated; x / 0 = 0
  maximum,
  minimum,
  power,            // from here on floating point only
  parametric_relu,  // a < 0 ? a b : a

  // one operand x
  negate,
  abs,
  relu,  // max(x, 0)
  square,
  leaky_relu,    // x < 0 ? p x : x; from here on floating point only
  elu,           // x < 0 ? p (exp(x) - 1) : x
  clip,          // min(max(x, p), q)
  hard_sigmoid,  // max(0, min(1, p x + q))
  hard_swish,    // x max(0, min(1, x / 6 + 1 / 2))
  reciprocal,
  sqrt,
  exp,
  log,
  sin,
  cos,
  tanh,
  sigmoid,
  silu,       // x sigmoid(x)
  gelu,       // x Phi(x), by erf
  gelu_tanh,  // x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))
  erf,
  softplus,  // log(1 + exp(x))
  sign,
  floor,
  ceil,
  round  // ties to even
};

struct Elementwise {
  ElementwiseCode code = ElementwiseCode::none;
  std::array<double, 2> parameters{};  // p and q
};

// 2 or 1; 0 for none.
[[nodiscard]] constexpr int operand_count(ElementwiseCode code) noexcept {
  return code == ElementwiseCode::none ? 0 : code < ElementwiseCode::negate ? 2 : 1;
}
[[nodiscard]] constexpr bool is_for_integers(ElementwiseCode code) noexcept {
  return code < ElementwiseCode::power ||
         (code >= ElementwiseCode::negate && code < ElementwiseCode::leaky_relu);
}

}  // namespace tenon
