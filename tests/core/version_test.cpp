#include <tenon/core/version.hpp>

#include "catch.hpp"

#include <string>

TEST_CASE("the header's version is the package's") {
  const std::string version = std::to_string(TENON_VERSION_MAJOR) + "." +
                              std::to_string(TENON_VERSION_MINOR) + "." +
                              std::to_string(TENON_VERSION_PATCH);
  CHECK(version == TENON_PROJECT_VERSION);
}

TEST_CASE("versions compare as one number") {
  STATIC_REQUIRE(TENON_VERSION / 10000 == TENON_VERSION_MAJOR);
  STATIC_REQUIRE(TENON_VERSION / 100 % 100 == TENON_VERSION_MINOR);
  STATIC_REQUIRE(TENON_VERSION % 100 == TENON_VERSION_PATCH);
}
