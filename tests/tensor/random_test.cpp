#include <tenon/tensor/random.hpp>

#include <tenon/tensor/compare.hpp>

#include "catch.hpp"

#include <cmath>
#include <cstdint>
#include <memory_resource>
#include <random>

using namespace tenon;

namespace {

// Vigna's SplitMix64: words that are easy to make in any language.
class SplitMix {
 public:
  using result_type = std::uint64_t;
  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }
  std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_ = 42;
};

// Counts 1, 2, 3, … in [min, max].
template <std::uint32_t Min, std::uint32_t Max>
class Counter {
 public:
  static constexpr std::uint32_t min() { return Min; }
  static constexpr std::uint32_t max() { return Max; }
  std::uint32_t operator()() { return Min + next_++; }

 private:
  std::uint32_t next_ = 1;
};

}  // namespace

TEST_CASE("engines of any range give 64 bits, earlier draws first") {
  SplitMix full;
  CHECK(detail::random_bits(full) == 0xbdd732262feb6e95);
  Counter<0, 0xFFFFFFFF> half;
  CHECK(detail::random_bits(half) == 0x0000000100000002);
  Counter<5, 5 + 0xFFFF> quarter;
  CHECK(detail::random_bits(quarter) == 0x0001000200030004);
  Counter<0, 5> two_bits;  // 1, 2, 3 count; 4 and 5 would be drawn again
  (void)two_bits;
  std::minstd_rand odd_range;
  std::minstd_rand same;
  CHECK(detail::random_bits(odd_range) == detail::random_bits(same));
  std::mt19937 words;
  std::mt19937 reference;
  const std::uint64_t first = reference();
  CHECK(detail::random_bits(words) == (first << 32 | reference()));
}

TEST_CASE("draws beyond the power of two are drawn again") {
  class Six {
   public:
    static constexpr unsigned min() { return 1; }
    static constexpr unsigned max() { return 6; }
    unsigned operator()() { return 1 + next_++ % 6; }

   private:
    unsigned next_ = 3;
  };
  Six dice;  // minus one: 3 4 5 0 1 2 3 4 5 …; 4 and 5 do not count
  std::uint64_t expected = 3;
  for (int i = 1; i < 32; ++i) expected = expected << 2 | static_cast<std::uint64_t>((i - 1) % 4);
  CHECK(detail::random_bits(dice) == expected);
}

// Values: SplitMix64 from 42 in Python; NumPy's (word >> 11) * 2**-53.
TEST_CASE("random_uniform has the values of NumPy for the same words") {
  std::pmr::monotonic_buffer_resource resource;
  const double expected[] = {0x1.7bae644c5fd6dp-1, 0x1.477f199d93378p-3, 0x1.1d499d5c4c3e6p-2,
                             0x1.607387fc392b8p-2, 0x1.378b0b4489040p-5, 0x1.bc8863f47901bp-1};
  SplitMix engine;
  const auto x = random_uniform<double>(shape(2, 3), engine, resource);
  CHECK(array_equal(x, view(expected, shape(2, 3))));
  SplitMix again;
  const auto y = random_uniform<float>(shape<6>(), again, resource);
  for (int i = 0; i < 6; ++i) CHECK(y(i) == std::floor(std::ldexp(expected[i], 24)) * 0x1p-24F);
}

TEST_CASE("random_uniform stays in [0, 1) and fills it") {
  std::pmr::monotonic_buffer_resource resource;
  std::mt19937_64 engine(7);
  const auto x = random_uniform<float>(shape(20000), engine, resource);
  double sum = 0;
  float lowest = 1, highest = 0;
  for (const float e : x.span()) {
    sum += static_cast<double>(e);
    if (e < lowest) lowest = e;
    if (e > highest) highest = e;
  }
  CHECK(lowest >= 0);
  CHECK(highest < 1);
  CHECK(lowest < 0.001F);
  CHECK(highest > 0.999F);
  CHECK(sum / 20000 == Approx(0.5).margin(0.01));
}

// Values: mpmath, 40 digits, sqrt(2) · erfinv(2 p - 1).
TEST_CASE("the normal quantile is good to 1e-14 down to the smallest probability") {
  const double table[][2] = {
      {0x1p-54, -8.2923610758135955382}, {1e-12, -7.0344838253011319326},
      {1e-5, -4.2648907939228246102},    {0.01, -2.3263478740408410931},
      {0.07, -1.4757910281791706856},    {0.0749, -1.4402382675279636631},
      {0.075, -1.4395314709384559349},   {0.2, -0.84162123357291416552},
      {0.4, -0.25334710313579974132},    {0.4999, -0.00025066283008800749239}};
  for (const auto& [p, z] : table) CHECK(detail::normal_quantile(p) == Approx(z).epsilon(1e-14));
}

TEST_CASE("the logarithm is good to 1e-15 for the probabilities of a tail") {
  for (int i = 1; i <= 54; ++i)
    for (const double m : {1.0, 1.1, 1.4142135623730951, 1.5, 1.999}) {
      const double x = std::ldexp(m, -i);
      CHECK(detail::portable_log(x) == Approx(std::log(x)).epsilon(1e-15));
    }
}

// Values: Python's statistics.NormalDist().inv_cdf for the same words.
TEST_CASE("random_normal follows its formula") {
  std::pmr::monotonic_buffer_resource resource;
  const double expected[] = {0.3297817490466873,  1.4053729942800937,  -1.0834671362865045,
                             -0.9459174026664131, -2.0745294289317453, -0.16590962026543493};
  SplitMix engine, again;
  const auto x = random_normal<double>(shape(6), engine, resource);
  const auto y = random_normal<float>(shape(6), again, resource);
  for (int i = 0; i < 6; ++i) {
    CHECK(x(i) == Approx(expected[i]).epsilon(1e-14));
    CHECK(y(i) == static_cast<float>(x(i)));
  }
}

TEST_CASE("random_normal has the moments of a normal distribution") {
  std::pmr::monotonic_buffer_resource resource;
  std::mt19937_64 engine(3);
  const auto x = random_normal<double>(shape(40000), engine, resource);
  double moments[5] = {};
  for (const double e : x.span())
    for (int k = 1; k < 5; ++k) moments[k] += std::pow(e, k) / 40000;
  CHECK(moments[1] == Approx(0).margin(0.02));
  CHECK(moments[2] == Approx(1).margin(0.03));
  CHECK(moments[3] == Approx(0).margin(0.06));
  CHECK(moments[4] == Approx(3).margin(0.2));
}

// The bits must not depend on compiler, flags or libm. Checksum: the same formulas in Python.
TEST_CASE("random values are the same on every machine") {
  std::pmr::monotonic_buffer_resource resource;
  SplitMix engine;
  const auto x = random_normal<double>(shape(5000), engine, resource);
  std::uint64_t sum = 0;
  for (const double e : x.span()) sum = sum * 31 + std::bit_cast<std::uint64_t>(e);
  CHECK(sum == 0x52252fbfd651971f);
}
