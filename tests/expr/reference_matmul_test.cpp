// Matrix products against NumPy.

#include "expr/reference.hpp"

#include <tenon/memory/pool_allocator.hpp>

using namespace tenon::test;

TEST_CASE("matmul takes vectors, matrices and batches as NumPy's", "[reference]") {
  using T = float;
  const std::string tag = "matmul.f4.";
  tenon::PoolAllocator pool;
  const auto same = [&]<int A, int B>(const char* name, std::integer_sequence<int, A, B>) {
    const auto a = load<T, A>(tag + name + ".a", pool);
    const auto b = load<T, B>(tag + name + ".b", pool);
    check_same(tag + name, tenon::eval(tenon::matmul(a, b), pool));
  };
  const std::integer_sequence<int, 2, 2> matrices;
  same("vv", std::integer_sequence<int, 1, 1>{});
  same("vm", std::integer_sequence<int, 1, 2>{});
  same("mv", std::integer_sequence<int, 2, 1>{});
  for (const char* name : {"mm", "one", "wide", "tall", "k0", "m0"}) same(name, matrices);
  same("bm", std::integer_sequence<int, 3, 2>{});
  same("mb", std::integer_sequence<int, 2, 3>{});
  same("bb", std::integer_sequence<int, 3, 3>{});
  same("cross", std::integer_sequence<int, 4, 3>{});
  same("bv", std::integer_sequence<int, 3, 1>{});
  same("vb", std::integer_sequence<int, 1, 3>{});
  same("v0", std::integer_sequence<int, 1, 1>{});
}

TEMPLATE_TEST_CASE("matmul of each element type is NumPy's", "[reference]", double, std::int32_t) {
  using T = TestType;
  const std::string tag = std::is_same_v<T, double> ? "matmul.f8." : "matmul.i4.";
  tenon::PoolAllocator pool;
  for (const char* name : {"mm", "wide", "tall"}) {
    const auto a = load<T, 2>(tag + name + ".a", pool);
    const auto b = load<T, 2>(tag + name + ".b", pool);
    check_same(tag + name, tenon::eval(tenon::matmul(a, b), pool));
  }
}
