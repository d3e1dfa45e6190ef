#include "catch.hpp"

#include <tenon/core/checked.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

using namespace tenon;

static_assert(checked_add(std::size_t{2}, std::size_t{3}) == std::size_t{5});
static_assert(!checked_add(std::size_t{SIZE_MAX}, std::size_t{1}));
static_assert(!checked_mul(std::size_t{SIZE_MAX / 2 + 1}, std::size_t{2}));
static_assert(checked_mul(std::size_t{SIZE_MAX}, std::size_t{0}) == std::size_t{0});
static_assert(checked_align(0, 64) == std::size_t{0});
static_assert(checked_align(65, 64) == std::size_t{128});
static_assert(!checked_align(SIZE_MAX, 64));

TEST_CASE("Checked sums and products agree with wide arithmetic", "[core]") {
  for (int a = -128; a <= 127; ++a) {
    for (int b = -128; b <= 127; ++b) {
      const auto fits = [](int wide) { return wide >= -128 && wide <= 127; };
      const auto sum = checked_add(static_cast<std::int8_t>(a), static_cast<std::int8_t>(b));
      const auto product = checked_mul(static_cast<std::int8_t>(a), static_cast<std::int8_t>(b));
      if (sum.has_value() != fits(a + b) || (sum && *sum != a + b)) FAIL(a << " + " << b);
      if (product.has_value() != fits(a * b) || (product && *product != a * b))
        FAIL(a << " * " << b);
    }
  }
}

TEST_CASE("An aligned size is the least multiple not below", "[core]") {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    for (std::size_t bytes = 0; bytes <= 2 * alignment + 1; ++bytes) {
      std::size_t expected = 0;
      while (expected < bytes) expected += alignment;
      if (checked_align(bytes, alignment) != expected) FAIL(bytes << " to " << alignment);
      if (align_up(bytes, alignment) != expected) FAIL(bytes << " to " << alignment);
    }
    const std::size_t last = std::numeric_limits<std::size_t>::max() - alignment + 1;
    CHECK(checked_align(last, alignment) == last);
    if (alignment > 1) CHECK_FALSE(checked_align(last + 1, alignment));
  }
}
