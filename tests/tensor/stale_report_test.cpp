// A stale tensor in memory that is watched: the report has the size and where the block came from.

#include "catch.hpp"

#include <tenon/memory/debug_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/memory/tracking_allocator.hpp>
#include <tenon/tensor/factories.hpp>

#include <string>

namespace tn = tenon;

TEST_CASE("a stale tensor is reported with its block's size and call stack", "[tensor][debug]") {
  tn::PoolAllocator pool;
  std::string report;
  tn::DebugAllocator debug(&pool);
  debug.set_handler(
      [](const tn::FaultReport& r, void* text) { *static_cast<std::string*>(text) = r.text(); },
      &report);
  tn::TrackingAllocator layer(&debug);  // layers between forward the question
  const auto x = tn::zeros<float>(tn::shape(25), layer);
  CHECK(x.is_live());
  pool.clear();
  CHECK_FALSE(x.is_live());
  if constexpr (tn::checked_build) {
    CHECK_THROWS_AS(x.view(), tn::StaleTensorError);
    CHECK_THAT(report, Catch::Contains("stale handle of") && Catch::Contains("a block of 100 B") &&
                           Catch::Contains("allocated by:") && Catch::Contains("found in:"));
  } else {
    CHECK(report.empty());
  }
}
