#include "catch.hpp"

#include <tenon/memory/page_resource.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

using namespace tenon;

TEST_CASE("Pages are zero, aligned and writable to the last byte", "[memory]") {
  for (std::pmr::memory_resource* resource : {page_resource(), system_resource()}) {
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{4097}, huge_page_bytes - 1,
          huge_page_bytes, huge_page_bytes + 1, 5 * huge_page_bytes + 12345}) {
      for (std::size_t alignment = 1; alignment <= 4 * huge_page_bytes; alignment *= 4) {
        CAPTURE(bytes, alignment);
        auto* block = static_cast<unsigned char*>(resource->allocate(bytes, alignment));
        REQUIRE(block != nullptr);
        REQUIRE(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
        if (resource == page_resource()) {
          const bool zero = std::all_of(block, block + bytes, [](auto b) { return b == 0; });
          REQUIRE(zero);
        }
        if (bytes > 0) {
          block[0] = 1;
          block[bytes - 1] = 2;
        }
        resource->deallocate(block, bytes, alignment);
      }
    }
  }
}

TEST_CASE("Big blocks of pages begin at a huge page", "[memory]") {
  void* block = page_resource()->allocate(3 * huge_page_bytes, 64);
  CHECK(reinterpret_cast<std::uintptr_t>(block) % huge_page_bytes == 0);
  page_resource()->deallocate(block, 3 * huge_page_bytes, 64);
}

TEST_CASE("What the system refuses is an OutOfMemory with its number", "[memory]") {
  CHECK_THROWS_WITH(page_resource()->allocate(std::size_t{1} << 60),
                    Catch::Contains("requested 1152921504606846976 B"));
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX / 2})
    CHECK_THROWS_AS(page_resource()->allocate(bytes), OutOfMemory);
}

TEST_CASE("The system's resources are one each", "[memory]") {
  CHECK(page_resource() == page_resource());
  CHECK(system_resource()->is_equal(*system_resource()));
  CHECK_FALSE(system_resource()->is_equal(*page_resource()));
}
