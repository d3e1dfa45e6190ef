// What AddressSanitizer is told: bytes outside live blocks are out of bounds.

#include "upstream.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <cstddef>

using namespace tenon;

namespace {

bool is_poisoned(const void* byte) { return !detail::is_accessible(byte); }

// In a build without the sanitizer every byte is accessible and `expected` must not be asked for.
void check_dead(const void* block, std::size_t bytes) {
  const auto* bytes_of = static_cast<const std::byte*>(block);
  for (std::size_t i = 0; i < bytes; ++i)
    if (is_poisoned(bytes_of + i) != detail::poisons) FAIL("a dead byte is accessible");
}
void check_live(const void* block, std::size_t bytes) {
  const auto* bytes_of = static_cast<const std::byte*>(block);
  for (std::size_t i = 0; i < bytes; ++i)
    if (is_poisoned(bytes_of + i)) FAIL("a live byte is poisoned");
}

}  // namespace

TEST_CASE("Blocks of a pool are accessible while they live", "[memory]") {
  test::Upstream upstream;
  PoolAllocator pool(&upstream);
  auto* block = static_cast<std::byte*>(pool.allocate(100));
  check_live(block, 100);
  check_dead(block + 100, 28);  // up to the bucket's capacity
  pool.deallocate(block, 100);
  check_dead(block, 128);
  auto* again = static_cast<std::byte*>(pool.allocate(80));
  REQUIRE(again == block);
  check_live(again, 80);
  check_dead(again + 80, 48);
  pool.clear();
  check_dead(block, 128);
  again = static_cast<std::byte*>(pool.allocate(128));
  check_live(again, 128);
  pool.clear();
}

TEST_CASE("Blocks of an arena are accessible while they live", "[memory]") {
  test::Upstream upstream;
  Arena arena(1024, &upstream);
  auto* a = static_cast<std::byte*>(arena.allocate(64));
  const auto mark = arena.mark();
  auto* b = static_cast<std::byte*>(arena.allocate(100));
  check_live(a, 64);
  check_live(b, 100);
  check_dead(b + 100, 1024 - 164);
  arena.rewind(mark);
  check_live(a, 64);
  check_dead(b, 100);
  b = static_cast<std::byte*>(arena.allocate(100));
  arena.deallocate(a, 64);
  check_dead(a, 64);
  check_live(b, 100);
  arena.reset();
  check_dead(a, 1024);
}

TEST_CASE("A fixed buffer is its owner's again in the end", "[memory]") {
  alignas(64) std::byte buffer[1024];
  {
    FixedBufferAllocator fixed(buffer);
    check_dead(buffer, sizeof buffer);
    auto* block = static_cast<std::byte*>(fixed.allocate(100));
    check_live(block, 100);
    check_dead(buffer + 100, sizeof buffer - 100);
    fixed.reset();
    check_dead(buffer, sizeof buffer);
  }
  check_live(buffer, sizeof buffer);
}
