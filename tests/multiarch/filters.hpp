#pragma once
// A table of functions as a user writes it: expressions behind plain pointers, for one instruction set each.

#include <tenon/core/dispatch.hpp>

// Elements of a register where these functions were compiled, y = relu(a x + b), and the sum of squares.
struct Filters {
  int (*lanes)() noexcept;
  void (*affine_relu)(const float* x, float a, float b, float* y, tenon::index_t n) noexcept;
  float (*energy)(const float* x, tenon::index_t n) noexcept;
  const char* (*refusal)();  // the message of an error that is raised and caught inside
  void (*raise)();           // an error that the caller catches
};

TENON_DISPATCHED(Filters, filters);
