// let: a value computed once, in registers where it can be, in a slot where it must.

#include "catch.hpp"

#include <tenon/tenon.hpp>

TEST_CASE("let in one elementwise loop needs no memory", "[expr]") {
  tenon::StaticTensor<float, 33> x{};
  for (int i = 0; i < 33; ++i) x(i) = static_cast<float>(i);
  const auto e = tenon::let(x + 1, [](auto h) { return h * h + h; });
  STATIC_REQUIRE(tenon::plan_of<decltype(e)>.workspace_bytes == 0);
  STATIC_REQUIRE(tenon::plan_of<decltype(e)>.stages == 1);
  const auto r = tenon::eval(e);
  for (int i = 0; i < 33; ++i) CHECK(r(i) == static_cast<float>((i + 1) * (i + 1) + i + 1));
}

TEST_CASE("let computes its value once", "[expr]") {
  tenon::PoolAllocator pool;
  const auto x = tenon::arange<double>(16, pool);
  int calls = 0;
  const auto counted = [&calls](double v) {
    ++calls;
    return v + 1;
  };
  const auto registers = tenon::let(tenon::map(counted, x), [](auto h) { return h * h - h; });
  CHECK(tenon::eval(registers, pool)(15) == 240);
  CHECK(calls == 16);
  calls = 0;
  const auto slot = tenon::let(tenon::map(counted, x), [](auto h) { return h / tenon::sum(h); });
  CHECK(tenon::plan(slot).temporaries >= 1);
  CHECK(tenon::eval(slot, pool)(15) == 16.0 / 136);
  CHECK(calls == 16);
}

TEST_CASE("lets nest: inside the value, inside the body, and by another name", "[expr]") {
  tenon::PoolAllocator pool;
  const auto x = tenon::arange<float>(6, pool);
  const auto inner =
      tenon::let(tenon::let(x + 1, [](auto h) { return h * 2; }), [](auto g) { return g * g; });
  CHECK(tenon::eval(inner, pool)(2) == 36);
  const auto body = tenon::let(x + 1, [](auto h) {
    return tenon::let(h * 2, [h](auto g) { return g * h + tenon::max(h); });
  });
  CHECK(tenon::eval(body, pool)(2) == 24);
  const auto same =
      tenon::let(x, [](auto h) { return tenon::let(h, [](auto g) { return g + g; }); });
  CHECK(tenon::eval(same, pool)(5) == 10);
}

TEST_CASE("a let's name keeps the order of its elements through reshape", "[expr]") {
  tenon::PoolAllocator pool;
  const auto x = tenon::from<float>({{1, 2, 3}, {4, 5, 6}}, pool);
  const auto t = tenon::transpose(x.view());
  const auto expected = tenon::from<float>({1, 4, 2, 5, 3, 6}, tenon::shape(6), pool);
  const auto once = [](auto h) { return tenon::reshape(h, tenon::shape(6)); };
  const auto twice = [&](auto h) { return tenon::let(h, once); };
  CHECK(tenon::array_equal(tenon::eval(tenon::let(t, once), pool), expected));
  CHECK(tenon::array_equal(tenon::eval(tenon::let(t, twice), pool), expected));
}

TEST_CASE("let stretches at run time and reaches into products", "[expr]") {
  tenon::PoolAllocator pool;
  const auto one = tenon::full(tenon::shape(1), 3.0F, pool);
  const auto y = tenon::arange<float>(5, pool);
  const auto wide = tenon::let(one * 2, [&](auto h) { return h * h + y; });
  CHECK(tenon::eval(wide, pool)(4) == 40);
  const auto a = tenon::from<float>({{1, 2}, {3, 4}}, pool);
  const auto square = tenon::let(a - 1, [](auto h) { return tenon::matmul(h, h) + h; });
  CHECK(tenon::array_equal(tenon::eval(square, pool), tenon::from<float>({{2, 4}, {8, 14}}, pool)));
}

TEST_CASE("an owned value moves into a let", "[expr]") {
  tenon::PoolAllocator pool;
  const auto e = tenon::let(tenon::arange<float>(4, pool), [](auto h) { return h * h; });
  CHECK(tenon::eval(e, pool)(3) == 9);
}
