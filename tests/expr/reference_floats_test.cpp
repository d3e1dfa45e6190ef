// Every elementwise operation on every pair of special values (NaN, ±inf, ±0, subnormals, the
// extremes) against NumPy: bit by bit where IEEE rounds correctly, within ulps elsewhere.

#include "expr/reference.hpp"

#include <tenon/memory/pool_allocator.hpp>

using namespace tenon::test;

TEMPLATE_TEST_CASE("operations of two floats give NumPy's bits", "[reference]", float, double) {
  using T = TestType;
  const std::string tag = sizeof(T) == 4 ? "f4." : "f8.";
  tenon::PoolAllocator pool;
  const auto x = load<T, 1>(tag + "x", pool);
  const auto a = tenon::unsqueeze<1>(x);
  const auto same = [&](const char* name, const auto& e, Within within = {}) {
    check_same(tag + name, tenon::eval(e, pool), within);
  };
  same("add", a + x);
  same("subtract", a - x);
  same("multiply", a * x);
  same("divide", a / x);
  same("minimum", tenon::minimum(a, x), {.signed_zero = false});
  same("maximum", tenon::maximum(a, x), {.signed_zero = false});
  same("equal", a == x);
  same("not_equal", a != x);
  same("less", a < x);
  same("less_equal", a <= x);
  same("greater", a > x);
  same("greater_equal", a >= x);
  same("where", tenon::where(a > x, a, x));
  same("pow", tenon::pow(a, x), {.ulp = 2});
}

TEMPLATE_TEST_CASE("operations of one float give NumPy's bits, functions its value within 2 ulp",
                   "[reference]", float, double) {
  using T = TestType;
  const std::string tag = sizeof(T) == 4 ? "f4." : "f8.";
  tenon::PoolAllocator pool;
  const auto x = load<T, 1>(tag + "x", pool);
  const auto many = load<T, 1>(tag + "many", pool);
  const auto same = [&](const char* name, const auto& e, Within within = {}) {
    check_same(tag + name, tenon::eval(e, pool), within);
  };
  same("negative", -x);
  same("abs", tenon::abs(x));
  same("square", tenon::square(x));
  same("relu", tenon::relu(x), {.signed_zero = false});
  same("sqrt", tenon::sqrt(x));
  same("as_bool", tenon::cast<bool>(x));
  same("exp", tenon::exp(many), {.ulp = 2});
  same("log", tenon::log(many), {.ulp = 2});
  same("tanh", tenon::tanh(many), {.ulp = 2});
  same("sigmoid", tenon::sigmoid(many), {.ulp = 2});
  same("silu", tenon::silu(many), {.ulp = 3});
  same("sin", tenon::sin(many), {.ulp = 1});
  same("cos", tenon::cos(many), {.ulp = 1});
  same("erf", tenon::erf(many), {.ulp = 2});
  if constexpr (sizeof(T) == 4) same("gelu", tenon::gelu(many), {.ulp = 4});
  same("floor", tenon::floor(many));
  same("ceil", tenon::ceil(many));
  same("trunc", tenon::trunc(many));
  same("round", tenon::round(many));
  same("sign", tenon::sign(many));
}
