#include "ulps.hpp"

using namespace lanes;

TEMPLATE_LIST_TEST_CASE("exp", "[simd][math]", FloatTypes) {
  using T = TestType;
  const auto f = [](auto x) { return simd::exp(x); };
  const auto worst =
      worst_error(arguments<T>(150000), f, [](long double x) { return std::exp(x); });
  INFO("at " << worst.at);
  CHECK(worst.ulps < 1.1);
  const T infinity = std::numeric_limits<T>::infinity();
  CHECK(simd::exp(T(0)) == T(1));
  CHECK(simd::exp(-T(0)) == T(1));
  CHECK(simd::exp(infinity) == infinity);
  CHECK(same(simd::exp(-infinity), T(0)));
}

TEMPLATE_LIST_TEST_CASE("log", "[simd][math]", FloatTypes) {
  using T = TestType;
  const auto f = [](auto x) { return simd::log(x); };
  const auto worst =
      worst_error(arguments<T>(150000), f, [](long double x) { return std::log(x); });
  INFO("at " << worst.at);
  CHECK(worst.ulps < 0.9);
  const T infinity = std::numeric_limits<T>::infinity();
  CHECK(same(simd::log(T(1)), T(0)));
  CHECK(simd::log(T(0)) == -infinity);
  CHECK(simd::log(-T(0)) == -infinity);
  CHECK(std::isnan(simd::log(T(-1))));
  CHECK(std::isnan(simd::log(-infinity)));
}

TEMPLATE_LIST_TEST_CASE("tanh", "[simd][math]", FloatTypes) {
  using T = TestType;
  const auto f = [](auto x) { return simd::tanh(x); };
  const auto worst =
      worst_error(arguments<T>(150000), f, [](long double x) { return std::tanh(x); });
  INFO("at " << worst.at);
  CHECK(worst.ulps < 2.6);
  CHECK(same(simd::tanh(T(0)), T(0)));
  CHECK(same(simd::tanh(-T(0)), -T(0)));
  CHECK(simd::tanh(T(1000)) == T(1));
  CHECK(simd::tanh(T(-1000)) == T(-1));
}

TEMPLATE_LIST_TEST_CASE("sigmoid", "[simd][math]", FloatTypes) {
  using T = TestType;
  const auto f = [](auto x) { return simd::sigmoid(x); };
  const auto exact = [](long double x) {
    const long double e = std::exp(-std::abs(x));
    return std::isnan(x) ? x : (x < 0 ? e : 1) / (1 + e);
  };
  const auto worst = worst_error(arguments<T>(150000), f, exact);
  INFO("at " << worst.at);
  CHECK(worst.ulps < 2.4);
  CHECK(simd::sigmoid(T(0)) == T(0.5));
  CHECK(simd::sigmoid(T(1000)) == T(1));
  CHECK(same(simd::sigmoid(T(-1000)), T(0)));
}

TEMPLATE_LIST_TEST_CASE("pow of ordinary numbers", "[simd][math]", FloatTypes) {
  using T = TestType;
  using P = Pack<T, simd::native_lanes<T>>;
  std::mt19937_64 random(99);
  std::uniform_real_distribution<double> unit(-1, 1);
  const double limit = sizeof(T) == 4 ? 88 : 705;
  double worst = 0;
  T at_x = 0, at_y = 0;
  for (std::size_t k = 0; k < tried_of(1000000) / P::size; ++k) {
    std::array<T, P::size> x{}, y{}, r{};
    for (std::size_t i = 0; i < x.size(); ++i) {
      // x over all exponents or near 1; y so that the result spreads from underflow to overflow
      x[i] = static_cast<T>(k % 2 == 0 ? std::exp(unit(random) * limit) : 1 + unit(random) * 0.5);
      const double log_x = std::log(static_cast<double>(x[i]));
      y[i] = static_cast<T>(unit(random) * 1.1 * limit / (log_x == 0 ? 1 : log_x));
      if (k % 4 == 3) y[i] = static_cast<T>(unit(random) * 10);
      if (k % 8 == 5) {
        x[i] = -x[i];
        y[i] = std::nearbyint(y[i]);
      }
    }
    simd::pow(P::load(x.data()), P::load(y.data())).store(r.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error =
          ulps(r[i], std::pow(static_cast<long double>(x[i]), static_cast<long double>(y[i])));
      if (error > worst) {
        worst = error;
        at_x = x[i];
        at_y = y[i];
      }
    }
  }
  INFO("at " << at_x << ", " << at_y);
  CHECK(worst < (sizeof(T) == 4 && simd::has_fma ? 0.501 : 1.25));
}

TEMPLATE_LIST_TEST_CASE("pow has the special values of C's Annex F", "[simd][math]", FloatTypes) {
  using T = TestType;
  using Limits = std::numeric_limits<T>;
  const T special[] = {T(0),
                       -T(0),
                       T(1),
                       T(-1),
                       T(2),
                       T(-2),
                       T(0.5),
                       T(-0.5),
                       T(3),
                       T(-3),
                       T(2.5),
                       T(-2.5),
                       T(1e9),
                       T(-1e9),
                       T(7),
                       T(1e-30),
                       Limits::infinity(),
                       -Limits::infinity(),
                       Limits::quiet_NaN(),
                       Limits::max(),
                       Limits::lowest(),
                       Limits::denorm_min(),
                       -Limits::denorm_min(),
                       Limits::min(),
                       1 / Limits::epsilon(),
                       1 / Limits::epsilon() + 1,
                       2 / Limits::epsilon()};
  for (T x : special) {
    for (T y : special) {
      const T got = simd::pow(x, y);
      const T expected = std::pow(x, y);
      INFO("pow(" << x << ", " << y << ") = " << got << ", expected " << expected);
      const bool ordinary = std::isfinite(expected) && expected != 0 && std::isfinite(got);
      CHECK((ordinary ? std::abs(got - expected) <= 2 * std::abs(expected) * Limits::epsilon()
                      : same(got, expected)));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("relu and square of a scalar", "[simd][math]", FloatTypes) {
  using T = TestType;
  CHECK(simd::relu(T(-2)) == T(0));
  CHECK(simd::relu(T(2)) == T(2));
  CHECK(same(simd::relu(-T(0)), -T(0)));
  CHECK(std::isnan(simd::relu(std::numeric_limits<T>::quiet_NaN())));
  CHECK(simd::square(T(1.5)) == T(2.25));
  CHECK(each_lane(simd::square(Pack<T, 4>(T(1.5))), [](int) { return T(2.25); }));
}
