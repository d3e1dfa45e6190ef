// A user's program with an expression compiled for each instruction set.

#include "gains.hpp"

#include <cstdio>

int main() {
  float samples[] = {1, 2, 3};
  gains().apply(samples, 3, 2.0F);
  std::printf("gains for %s: %g\n", tenon::name(gains_isa()), static_cast<double>(samples[2]));
  return samples[2] == 6.0F ? 0 : 1;
}
