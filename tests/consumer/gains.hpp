#pragma once
// What a user's program has for every instruction set.

#include <tenon/core/dispatch.hpp>

struct Gains {
  void (*apply)(float* samples, tenon::index_t count, float gain) noexcept;
};

TENON_DISPATCHED(Gains, gains);
