#include "filters.hpp"

#include "table.hpp"

#include <tenon/simd/vectors.hpp>

namespace tn = tenon;

namespace {

int lanes() noexcept { return tn::simd::native_lanes<float>; }

void affine_relu(const float* x, float a, float b, float* y, tn::index_t n) noexcept {
  const auto shape = tn::shape(n);
  tn::TensorView<float, tn::Shape<tn::dyn>> out(y, shape);
  tn::eval_into(tn::noalias(out), tn::relu(Signal(x, shape) * a + b));
}

const char* refusal() {
  static const std::string text = [] {
    try {
      tn::detail::raise<tn::ShapeError>("filters", "%s", repeated("ab", 2).c_str());
    } catch (const tn::ShapeError& error) {
      return std::string(error.message());
    }
  }();
  return text.c_str();
}

void raise() { tn::detail::raise<tn::ShapeError>("filters", "%d taps", 3); }

}  // namespace

TENON_DISPATCHED_TABLE(Filters, filters, lanes, affine_relu, energy, refusal, raise);
