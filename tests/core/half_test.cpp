// half and bfloat16: every value of two bytes, and rounding against a search for the nearest in double.

#include "catch.hpp"

#include <tenon/core/dtype.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace tn = tenon;

namespace {

// The value of bits with E exponent and F fraction bits, by the definition of IEEE 754.
double value_by_definition(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const auto fraction = static_cast<double>(bits & ((1U << fraction_bits) - 1U));
  const int exponent = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const double sign = (bits >> (exponent_bits + fraction_bits)) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1)
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign *
         std::ldexp(fraction + std::ldexp(1.0, fraction_bits), exponent - bias - fraction_bits);
}

template <class H>
struct Format;
template <>
struct Format<tn::half> {
  static constexpr int exponent = 5, fraction = 10;
};
template <>
struct Format<tn::bfloat16> {
  static constexpr int exponent = 8, fraction = 7;
};

template <class H>
double defined(std::uint32_t bits) {
  return value_by_definition(bits, Format<H>::exponent, Format<H>::fraction);
}

// The bits next to x >= 0: by bisection over the finite values, which ascend with their bits.
template <class H>
std::uint32_t nearest(double x) {
  const std::uint32_t infinity = ((1U << Format<H>::exponent) - 1U) << Format<H>::fraction;
  const double greatest = defined<H>(infinity - 1U), before = defined<H>(infinity - 2U);
  if (x > greatest) return x >= greatest + (greatest - before) / 2 ? infinity : infinity - 1U;
  std::uint32_t low = 0, high = infinity - 1U;
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (defined<H>(middle) <= x ? low : high) = middle;
  }
  const double down = x - defined<H>(low), up = defined<H>(high) - x;
  if (down != up) return down < up ? low : high;
  return low % 2 == 0 ? low : high;
}

}  // namespace

TEMPLATE_TEST_CASE("Every value of two bytes, and back", "", tn::half, tn::bfloat16) {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    TestType h;
    h.bits = static_cast<std::uint16_t>(bits);
    const auto x = static_cast<float>(h);
    const double expected = defined<TestType>(bits);
    if (std::isnan(expected)) {
      wrong += !std::isnan(x) || !std::isnan(static_cast<float>(TestType(x)));
    } else {
      wrong += static_cast<double>(x) != expected || std::signbit(x) != std::signbit(expected);
      wrong += TestType(x).bits != bits || TestType(static_cast<double>(x)).bits != bits;
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("Numbers round once, to the nearest", "", tn::half, tn::bfloat16) {
  std::mt19937_64 engine(7);
  int wrong = 0;
  const auto check = [&](double x) {
    if (!(x >= 0) || std::isinf(x)) return;
    wrong += TestType(x).bits != nearest<TestType>(x);
    wrong += TestType(-x).bits != (nearest<TestType>(x) | 0x8000U);
    const auto f = static_cast<float>(x);
    if (!std::isinf(f)) wrong += TestType(f).bits != nearest<TestType>(static_cast<double>(f));
  };
  for (std::uint32_t bits = 0; bits < 0x7F00; bits += 3) {
    const double here = defined<TestType>(bits), next = defined<TestType>(bits + 1);
    if (!std::isfinite(next)) break;
    const double tie = here + (next - here) / 2;
    check(tie);
    check(std::nextafter(tie, 0.0));  // a float would round these to the tie first
    check(std::nextafter(tie, next));
    check(static_cast<double>(std::nextafter(static_cast<float>(tie), 0.0F)));
  }
  for (int i = 0; i < 20000; ++i) {
    check(std::ldexp(static_cast<double>(engine() >> 11), static_cast<int>(engine() % 200) - 160));
    check(static_cast<double>(static_cast<std::uint32_t>(engine())));
  }
  check(65519.999);
  check(65520.0);
  check(3.3961775e38);
  check(1e300);
  CHECK(wrong == 0);
  CHECK(TestType(40000U).bits == nearest<TestType>(40000.0));
  CHECK(TestType(std::numeric_limits<float>::infinity()).bits == nearest<TestType>(1e300));
}

TEST_CASE("What half and bfloat16 are to the library") {
  static_assert(sizeof(tn::half) == 2 && sizeof(tn::bfloat16) == 2);
  static_assert(tn::Element<tn::half> && tn::Numeric<tn::bfloat16>);
  static_assert(std::is_trivially_copyable_v<tn::half> && std::is_trivial_v<tn::bfloat16>);
  static_assert(std::same_as<tn::promoted_t<tn::half, tn::half>, float>);
  static_assert(std::same_as<tn::promoted_t<tn::half, tn::bfloat16>, float>);
  static_assert(std::same_as<tn::promoted_t<tn::bfloat16, double>, double>);
  static_assert(!tn::Promotable<tn::half, std::int32_t> && !tn::Promotable<bool, tn::half>);
  static_assert(std::same_as<tn::sum_t<tn::half>, float>);
  static_assert(std::same_as<tn::arithmetic_t<tn::half>, float> &&
                std::same_as<tn::arithmetic_t<double>, double>);
  static_assert(tn::half(0.1F) * 2.0F == 0.19995117F);  // a float as soon as it is computed with
  static_assert(!std::is_convertible_v<float, tn::half> && std::is_convertible_v<tn::half, float>);
  CHECK(std::string_view(tn::name(tn::dtype_of<tn::half>)) == "float16");
  CHECK(tn::size_bytes(tn::dtype_of<tn::bfloat16>) == 2);
}
