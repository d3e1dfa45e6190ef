// Batch after batch in the same memory: a pool is cleared between them, and from the second batch
// on it serves every request from what the first one left.

#include <tenon/tenon.hpp>

#include <iostream>

namespace tn = tenon;

int main() {
  tn::PoolAllocator pool;
  for (int batch = 1; batch <= 4; ++batch) {
    // The inputs, results and temporaries of this batch all come from the pool …
    const auto x = tn::full<float>(tn::shape(32, 64), static_cast<float>(batch), pool);
    const auto y = tn::eval(tn::relu(x * 2.0F - 3.0F), pool);
    const auto m = tn::eval(tn::mean(y), pool);

    const tn::PoolStats so_far = pool.stats();
    std::cout << "batch " << batch << ": mean " << m.item() << "; so far " << so_far.allocations
              << " allocations, " << so_far.misses << " of them from the system, " << so_far.hits
              << " from the pool\n";
    // … and all go back here, at once: no destructor has to run first, nothing is freed. The
    // handles above are stale now; in a checked build touching one is an error.
    pool.clear();
  }
  std::cout << "live after the last batch: " << pool.stats().live_bytes << " B\n";
}
