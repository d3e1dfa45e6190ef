// Two lifetimes, two allocators: weights stay with the model, an inference works in scratch memory
// that is reset after it, and its result outlives the scratch.

#include <tenon/tenon.hpp>

#include <iostream>

namespace tn = tenon;

int main() {
  tn::Arena model;    // lives as long as the model
  tn::Arena scratch;  // one inference
  tn::PoolAllocator results;

  const auto w1 = tn::full<float>(tn::shape(4, 8), 0.5F, model);
  const auto w2 = tn::full<float>(tn::shape(8, 3), 0.25F, model);
  const auto b2 = tn::from({-1.0F, 0.0F, 1.0F}, tn::shape(3), model);

  for (const float level : {1.0F, 2.0F}) {
    const auto x = tn::full<float>(tn::shape(2, 4), level, scratch);
    const auto h = tn::eval(tn::relu(tn::matmul(x, w1)), scratch);
    // The result goes to `results`, packing panels and row buffers to `scratch`: the wrapper keeps
    // the two from being swapped by mistake.
    const auto y = tn::eval(tn::matmul(h, w2) + b2, results, tn::scratch(scratch));

    scratch.reset();  // x and h are gone; w1, w2, b2 and y are not
    std::cout << "y =\n" << y << "\nscratch in use: " << scratch.stats().live_bytes << " B\n\n";
  }
  std::cout << "weights, still there: " << model.stats().live_bytes << " B in "
            << model.stats().live_count << " tensors\n";
}
