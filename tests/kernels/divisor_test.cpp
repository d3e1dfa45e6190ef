// Division by a number that stays the same, against the operator.

#include "catch.hpp"

#include <tenon/kernels/divisor.hpp>

#include <random>

using tenon::index_t;
using tenon::kernels::Divisor;

TEST_CASE("division by multiplication is exact", "[kernels]") {
  int wrong = 0;
  const auto check = [&](index_t n, index_t d) { wrong += Divisor(d).divide(n) != n / d; };
  for (index_t d = 1; d < 300; ++d)
    for (index_t n = 0; n < 2000; ++n) check(n, d);
  const index_t most = (index_t{1} << 32) - 1, huge = (index_t{1} << 62) + 12345;
  for (const index_t d : {index_t{1}, index_t{2}, index_t{3}, index_t{7}, index_t{641}, most / 2,
                          most / 2 + 1, most - 1, most, most + 1, huge})
    for (const index_t base : {index_t{0}, d, most, most + 1, most / d * d, huge})
      for (index_t n = base > 3 ? base - 3 : 0; n < base + 4; ++n) check(n, d);
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i)
    check(static_cast<index_t>(random() >> (32 + random() % 31)),
          static_cast<index_t>(random() >> (32 + random() % 31)) + 1);
  CHECK(wrong == 0);
}

static_assert(Divisor(7).divide(50) == 7);
static_assert(Divisor(1).divide(50) == 50);
static_assert(tenon::kernels::make_divisor<5>(5).divide(50) == 10);
static_assert(tenon::kernels::make_divisor<-1>(6).divide(50) == 8);
