#include "heap_trap.hpp"
#include "upstream.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

using namespace tenon;
using tenon::support::HeapTrap;
using tenon::test::Upstream;

TEST_CASE("An arena bumps", "[memory]") {
  Upstream upstream;
  Arena arena(4096, &upstream);
  CHECK(arena.stats().capacity_bytes == 4096);
  auto* a = static_cast<std::byte*>(arena.allocate(1));
  auto* b = static_cast<std::byte*>(arena.allocate(64));
  auto* c = static_cast<std::byte*>(arena.allocate(65));
  auto* d = static_cast<std::byte*>(arena.allocate(1));
  CHECK(b == a + 64);
  CHECK(c == b + 64);
  CHECK(d == c + 128);
  CHECK(arena.stats().used_bytes == 257);
  CHECK(arena.stats().live_bytes == 131);
  CHECK(arena.stats().chunk_count == 1);
}

TEST_CASE("The initial capacity is there to the last byte", "[memory]") {
  Upstream upstream;
  Arena arena(61'520, &upstream);
  const auto chunks = [&] { return arena.stats().chunk_count; };
  static_cast<void>(arena.allocate(61'440));
  static_cast<void>(arena.allocate(80));
  CHECK(chunks() == 1);
  static_cast<void>(arena.allocate(0));
  CHECK(chunks() == 1);
  static_cast<void>(arena.allocate(1));
  CHECK(chunks() == 2);
}

TEST_CASE("An arena without capacity takes nothing until it must", "[memory]") {
  Upstream upstream;
  Arena none(&upstream);
  Arena zero(0, &upstream);
  CHECK(upstream.requests == 0);
  CHECK(none.stats().capacity_bytes == 0);
  none.reset();
  none.rewind(none.mark());
  static_cast<void>(none.allocate(10));
  CHECK(none.stats().capacity_bytes == 65'536);
}

TEST_CASE("Empty blocks need no chunk", "[memory]") {
  Upstream upstream;
  Arena arena(&upstream);
  void* first = arena.allocate(0);
  void* second = arena.allocate(0);
  const auto stamp = arena.stamp(second);
  CHECK(arena.stats().capacity_bytes == 0);
  CHECK_THROWS_AS(arena.deallocate(&upstream, 8), ContractError);
  static_cast<void>(arena.allocate(10));
  const auto mark = arena.mark();
  void* block = arena.allocate(100);
  arena.deallocate(first, 0);
  CHECK(arena.is_live(second, stamp));
  arena.deallocate(block, 100);
  arena.rewind(mark);
  CHECK(arena.stats().used_bytes == 10);
  arena.reset(free_all);
  CHECK_FALSE(arena.is_live(second, stamp));
}

TEST_CASE("A workspace freed leaves the arena as it was", "[memory]") {
  Upstream upstream;
  Arena arena(&upstream);
  static_cast<void>(arena.allocate(1000));
  const auto used = arena.stats().used_bytes;
  for (int i = 0; i < 100; ++i) {
    void* a = arena.allocate(5000, 4096);
    void* b = arena.allocate(3000);
    void* c = arena.allocate(100'000);  // a chunk further
    // In any order: the memory comes back with the last one.
    arena.deallocate(i % 2 ? a : c, i % 2 ? 5000 : 100'000);
    arena.deallocate(b, 3000);
    arena.deallocate(i % 2 ? c : a, i % 2 ? 100'000 : 5000);
    REQUIRE(arena.stats().used_bytes == used);
  }
  CHECK(arena.stats().chunk_count <= 3);
}

TEST_CASE("Going back to an earlier chunk keeps what lives there", "[memory]") {
  Upstream upstream;
  Arena arena(1000, &upstream);
  auto* kept = static_cast<std::byte*>(arena.allocate(500));
  void* far = arena.allocate(5000);
  CHECK(arena.stats().chunk_count == 2);
  arena.deallocate(far, 5000);
  CHECK(arena.stats().used_bytes == 500);
  CHECK(arena.allocate(100) == kept + 512);
}

TEST_CASE("reset joins chunks, and the next round needs no new one", "[memory]") {
  Upstream upstream;
  Arena arena(1000, &upstream);
  const auto round = [&] {
    for (int i = 0; i < 50; ++i) static_cast<void>(arena.allocate(3000));
  };
  round();
  CHECK(arena.stats().chunk_count > 1);
  const auto capacity = arena.stats().capacity_bytes;
  arena.reset(retain_capacity);
  CHECK(arena.stats().chunk_count == 1);
  CHECK(arena.stats().capacity_bytes == capacity);
  CHECK(arena.stats().used_bytes == 0);
  CHECK(arena.stats().live_count == 0);
  const auto requests = upstream.requests;
  for (int i = 0; i < 5; ++i) {
    round();
    arena.reset();
  }
  CHECK(upstream.requests == requests);
}

TEST_CASE("reset keeps what it is told to keep", "[memory]") {
  Upstream upstream;
  Arena arena(10'000, &upstream);
  static_cast<void>(arena.allocate(10'000));
  arena.reset(retain_limit(20'000));
  CHECK(arena.stats().capacity_bytes == 10'000);
  arena.reset(retain_limit(4000));
  CHECK(arena.stats().capacity_bytes == 4000);
  static_cast<void>(arena.allocate(4000));
  static_cast<void>(arena.allocate(4000));
  arena.reset(retain_limit(5000));
  CHECK(arena.stats().capacity_bytes == 5000);
  arena.reset(free_all);
  CHECK(arena.stats().capacity_bytes == 0);
  CHECK(upstream.blocks.empty());
  static_cast<void>(arena.allocate(100));
  CHECK(arena.stats().live_bytes == 100);
}

TEST_CASE("A reset whose joined chunk is refused keeps the largest chunk", "[memory]") {
  Upstream upstream;
  Arena arena(1000, &upstream);
  for (int i = 0; i < 10; ++i) static_cast<void>(arena.allocate(50'000));
  upstream.fail_at(0);
  arena.reset();
  CHECK(upstream.refused == 1);
  CHECK(arena.stats().chunk_count == 1);
  CHECK(arena.stats().capacity_bytes >= 50'000);
  static_cast<void>(arena.allocate(1000));
  CHECK(arena.stats().live_bytes == 1000);
}

TEST_CASE("The rates of an arena are what their names say", "[memory]") {
  Upstream upstream;
  Arena arena(1024, &upstream);
  CHECK(arena.stats().hit_rate() == 0.0);
  CHECK(arena.stats().fragmentation() == 0.0);
  void* hole = arena.allocate(192);
  static_cast<void>(arena.allocate(64));
  arena.deallocate(hole, 192);
  const auto s = arena.stats();
  CHECK(s.utilisation() == Approx(64.0 / 1024.0));
  CHECK(s.fragmentation() == Approx(192.0 / 256.0));
  static_cast<void>(arena.allocate(1000));  // a chunk further
  CHECK(arena.stats().hits == 2);
  CHECK(arena.stats().misses == 1);
  CHECK(arena.stats().hit_rate() == Approx(2.0 / 3.0));
}

TEST_CASE("rewind kills what came after the mark and nothing else", "[memory]") {
  Upstream upstream;
  Arena arena(1000, &upstream);
  std::mt19937 random(3);
  struct Block {
    void* start;
    std::size_t bytes;
    std::uint64_t stamp;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<Block> below;
    std::vector<Block> above;
    const auto issue = [&](std::vector<Block>& blocks) {
      const std::size_t bytes = random() % 2000;
      void* start = arena.allocate(bytes);
      std::memset(start, 0x5a, bytes);
      blocks.push_back({start, bytes, arena.stamp(start)});
    };
    const auto free_some = [&](std::vector<Block>& blocks) {
      while (!blocks.empty() && random() % 2 == 0) {
        const auto i = random() % blocks.size();
        arena.deallocate(blocks[i].start, blocks[i].bytes);
        blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
      }
    };
    for (int i = 0; i < 20; ++i) issue(below);
    const auto mark = arena.mark();
    const auto used = arena.stats().used_bytes;
    for (int i = 0; i < 20; ++i) issue(above);
    free_some(above);
    free_some(below);
    for (int i = 0; i < 5; ++i) issue(above);
    arena.rewind(mark);
    REQUIRE(arena.stats().used_bytes <= used);
    REQUIRE(arena.stats().live_count == below.size());
    for (const auto& b : below) REQUIRE(arena.is_live(b.start, b.stamp));
    for (const auto& b : above) REQUIRE_FALSE(arena.is_live(b.start, b.stamp));
    for (const auto& b : below)
      for (std::size_t k = 0; k < b.bytes; ++k)
        if (static_cast<unsigned char*>(b.start)[k] != 0x5a) FAIL("contents lost");
    while (!below.empty()) {
      arena.deallocate(below.back().start, below.back().bytes);
      below.pop_back();
    }
    REQUIRE(arena.stats().used_bytes == 0);
  }
}

TEST_CASE("Marks nest, and one from before a reset is refused", "[memory]") {
  Upstream upstream;
  Arena arena(&upstream);
  const auto outer = arena.mark();
  void* a = arena.allocate(100);
  const auto a_stamp = arena.stamp(a);
  const auto inner = arena.mark();
  static_cast<void>(arena.allocate(100));
  arena.rewind(inner);
  CHECK(arena.is_live(a, a_stamp));
  arena.rewind(outer);
  CHECK_FALSE(arena.is_live(a, a_stamp));
  arena.rewind(inner);  // everything after it is dead already
  CHECK(arena.stats().used_bytes == 0);
  arena.reset();
  CHECK_THROWS_AS(arena.rewind(outer), ContractError);
}

TEST_CASE("Chunks kept by a rewind are used again", "[memory]") {
  Upstream upstream;
  Arena arena(1000, &upstream);
  const auto mark = arena.mark();
  for (int i = 0; i < 20; ++i) static_cast<void>(arena.allocate(20'000));
  arena.rewind(mark);
  const auto requests = upstream.requests;
  for (int k = 0; k < 5; ++k) {
    for (int i = 0; i < 20; ++i) static_cast<void>(arena.allocate(20'000));
    arena.rewind(mark);
  }
  CHECK(upstream.requests == requests);
}

TEST_CASE("A warm arena makes no heap call", "[memory]") {
  Arena arena(1 << 20);
  const auto round = [&] {
    for (int i = 0; i < 1000; ++i) static_cast<void>(arena.allocate(500));
    arena.reset();
  };
  round();
  HeapTrap trap;
  for (int i = 0; i < 10; ++i) round();
  const auto calls = trap.stop();
  CHECK(calls == 0);
}

TEST_CASE("Whichever upstream request of an arena fails, nothing is lost", "[memory]") {
  for (const bool onwards : {false, true}) {
    bool failed = true;
    for (std::size_t n = 0; failed; ++n) {
      CAPTURE(n, onwards);
      Upstream upstream;
      failed = false;
      upstream.fail_at(n, onwards);
      Arena arena(&upstream);
      for (int i = 0; i < 300; ++i) {
        const auto before = arena.stats();
        try {
          static_cast<void>(arena.allocate(static_cast<std::size_t>(i) * 97 % 3000));
        } catch (const OutOfMemory&) {
          failed = true;
          const auto after = arena.stats();
          if (after.live_bytes != before.live_bytes || after.used_bytes != before.used_bytes ||
              after.capacity_bytes != before.capacity_bytes ||
              after.allocations != before.allocations || after.chunk_count != before.chunk_count)
            FAIL("a failed request changed the arena");
          upstream.heal();
        }
      }
    }
  }
}

TEST_CASE("A constructor that is refused leaks nothing", "[memory]") {
  for (std::size_t n = 0; n < 2; ++n) {
    Upstream upstream;
    upstream.fail_at(n);
    CHECK_THROWS_AS(Arena(1000, &upstream), OutOfMemory);
    CHECK(upstream.blocks.empty());
  }
}

TEST_CASE("Tenon's own refusals pass through unchanged", "[memory]") {
  alignas(64) std::byte buffer[4096];
  FixedBufferAllocator fixed(buffer);
  Arena arena(&fixed);
  CHECK_THROWS_WITH(arena.allocate(100), Catch::Contains("missing"));
}
