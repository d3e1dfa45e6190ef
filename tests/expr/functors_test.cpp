// The functors of the library: names that plans print, values on plain numbers, constexpr use.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <string_view>

using namespace tenon::functor;

TEST_CASE("functors work on plain numbers when compiling", "[expr]") {
  STATIC_REQUIRE(Add{}(2, 3) == 5);
  STATIC_REQUIRE(Subtract{}(2, 3) == -1);
  STATIC_REQUIRE(Multiply{}(2.0F, 3.0F) == 6);
  STATIC_REQUIRE(Divide{}(3.0, 2.0) == 1.5);
  STATIC_REQUIRE(Remainder{}(7, 4) == 3);
  STATIC_REQUIRE(Negate{}(7) == -7);
  STATIC_REQUIRE(Less{}(1, 2));
  STATIC_REQUIRE(BitXor{}(5, 1) == 4);
  STATIC_REQUIRE(Square{}(3) == 9);
}

TEST_CASE("plans print the functors' names", "[expr]") {
  tenon::StaticTensor<float, 4> x{};
  const auto e = tenon::exp(-x) / (x + 2);
  constexpr auto plan = tenon::plan_of<decltype(e)>;
  std::string_view names[8];
  std::size_t n = 0;
  for (const auto& record : plan.records) names[n++] = record.name;
  CHECK(names[0] == "divide");
  CHECK(names[1] == "exp");
  CHECK(names[2] == "negative");
  CHECK(names[3] == "leaf");
  CHECK(names[4] == "add");
  CHECK(names[6] == "scalar");
}
