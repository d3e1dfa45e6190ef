#pragma once
// What elementwise operators mean: NumPy's broadcasting and plain formulas in double, nothing fused.

#include <tenon/engine/elementwise.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace naive {

struct Array {
  std::vector<std::ptrdiff_t> shape;
  std::vector<double> at;
};

inline double apply(tenon::Elementwise op, double a, double b) {
  const double p = op.parameters[0], q = op.parameters[1];
  const auto between = [](double x, double low, double high) {
    return std::isnan(x) ? x : std::min(std::max(x, low), high);
  };
  using enum tenon::ElementwiseCode;
  switch (op.code) {
    case none:
      return 0;
    case add:
      return a + b;
    case subtract:
      return a - b;
    case multiply:
      return a * b;
    case divide:
      return a / b;
    case maximum:
      return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b);
    case minimum:
      return std::isnan(a) || std::isnan(b) ? a + b : std::min(a, b);
    case power:
      return std::pow(a, b);
    case parametric_relu:
      return a < 0 ? a * b : a;
    case negate:
      return -a;
    case abs:
      return std::fabs(a);
    case relu:
      return a < 0 ? 0 : a;
    case square:
      return a * a;
    case leaky_relu:
      return a < 0 ? p * a : a;
    case elu:
      return a < 0 ? p * std::expm1(a) : a;
    case clip:
      return between(a, p, q);
    case hard_sigmoid:
      return between(p * a + q, 0, 1);
    case hard_swish:
      return a * between(a / 6 + 0.5, 0, 1);
    case reciprocal:
      return 1 / a;
    case sqrt:
      return std::sqrt(a);
    case exp:
      return std::exp(a);
    case log:
      return std::log(a);
    case sin:
      return std::sin(a);
    case cos:
      return std::cos(a);
    case tanh:
      return std::tanh(a);
    case sigmoid:
      return 1 / (1 + std::exp(-a));
    case silu:
      return a / (1 + std::exp(-a));
    case gelu:
      return 0.5 * a * std::erfc(-a / std::sqrt(2.0));
    case gelu_tanh:
      return 0.5 * a * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (a + 0.044715 * a * a * a)));
    case erf:
      return std::erf(a);
    case softplus:
      return std::max(a, 0.0) + std::log1p(std::exp(-std::fabs(a)));
    case sign:
      return a > 0 ? 1 : a < 0 ? -1 : a;
    case floor:
      return std::floor(a);
    case ceil:
      return std::ceil(a);
    case round:
      return std::nearbyint(a);
  }
  return 0;
}

// The element of x at `index` of a shape that x broadcasts to.
inline double element(const Array& x, const std::vector<std::ptrdiff_t>& index) {
  std::ptrdiff_t place = 0;
  const std::size_t leading = index.size() - x.shape.size();
  for (std::size_t d = 0; d < x.shape.size(); ++d)
    place = place * x.shape[d] + (x.shape[d] == 1 ? 0 : index[leading + d]);
  return x.at[static_cast<std::size_t>(place)];
}

inline std::vector<std::ptrdiff_t> broadcast(const std::vector<std::ptrdiff_t>& a,
                                             const std::vector<std::ptrdiff_t>& b) {
  std::vector<std::ptrdiff_t> shape(std::max(a.size(), b.size()), 1);
  for (const auto* s : {&a, &b})
    for (std::size_t d = 0; d < s->size(); ++d) {
      auto& e = shape[shape.size() - s->size() + d];
      if ((*s)[d] != 1) e = (*s)[d];
    }
  return shape;
}

inline Array apply(tenon::Elementwise op, const Array& a, const Array& b) {
  Array r{broadcast(a.shape, b.shape), {}};
  std::size_t size = 1;
  for (const auto e : r.shape) size *= static_cast<std::size_t>(e);
  std::vector<std::ptrdiff_t> index(r.shape.size());
  for (std::size_t i = 0; i < size; ++i) {
    r.at.push_back(apply(op, element(a, index), element(b, index)));
    for (std::size_t d = index.size(); d-- > 0;) {
      if (++index[d] < r.shape[d]) break;
      index[d] = 0;
    }
  }
  return r;
}

}  // namespace naive
