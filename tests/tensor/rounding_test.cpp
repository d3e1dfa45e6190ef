#include <tenon/tensor/rounding.hpp>

#include "catch.hpp"

#include <cmath>

using tenon::detail::add_product;

namespace {

// a = -(b · c) rounded, so that fma(b, c, a) is the rounding error and two roundings give 0.
template <class T>
[[gnu::noinline]] T cancel(T a, T b, T c) {
  return add_product(a, b, c);
}

}  // namespace

TEST_CASE("add_product rounds the product before it adds") {
  STATIC_REQUIRE(add_product(1.0, 2.0, 3.0) == 7.0);
  for (int i = 1; i < 200; ++i) {
    const double b = 1.0 + 1.0 / i, c = 1.0 - 1.0 / (3.0 * i);
    const volatile double product = b * c;
    CHECK(cancel(-product, b, c) == 0.0);
    const float bf = 1.0F + 1.0F / static_cast<float>(i), cf = 1.0F / static_cast<float>(i + 2);
    const volatile float product_f = bf * cf;
    CHECK(cancel(-product_f, bf, cf) == 0.0F);
  }
  const double third = 1.0 / 3.0;
  CHECK(std::fma(third, 3.0, -1.0) != cancel(-1.0, third, 3.0));
}

namespace {

[[gnu::noinline]] void add_products(double* out, const double* a, const double* b, const double* c,
                                    int count) {
  for (int i = 0; i < count; ++i) out[i] = add_product(a[i] * 2.5, b[i], c[i]);
}

}  // namespace

// A vectoriser may forget a barrier that holds for scalars, and `a` may be a product.
TEST_CASE("add_product rounds in loops, too") {
  double a[256], b[256], c[256], out[256];
  for (int i = 0; i < 256; ++i) {
    a[i] = 1.0 + 1.0 / (i + 3);
    b[i] = 1.0 + 1.0 / (i + 1);
    c[i] = -1.0 - 1.0 / (3.0 * i + 7);
  }
  add_products(out, a, b, c, 256);
  for (int i = 0; i < 256; ++i) {
    const volatile double first = a[i] * 2.5, second = b[i] * c[i];
    CHECK(out[i] == first + second);
  }
}
