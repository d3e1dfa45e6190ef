#pragma once
// Operands for benchmarks: numbers between -1/8 and 1/8 that live as long as the program.

#include <tenon/core/config.hpp>

#include <random>
#include <vector>

namespace tenon::bench {

inline const float* values(index_t n) {
  static auto& all = *new std::vector<std::vector<float>>;
  static std::minstd_rand random(1);
  auto& x = all.emplace_back(static_cast<std::size_t>(n));
  for (float& v : x) v = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 8000.0F;
  return x.data();
}

}  // namespace tenon::bench
