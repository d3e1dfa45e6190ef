#include "ulps.hpp"

using namespace lanes;

TEMPLATE_LIST_TEST_CASE("erf", "[simd][math]", FloatTypes) {
  using T = TestType;
  const auto f = [](auto x) { return simd::erf(x); };
  const auto worst =
      worst_error(arguments<T>(150000), f, [](long double x) { return std::erf(x); });
  INFO("at " << worst.at);
  CHECK(worst.ulps < 1.5);
  const T infinity = std::numeric_limits<T>::infinity();
  CHECK(simd::erf(infinity) == T(1));
  CHECK(simd::erf(-infinity) == T(-1));
  CHECK(same(simd::erf(T(0)), T(0)));
  CHECK(same(simd::erf(-T(0)), -T(0)));
}

TEMPLATE_LIST_TEST_CASE("gelu", "[simd][math]", FloatTypes) {
  using T = TestType;
  const auto f = [](auto x) { return simd::gelu(x); };
  const auto exact = [](long double x) {
    if (std::isinf(x)) return x > 0 ? x : -0.0L;
    return x / 2 * std::erfc(-x * std::sqrt(0.5L));
  };
  std::vector<T> normal;  // arguments whose result is a normal number, or 0
  for (T x : arguments<T>(150000)) {
    const auto y = static_cast<T>(exact(static_cast<long double>(x)));
    normal.push_back(y == 0 || !(std::abs(y) < std::numeric_limits<T>::min()) ? x : T(0));
  }
  const auto worst = worst_error(normal, f, exact);
  INFO("at " << worst.at);
  CHECK(worst.ulps < (simd::has_fma ? 4.0 : 4.4));
  CHECK(same(simd::gelu(T(0)), T(0)));
  CHECK(same(simd::gelu(-T(0)), -T(0)));
  CHECK(simd::gelu(T(1000)) == T(1000));
  CHECK(same(simd::gelu(T(-1000)), -T(0)));
}
