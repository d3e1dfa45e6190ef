#include "catch.hpp"
#include "heap_trap.hpp"

#include <tenon/memory/fixed_buffer_allocator.hpp>

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

using namespace tenon;
using tenon::support::HeapTrap;

TEST_CASE("Out of memory says requested, available and missing bytes", "[memory]") {
  alignas(64) std::byte buffer[4096];
  FixedBufferAllocator fixed(buffer);
  static_cast<void>(fixed.allocate(1024));
  const auto before = fixed.stats();
  CHECK_THROWS_WITH(fixed.allocate(4096),
                    Catch::Contains("requested 4096 B, available 3072 B, missing 1024 B"));
  const auto after = fixed.stats();
  CHECK(std::memcmp(&before, &after, sizeof before) == 0);
  CHECK_THROWS_AS(fixed.allocate(3073), OutOfMemory);
  static_cast<void>(fixed.allocate(3072));
  CHECK_THROWS_WITH(fixed.allocate(1), Catch::Contains("available 0 B, missing 1 B"));
  static_cast<void>(fixed.allocate(0));
}

TEST_CASE("An aligned buffer serves exactly its size", "[memory]") {
  alignas(64) std::byte buffer[1000];
  for (std::size_t bytes = 1; bytes <= 1000; ++bytes) {
    FixedBufferAllocator fixed(std::span<std::byte>(buffer).first(bytes));
    CHECK_THROWS_AS(fixed.allocate(bytes + 1), OutOfMemory);
    auto* block = static_cast<std::byte*>(fixed.allocate(bytes));
    std::memset(block, 1, bytes);
    REQUIRE(block == buffer);
  }
}

TEST_CASE("Frees in LIFO order give everything back", "[memory]") {
  alignas(64) std::byte buffer[16384];
  FixedBufferAllocator fixed(buffer);
  struct Block {
    void* start;
    std::size_t bytes;
    std::size_t used_before;
  };
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < 60; ++i) {  // some of them recorded in the buffer's end
    const auto used = fixed.stats().used_bytes;
    const std::size_t bytes = i * 5 % 130;
    blocks.push_back({fixed.allocate(bytes, i % 7 == 0 ? 256 : 8), bytes, used});
  }
  while (!blocks.empty()) {
    fixed.deallocate(blocks.back().start, blocks.back().bytes);
    REQUIRE(fixed.stats().used_bytes == blocks.back().used_before);
    blocks.pop_back();
  }
  static_cast<void>(fixed.allocate(16384));
}

TEST_CASE("Memory of a block in the middle comes back with the last one above", "[memory]") {
  alignas(64) std::byte buffer[4096];
  FixedBufferAllocator fixed(buffer);
  void* a = fixed.allocate(64);
  void* b = fixed.allocate(64);
  void* c = fixed.allocate(64);
  fixed.deallocate(b, 64);
  CHECK(fixed.stats().used_bytes == 192);
  fixed.deallocate(c, 64);
  CHECK(fixed.stats().used_bytes == 64);
  fixed.deallocate(a, 64);
  CHECK(fixed.stats().used_bytes == 0);
}

TEST_CASE("More blocks than the allocator has records for use the buffer's end", "[memory]") {
  for (const std::size_t shift : {0U, 1U, 8U, 31U}) {
    alignas(64) std::byte storage[64 * 101 + 64];
    std::memset(storage, 0x77, sizeof storage);
    const std::span<std::byte> buffer(storage, 64 * 100 + shift);
    std::size_t count = 0;
    {
      FixedBufferAllocator fixed(buffer);
      std::vector<void*> blocks;
      try {
        for (;;) {
          blocks.push_back(fixed.allocate(64));
          std::memset(blocks.back(), static_cast<int>(blocks.size()), 64);
        }
      } catch (const OutOfMemory&) {
        count = blocks.size();
      }
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t k = 0; k < 64; ++k)
          if (static_cast<unsigned char*>(blocks[i])[k] != i + 1)
            FAIL("a record overwrote a block");
      for (std::size_t i = 0; i < count; i += 2) fixed.deallocate(blocks[i], 64);
      for (std::size_t i = 1; i < count; i += 2) fixed.deallocate(blocks[i], 64);
      CHECK(fixed.stats().used_bytes == 0);
    }
    // 32 blocks in the allocator, then 88 bytes each.
    CHECK(count >= 81);
    CHECK(count <= 82);
    for (std::size_t k = buffer.size(); k < sizeof storage; ++k)
      if (storage[k] != std::byte{0x77}) FAIL("something was written beyond the buffer");
  }
}

TEST_CASE("The largest block that fits leaves the records whole", "[memory]") {
  alignas(64) std::byte storage[64 * 40];
  for (std::size_t shift = 0; shift < 16; ++shift) {
    CAPTURE(shift);
    FixedBufferAllocator fixed(std::span<std::byte>(storage).first(64 * 40 - shift));
    for (int i = 0; i < 32; ++i) static_cast<void>(fixed.allocate(64));
    std::size_t bytes = 64 * 8;
    void* block = nullptr;
    for (; block == nullptr; --bytes) {
      try {
        block = fixed.allocate(bytes);
        break;
      } catch (const OutOfMemory&) {
        continue;
      }
    }
    CHECK(bytes == (64 * 8 - shift) / 8 * 8 - 24);
    const auto stamp = fixed.stamp(block);
    std::memset(block, 0xff, bytes);
    CHECK(fixed.is_live(block, stamp));
    fixed.deallocate(block, bytes);
    CHECK(fixed.stats().used_bytes == 64 * 32);
  }
}

TEST_CASE("A fixed buffer makes no heap call, not even to fail", "[memory]") {
  alignas(64) static std::byte buffer[65536];
  FixedBufferAllocator fixed(buffer);
  HeapTrap trap;
  for (int i = 0; i < 100; ++i) {
    void* a = fixed.allocate(1000);
    void* b = fixed.allocate(2000, 4096);
    fixed.deallocate(a, 1000);
    fixed.deallocate(b, 2000);
    const auto mark = fixed.mark();
    static_cast<void>(fixed.allocate(10));
    fixed.rewind(mark);
    fixed.reset();
  }
  const auto calls = trap.stop();
  CHECK(calls == 0);
}

TEST_CASE("rewind and reset of a fixed buffer", "[memory]") {
  alignas(64) std::byte buffer[4096];
  FixedBufferAllocator fixed(buffer);
  void* a = fixed.allocate(100);
  const auto a_stamp = fixed.stamp(a);
  const auto mark = fixed.mark();
  void* b = fixed.allocate(100);
  const auto b_stamp = fixed.stamp(b);
  fixed.rewind(mark);
  CHECK(fixed.is_live(a, a_stamp));
  CHECK_FALSE(fixed.is_live(b, b_stamp));
  CHECK_THROWS_AS(fixed.deallocate(b, 100), StaleTensorError);
  void* again = fixed.allocate(100);
  CHECK(again == b);
  CHECK_FALSE(fixed.is_live(again, b_stamp));
  fixed.reset();
  CHECK_FALSE(fixed.is_live(a, a_stamp));
  CHECK(fixed.stats().used_bytes == 0);
  CHECK_THROWS_AS(fixed.rewind(mark), ContractError);
}

TEST_CASE("An empty buffer has nothing to give", "[memory]") {
  FixedBufferAllocator fixed(std::span<std::byte>{});
  CHECK_THROWS_WITH(fixed.allocate(1), Catch::Contains("available 0 B"));
  void* empty = fixed.allocate(0);
  fixed.deallocate(empty, 0);
}
