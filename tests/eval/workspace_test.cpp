// Where a workspace comes from, and that it goes back.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/workspace.hpp>

#include <utility>

namespace tn = tenon;
using naive::Recorder;

TEST_CASE("A workspace is one request, given back at the end") {
  Recorder resource;
  {
    const tn::detail::WorkspaceBlock<Recorder> block(resource, 100);
    REQUIRE(resource.requests.size() == 1);
    CHECK(resource.requests[0].bytes == 100);
    CHECK(resource.requests[0].alignment == 64);
    CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % 64 == 0);
    CHECK(resource.live == 1);
  }
  CHECK(resource.live == 0);
  CHECK_FALSE(resource.overrun);
}

TEST_CASE("No bytes are no request") {
  Recorder resource;
  {
    const tn::detail::WorkspaceBlock<Recorder> block(resource, 0);
    CHECK(block.data() == nullptr);
  }
  CHECK(resource.requests.empty());
}

TEST_CASE("A workspace goes back when evaluation throws") {
  Recorder resource;
  const auto evaluation = [&] {
    const tn::detail::WorkspaceBlock<Recorder> block(resource, 64);
    throw 1;
  };
  CHECK_THROWS(evaluation());
  CHECK(resource.live == 0);
}

TEST_CASE("scratch names a resource, by reference or pointer, keeping its type") {
  Recorder resource;
  static_assert(std::is_same_v<decltype(tn::scratch(resource)), tn::Scratch<Recorder>>);
  static_assert(std::is_same_v<decltype(tn::scratch(&resource)), tn::Scratch<Recorder>>);
  static_assert(!tn::MemoryResource<int> && !tn::MemoryResource<tn::Scratch<Recorder>>);
  CHECK(tn::scratch(resource).resource == &resource);
  CHECK(tn::scratch(&resource).resource == &resource);
}
