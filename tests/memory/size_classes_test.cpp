// Block sizes as data.

#include "catch.hpp"

#include <tenon/memory/size_classes.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tn = tenon;

namespace {

constexpr std::size_t powers_footprint(std::size_t bytes) {
  return tn::SizeClasses::powers_of_two().footprint(bytes);
}
static_assert(powers_footprint(0) == 64 && powers_footprint(64) == 64);
static_assert(powers_footprint(65) == 128 && powers_footprint(4097) == 8192);
static_assert(powers_footprint(std::size_t{128} << 20) == std::size_t{128} << 20);
static_assert(powers_footprint((std::size_t{128} << 20) + 1) == (std::size_t{128} << 20) + 64);
static_assert(tn::SizeClasses::powers_of_two().size() == 22);

}  // namespace

TEST_CASE("size classes are sorted, rounded to 64 and joined", "[memory][size_classes]") {
  const tn::SizeClass given[] = {{1000, 2}, {0, 1}, {64, 4}, {961, 3}, {320, 0}};
  const tn::SizeClasses classes{given};
  REQUIRE(classes.size() == 3);
  CHECK(classes[0] == tn::SizeClass{64, 5});
  CHECK(classes[1] == tn::SizeClass{320, 0});
  CHECK(classes[2] == tn::SizeClass{1024, 5});
  CHECK(classes.held_bytes() == 64 * 5 + 1024 * 5);
  CHECK(classes == tn::SizeClasses(classes.classes()));
  CHECK_FALSE(classes == tn::SizeClasses());
}

TEST_CASE("the least class that holds a request serves it", "[memory][size_classes]") {
  const tn::SizeClass given[] = {{64, 0}, {192, 0}, {4096, 0}};
  const tn::SizeClasses classes{given};
  for (std::size_t bytes = 0; bytes <= 5000; ++bytes) {
    std::size_t expected = 0;
    while (expected < classes.size() && classes[expected].bytes < bytes) ++expected;
    if (classes.index_of(bytes) != expected) FAIL("wrong class for " << bytes << " B");
    const std::size_t footprint = classes.footprint(bytes);
    const std::size_t rounded =
        expected < classes.size() ? classes[expected].bytes : (bytes + 63) / 64 * 64;
    if (footprint != rounded) FAIL("wrong footprint for " << bytes << " B");
  }
  CHECK(classes.footprint(4097) == 4160);
  CHECK(tn::SizeClasses().footprint(100) == 128);
}

TEST_CASE("size classes that cannot be are refused and change nothing", "[memory][size_classes]") {
  tn::SizeClasses classes;
  for (std::size_t i = 1; i <= tn::SizeClasses::max_count; ++i) classes.insert({64 * i, i});
  const tn::SizeClasses before = classes;
  CHECK_THROWS_AS(classes.insert({64 * 65, 1}), tn::ContractError);
  CHECK_THROWS_AS(classes.insert({SIZE_MAX, 1}), tn::ContractError);
  CHECK_THROWS_AS(classes.insert({SIZE_MAX / 2, 1}), tn::ContractError);
  CHECK(classes == before);
  classes.insert({64, 1});  // joins the class that is there
  CHECK(classes[0] == tn::SizeClass{64, 2});
}
