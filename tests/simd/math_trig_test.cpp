#include "ulps.hpp"

using namespace lanes;

namespace {

// The general arguments, those of audio and control (many turns), and the neighbours of multiples of π/2.
template <class T>
std::vector<T> angles() {
  std::vector<T> r = arguments<T>(100000);
  std::mt19937_64 random(7);
  for (const double range : {1e3, 5e4, 1.6e6, 1e9}) {
    std::uniform_real_distribution<double> uniform(-range, range);
    for (std::size_t i = 0; i < tried_of(50000); ++i) r.push_back(static_cast<T>(uniform(random)));
  }
  const int sparse = tried_of(10) == 10 ? 7 : 70;
  for (int n = 1; n < 32768; n += n < 400 ? 1 : n < 4096 ? sparse / 7 : sparse) {
    const auto x = static_cast<T>(n * 1.57079632679489661923L);
    for (const T y : {x, std::nextafter(x, T(0)), std::nextafter(x, T(1e9))}) {
      r.push_back(y);
      r.push_back(-y);
    }
  }
  while (r.size() % 64 != 0) r.push_back(T(0));
  return r;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("sin", "[simd][math]", FloatTypes) {
  using T = TestType;
  const auto f = [](auto x) { return simd::sin(x); };
  const auto worst = worst_error(angles<T>(), f, [](long double x) { return std::sin(x); });
  INFO("at " << worst.at);
  CHECK(worst.ulps < 0.9);
  CHECK(same(simd::sin(T(0)), T(0)));
  CHECK(same(simd::sin(-T(0)), -T(0)));
  CHECK(std::isnan(simd::sin(std::numeric_limits<T>::infinity())));
}

TEMPLATE_LIST_TEST_CASE("cos", "[simd][math]", FloatTypes) {
  using T = TestType;
  const auto f = [](auto x) { return simd::cos(x); };
  const auto worst = worst_error(angles<T>(), f, [](long double x) { return std::cos(x); });
  INFO("at " << worst.at);
  CHECK(worst.ulps < 0.9);
  CHECK(simd::cos(T(0)) == T(1));
  CHECK(simd::cos(-T(0)) == T(1));
  CHECK(std::isnan(simd::cos(-std::numeric_limits<T>::infinity())));
}

TEMPLATE_LIST_TEST_CASE("Rounding and sign of one number are those of a pack", "[simd][math]",
                        FloatTypes) {
  using T = TestType;
  std::vector<T> x = arguments<T>(50000);
  for (int i = -40; i <= 40; ++i) x.push_back(static_cast<T>(i) / 4);
  while (x.size() % 64 != 0) x.push_back(T(0.5));
  const auto differences = [&](auto f, auto exact) {
    using P = Pack<T, simd::native_lanes<T>>;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < x.size(); i += P::size) {
      const P y = f(P::load(&x[i]));
      for (std::size_t k = 0; k < P::size; ++k) {
        const T expected = exact(x[i + k]), got = y.lane(static_cast<int>(k));
        wrong += !(std::isnan(expected) ? std::isnan(got) : same(got, expected));
        wrong += !(std::isnan(expected) || same(f(x[i + k]), expected));
      }
    }
    return wrong;
  };
  CHECK(differences([](auto a) { return simd::round(a); }, [](T a) { return std::rint(a); }) == 0);
  CHECK(differences([](auto a) { return simd::floor(a); }, [](T a) { return std::floor(a); }) == 0);
  CHECK(differences([](auto a) { return simd::ceil(a); }, [](T a) { return std::ceil(a); }) == 0);
  CHECK(differences([](auto a) { return simd::trunc(a); }, [](T a) { return std::trunc(a); }) == 0);
  CHECK(differences([](auto a) { return simd::sign(a); },
                    [](T a) { return std::isnan(a) ? a : T((a > 0) - (a < 0)); }) == 0);
}
