// Element types of reductions, NaN and empty folds, softmax against NumPy.

#include "expr/reference.hpp"

#include <tenon/memory/pool_allocator.hpp>

using namespace tenon::test;

TEMPLATE_TEST_CASE("reductions of each element type are NumPy's", "[reference]", double,
                   std::int16_t, std::uint8_t) {
  using T = TestType;
  const std::string tag = std::is_same_v<T, double>         ? "reduce.f8."
                          : std::is_same_v<T, std::int16_t> ? "reduce.i2."
                                                            : "reduce.u1.";
  tenon::PoolAllocator pool;
  const auto x = load<T, 3>(tag + "x", pool);
  check_same(tag + "sum.02", tenon::eval(tenon::sum<0, 2>(x), pool));
  check_same(tag + "prod.1", tenon::eval(tenon::prod<1>(x), pool));
  check_same(tag + "mean.2", tenon::eval(tenon::mean<2>(x), pool));
  check_same(tag + "max.keep02", tenon::eval(tenon::max<0, 2>(x, tenon::keepdims), pool));
  check_same(tag + "argmax.0", tenon::eval(tenon::argmax<0>(x), pool));
  check_same(tag + "argmin.2", tenon::eval(tenon::argmin<2>(x), pool));
}

TEST_CASE("sums of bool count, means of bool are double", "[reference]") {
  tenon::PoolAllocator pool;
  const auto x = load<bool, 2>("reduce.bool.x", pool);
  check_same("reduce.bool.sum", tenon::eval(tenon::sum<1>(x), pool));
  check_same("reduce.bool.mean", tenon::eval(tenon::mean<0>(x), pool));
}

TEMPLATE_TEST_CASE("NaN wins every extreme, and empty folds have their identity", "[reference]",
                   float, double) {
  using T = TestType;
  const std::string type = sizeof(T) == 4 ? ".f4." : ".f8.";
  tenon::PoolAllocator pool;
  const auto x = load<T, 2>("nan" + type + "x", pool);
  const auto same = [&](const std::string& name, const auto& e) {
    check_same(name, tenon::eval(e, pool));
  };
  same("nan" + type + "max", tenon::max<1>(x));
  same("nan" + type + "min", tenon::min<1>(x));
  same("nan" + type + "max0", tenon::max<0>(x));
  same("nan" + type + "argmax", tenon::argmax<1>(x));
  same("nan" + type + "argmin", tenon::argmin<1>(x));
  same("nan" + type + "argmax0", tenon::argmax<0>(x));
  const auto none = tenon::zeros<T>(tenon::shape(3, 0), pool);
  same("empty" + type + "sum", tenon::sum<1>(none));
  same("empty" + type + "prod", tenon::prod<1>(none));
  same("empty" + type + "mean", tenon::mean<1>(none));
  same("empty" + type + "max", tenon::max<0>(none));
}

TEMPLATE_TEST_CASE("softmax and log_softmax are NumPy's within rounding", "[reference]", float,
                   double) {
  using T = TestType;
  const std::string tag = sizeof(T) == 4 ? "softmax.f4." : "softmax.f8.";
  tenon::PoolAllocator pool;
  const auto x = load<T, 3>(tag + "x", pool);
  const auto same = [&](const char* name, const auto& e, Within within) {
    check_same(tag + name, tenon::eval(e, pool), within);
  };
  // exp of an argument that is up to 40 and half an ulp off; a logarithm near 0 cancels.
  const Within near{.ulp = 32, .absolute = 16 * double(std::numeric_limits<T>::epsilon())};
  same("0", tenon::softmax<0>(x), {.ulp = 32});
  same("1", tenon::softmax<1>(x), {.ulp = 32});
  same("2", tenon::softmax<-1>(x), {.ulp = 32});
  same("log.0", tenon::log_softmax<0>(x), near);
  same("log.1", tenon::log_softmax<1>(x), near);
  same("log.2", tenon::log_softmax<2>(x), near);
  same("hard.1", tenon::softmax<1>(load<T, 2>(tag + "hard", pool)), {.ulp = 4});
}
