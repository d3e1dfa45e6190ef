#include "catch.hpp"

#include <tenon/memory/numa.hpp>
#include <tenon/memory/page_cache.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <tenon/core/error.hpp>

#include <cstddef>
#include <cstring>

using namespace tenon;

TEST_CASE("the machine has nodes", "[memory][numa]") {
  CHECK(numa_node_count() >= 1);
  CHECK(numa_current_node() >= 0);
  CHECK(numa_current_node() < numa_node_count());
  CHECK(numa_node_of(nullptr) == -1);
  if (!numa_is_available()) CHECK(numa_node_count() == 1);
}

TEST_CASE("pages of a node lie on that node", "[memory][numa]") {
  for (int node = 0; node < numa_node_count(); ++node) {
    CAPTURE(node);
    std::pmr::memory_resource* pages = numa_page_resource(node);
    CHECK(pages == numa_page_resource(node));
    CHECK((pages == page_resource()) == !numa_is_available());
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{100}, std::size_t{100'000}, huge_page_bytes + 5}) {
      auto* block = static_cast<std::byte*>(pages->allocate(bytes, 64));
      if (bytes > 0) {
        std::memset(block, 1, bytes);
        if (numa_is_available()) {
          CHECK(numa_node_of(block) == node);
          CHECK(numa_node_of(block + bytes - 1) == node);
        }
      }
      pages->deallocate(block, bytes, 64);
    }
  }
}

TEST_CASE("a node that is not there is refused with its number", "[memory][numa]") {
  CHECK_THROWS_AS(numa_page_resource(-1), ContractError);
  CHECK_THROWS_WITH(numa_page_resource(1000), Catch::Contains("node 1000 of "));
}

TEST_CASE("a pool stands on the pages of a node", "[memory][numa]") {
  PageCache pages(numa_page_resource(numa_current_node()));
  PoolAllocator pool(&pages);
  auto* block = static_cast<std::byte*>(pool.allocate(1 << 20));
  std::memset(block, 1, 1 << 20);
  if (numa_is_available()) CHECK(numa_node_of(block) == numa_current_node());
  pool.clear();
}
