#include "gains.hpp"

#include <tenon/tenon.hpp>

namespace tn = tenon;

static void apply(float* samples, tn::index_t count, float gain) noexcept {
  const tn::TensorView<float, tn::Shape<tn::dyn>> signal(samples, tn::shape(count));
  signal *= gain;
}

TENON_DISPATCHED_TABLE(Gains, gains, apply);
