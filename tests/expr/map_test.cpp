// A user's own operations: any functor is an operation, without touching the library.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <cmath>

namespace {

// Named, weighted, generic over numbers and packs.
struct Cube {
  static constexpr const char* name = "cube";
  static constexpr int weight = 2;
  constexpr auto operator()(const auto& x) const { return x * x * x; }
};

// Only on numbers: called lane by lane.
struct NextAfter {
  float operator()(float x) const { return std::nextafter(x, 1e30F); }
};

struct Scale {
  float by;
  auto operator()(const auto& x) const { return x * std::remove_cvref_t<decltype(x)>(by); }
};

struct Fixture {
  tenon::PoolAllocator pool;
  tenon::Tensor<float, tenon::Shape<tenon::dyn>> x = tenon::arange<float>(37, pool);
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a generic lambda is an operation", "[expr]") {
  const auto r = tenon::eval(tenon::map([](auto a, auto b) { return a * b + a; }, x, x), pool);
  for (int i = 0; i < 37; ++i) CHECK(r(i) == static_cast<float>(i * i + i));
}

TEST_CASE_METHOD(Fixture, "a functor on numbers alone runs lane by lane, tails included",
                 "[expr]") {
  const auto r = tenon::eval(tenon::map(NextAfter{}, x), pool);
  for (int i = 0; i < 37; ++i) CHECK(r(i) == std::nextafter(static_cast<float>(i), 1e30F));
}

TEST_CASE_METHOD(Fixture, "a functor may hold state", "[expr]") {
  const float by = 0.5F;
  const auto r =
      tenon::eval(tenon::map(Scale{3}, x) + tenon::map([by](float v) { return v * by; }, x), pool);
  for (int i = 0; i < 37; ++i) CHECK(r(i) == 3.5F * static_cast<float>(i));
}

TEST_CASE_METHOD(Fixture, "the plan knows the name and the weight of a functor", "[expr]") {
  const auto e = tenon::map(Cube{}, x);
  CHECK(std::string_view(tenon::plan(e).records[0].name) == "cube");
  CHECK(tenon::plan(e).records[0].weight == 2);
  CHECK(std::string_view(tenon::plan(tenon::map(NextAfter{}, x)).records[0].name) == "map");
  CHECK(tenon::eval(e, pool)(3) == 27);
}

TEST_CASE_METHOD(Fixture, "a functor may return another element type", "[expr]") {
  const auto big = tenon::eval(tenon::map([](auto v) { return v > decltype(v)(10); }, x), pool);
  STATIC_REQUIRE(std::is_same_v<decltype(big)::value_type, bool>);
  CHECK_FALSE(big(10));
  CHECK(big(36));
  const auto odd =
      tenon::eval(tenon::map([](float v) { return static_cast<int>(v) % 2 == 1; }, x), pool);
  STATIC_REQUIRE(std::is_same_v<decltype(odd)::value_type, bool>);
  CHECK(odd(35));
  const auto whole =
      tenon::eval(tenon::map([](float v) { return static_cast<std::int64_t>(v); }, x), pool);
  STATIC_REQUIRE(std::is_same_v<decltype(whole)::value_type, std::int64_t>);
  CHECK(whole(36) == 36);
}

TEST_CASE_METHOD(Fixture, "functors see bool operands as bool", "[expr]") {
  const auto e = tenon::map([](bool c, float v) { return c ? v : -v; }, x > 3, x);
  const auto r = tenon::eval(e, pool);
  CHECK(r(3) == -3);
  CHECK(r(36) == 36);
}

TEST_CASE_METHOD(Fixture, "operands of a functor broadcast", "[expr]") {
  const auto column = tenon::arange<float>(2, pool);
  const auto r = tenon::eval(
      tenon::map([](auto a, auto b) { return a - b; }, x, tenon::unsqueeze<1>(column)), pool);
  CHECK(r.shape() == tenon::shape(2, 37));
  CHECK(r(1, 5) == 4);
}
