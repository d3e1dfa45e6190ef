// Every request for memory refused in turn, while files are opened and loaded: nothing leaks, and the
// next try succeeds.

#include <tenon/io/npz.hpp>
#include <tenon/io/safetensors.hpp>

#include "files.hpp"
#include "memory/upstream.hpp"

namespace tn = tenon;

namespace {

// Runs f with request 0, 1, … refused until none is; returns how many that were.
template <class F>
std::size_t refuse_each(tn::test::Upstream& resource, const F& f) {
  for (std::size_t n = 0;; ++n) {
    resource.fail_at(n);
    try {
      f();
      resource.heal();
      return n;
    } catch (const std::bad_alloc&) {
      REQUIRE(resource.blocks.empty());
    }
  }
}

}  // namespace

TEST_CASE("a safetensors file opens, or leaks nothing, whichever request is refused", "[io]") {
  tn::test::Upstream resource;
  const auto refused = refuse_each(resource, [&] {
    const tn::Safetensors file(TENON_TEST_DATA "/small.safetensors", &resource);
    REQUIRE(file.tensors().size() == 7);
  });
  REQUIRE(refused > 3);
  REQUIRE(resource.refused == refused);
}

TEST_CASE("an npz file opens and loads, or leaks nothing, whichever request is refused", "[io]") {
  for (const char* path :
       {TENON_TEST_DATA "/npy/stored.npz", TENON_TEST_DATA "/npy/compressed.npz"}) {
    tn::test::Upstream resource;
    const auto refused = refuse_each(resource, [&] {
      const tn::Npz file(path, &resource);
      const auto ramp = file.load<std::int32_t, tn::Shape<5000>>("ramp", resource);
      REQUIRE(ramp(4999) == 4999);
    });
    REQUIRE(refused > 3);
    REQUIRE(resource.refused == refused);
  }
}
