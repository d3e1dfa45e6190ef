// What a layer takes, before the program runs: 768 inputs, 10 classes, in double. The numbers are
// constants, so a layer that no longer fits its memory does not compile.

#include <tenon/tenon.hpp>

#include <cstddef>
#include <iostream>
#include <utility>

namespace tn = tenon;

using Input = tn::Tensor<double, tn::Shape<768>>;
using Weights = tn::Tensor<double, tn::Shape<768, 10>>;
using Bias = tn::Tensor<double, tn::Shape<10>>;

auto layer(const Input& x, const Weights& w, const Bias& b) { return tn::matmul(x, w) + b; }

using Layer =
    decltype(layer(std::declval<Input&>(), std::declval<Weights&>(), std::declval<Bias&>()));
constexpr auto plan = tn::plan_of<Layer>;

constexpr std::size_t input_bytes = tn::plan_of<Input>.result_bytes;
constexpr std::size_t weight_bytes =
    tn::plan_of<Weights>.result_bytes + tn::plan_of<Bias>.result_bytes;
static_assert(weight_bytes == 61'520);  // (768 · 10 weights + 10 biases) · 8 B
static_assert(plan.result_bytes == 80);
static_assert(plan.peak_bytes <= 8192);  // result and workspace: what one inference may take

// All the memory there is. Blocks start at multiples of 64, and 80 B of biases leave a gap of 48.
alignas(
    tn::workspace_alignment) std::byte memory[input_bytes + weight_bytes + 48 + plan.peak_bytes];

int main() {
  tn::FixedBufferAllocator fixed(memory);  // never asks the heap; one byte less would not do
  const auto x = tn::full(tn::shape<768>(), 0.5, fixed);
  const auto w = tn::full(tn::shape<768, 10>(), 0.25, fixed);
  const auto b = tn::full(tn::shape<10>(), 1.0, fixed);
  const auto y = tn::eval(layer(x, w, b), fixed);

  std::cout << "weights " << weight_bytes << " B, result " << plan.result_bytes << " B\n"
            << "y = " << y << '\n';
}
