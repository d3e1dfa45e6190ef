// Integer operations against NumPy: wrapping, division by zero, the least value, promotion.

#include "expr/reference.hpp"

#include <tenon/memory/pool_allocator.hpp>

using namespace tenon::test;

namespace {

template <class T>
std::string tag_of() {
  return std::string(std::is_signed_v<T> ? "i" : "u") + std::to_string(sizeof(T));
}

}  // namespace

TEMPLATE_TEST_CASE("integer operations give NumPy's values", "[reference]", std::int8_t,
                   std::int32_t, std::uint8_t) {
  using T = TestType;
  const std::string tag = tag_of<T>() + ".";
  tenon::PoolAllocator pool;
  const auto x = load<T, 1>(tag + "x", pool);
  const auto a = tenon::unsqueeze<1>(x);
  const auto same = [&](const char* name, const auto& e) {
    check_same(tag + name, tenon::eval(e, pool));
  };
  same("add", a + x);
  same("subtract", a - x);
  same("multiply", a * x);
  same("divide", a / x);
  same("remainder", a % x);
  same("minimum", tenon::minimum(a, x));
  same("maximum", tenon::maximum(a, x));
  same("less", a < x);
  same("greater_equal", a >= x);
  same("equal", a == x);
  same("and", a & x);
  same("or", a | x);
  same("xor", a ^ x);
  same("not", ~x);
  same("negative", -x);
  same("abs", tenon::abs(x));
  same("square", tenon::square(x));
  same("relu", tenon::relu(x));
  same("as_float", tenon::cast<double>(x));
  same("sum", tenon::sum(x));
  same("max", tenon::max(x));
  same("argmin", tenon::argmin(x));
}

TEST_CASE("64-bit integers give NumPy's values where instruction sets lack the operation",
          "[reference]") {
  tenon::PoolAllocator pool;
  const auto x = load<std::int64_t, 1>("i8.x", pool);
  const auto a = tenon::unsqueeze<1>(x);
  check_same("i8.multiply", tenon::eval(a * x, pool));
  check_same("i8.divide", tenon::eval(a / x, pool));
  check_same("i8.minimum", tenon::eval(tenon::minimum(a, x), pool));
  check_same("i8.abs", tenon::eval(tenon::abs(x), pool));
  check_same("i8.as_float", tenon::eval(tenon::cast<double>(x), pool));
}
