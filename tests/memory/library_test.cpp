#include <tenon/memory/library.hpp>

#include "catch.hpp"

TEST_CASE("Header and compiled library have one version", "[memory]") {
  CHECK(tenon::memory_library_version() == TENON_VERSION);
}
