// Promotion and broadcasting against NumPy.

#include "expr/reference.hpp"

#include <tenon/memory/pool_allocator.hpp>

using namespace tenon::test;

namespace {

template <class A, class B>
void check_promotion(const char* name) {
  tenon::PoolAllocator pool;
  const auto a = tenon::from<A>({A(100), A(3)}, tenon::shape(2), pool);
  const auto b = tenon::from<B>({B(27), B(4)}, tenon::shape(2), pool);
  check_same(std::string("promote.") + name, tenon::eval(a + b, pool));
}

}  // namespace

TEST_CASE("mixed element types promote as in NumPy", "[reference]") {
  check_promotion<std::int8_t, std::int32_t>("i1.i4");
  check_promotion<std::int64_t, std::int16_t>("i8.i2");
  check_promotion<std::uint8_t, std::uint32_t>("u1.u4");
  check_promotion<std::uint8_t, std::int8_t>("u1.i1");
  check_promotion<std::uint16_t, std::int8_t>("u2.i1");
  check_promotion<std::int32_t, std::uint32_t>("i4.u4");
  check_promotion<std::uint32_t, std::int64_t>("u4.i8");
  check_promotion<float, double>("f4.f8");
}

TEMPLATE_TEST_CASE("broadcasting is NumPy's", "[reference]", float, std::int32_t) {
  using T = TestType;
  const std::string tag = std::is_same_v<T, float> ? "broadcast.f4." : "broadcast.i4.";
  tenon::PoolAllocator pool;
  const auto a = load<T, 3>(tag + "a", pool);
  const auto b = load<T, 2>(tag + "b", pool);
  const auto c = load<T, 1>(tag + "c", pool);
  const auto d = load<T, 3>(tag + "d", pool);
  const auto e = load<T, 1>(tag + "e", pool);
  const auto same = [&](const char* name, const auto& x) {
    check_same(tag + name, tenon::eval(x, pool));
  };
  same("a_b", a + b);
  same("a_c", a * c);
  same("b_c", b - c);
  same("all", (a + b) * c - d);
  same("e_a", e * a);
  same("scalar", 2 * a + 1);
  same("empty", e + tenon::zeros<T>(tenon::shape(2, 0), pool));
}
