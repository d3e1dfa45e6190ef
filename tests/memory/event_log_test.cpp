// The log of events: bounded or growing, in the caller's memory, never fatal.

#include "heap_trap.hpp"
#include "upstream.hpp"

#include <tenon/memory/event_log.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>

#include <cstddef>
#include <string>

namespace tn = tenon;
using tenon::test::Upstream;
using Kind = tn::MemoryEventKind;

namespace {

tn::MemoryEvent event(Kind kind, std::size_t bytes) {
  tn::MemoryEvent e{};
  e.kind = kind;
  e.bytes = bytes;
  return e;
}

}  // namespace

static_assert(sizeof(tn::MemoryEvent) == 64);

TEST_CASE("a growing log keeps everything, in order", "[memory][event_log]") {
  Upstream upstream;
  tn::EventLog log(&upstream);
  CHECK(upstream.requests == 0);
  for (std::size_t i = 1; i <= 1000; ++i) CHECK(log.record(event(Kind::allocate, i)) == i);
  REQUIRE(log.events().size() == 1000);
  CHECK(log.dropped_count() == 0);
  std::size_t live = 0;
  std::uint64_t time = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const tn::MemoryEvent& e = log.events()[i];
    live += i + 1;
    if (e.number != i + 1 || e.bytes != i + 1 || e.live_bytes != live || e.time_ns < time)
      FAIL("event " << i << " is wrong");
    time = e.time_ns;
  }
  log.record(event(Kind::deallocate, 10));
  log.record(event(Kind::refuse, 1'000'000));
  CHECK(log.events().back().live_bytes == live - 10);
  log.clear();
  CHECK(log.events().empty());
  CHECK(log.record(event(Kind::clear, live - 10)) == 1003);
  CHECK(log.events()[0].live_bytes == 0);
}

TEST_CASE("a bounded log takes its memory at once and counts what it drops",
          "[memory][event_log]") {
  Upstream upstream;
  tn::EventLog log(&upstream, 3);
  CHECK(upstream.requests == 1);
  CHECK(upstream.bytes() == 3 * sizeof(tn::MemoryEvent));
  for (int i = 0; i < 5; ++i) log.record(event(Kind::allocate, 100));
  CHECK(upstream.requests == 1);
  CHECK(log.events().size() == 3);
  CHECK(log.dropped_count() == 2);
  log.clear();
  log.record(event(Kind::deallocate, 100));
  CHECK(log.events()[0].number == 6);
  CHECK(log.events()[0].live_bytes == 400);  // dropped events count here

  tn::EventLog none(&upstream, 0);
  none.record(event(Kind::allocate, 1));
  CHECK(none.dropped_count() == 1);
  CHECK_THROWS_AS(tn::EventLog(&upstream, SIZE_MAX), tn::OutOfMemory);
}

TEST_CASE("a growing log whose memory refuses goes on, whichever request fails",
          "[memory][event_log]") {
  for (std::size_t n = 0; n < 5; ++n) {
    Upstream upstream;
    tn::EventLog log(&upstream);
    upstream.fail_at(n, true);
    for (std::size_t i = 0; i < 2000; ++i) log.record(event(Kind::allocate, 1));
    const std::size_t kept = n == 0 ? 0 : std::size_t{64} << (n - 1);
    CHECK(log.events().size() == kept);
    CHECK(log.dropped_count() == 2000 - kept);
    upstream.heal();
    log.record(event(Kind::allocate, 1));
    CHECK(log.events().back().number == 2001);
    CHECK(log.events().back().live_bytes == 2001);
  }
}

TEST_CASE("phases label events and nest", "[memory][event_log]") {
  Upstream upstream;
  tn::EventLog log(&upstream);
  tn::MemoryEvent named = event(Kind::allocate, 1);
  named.label = "source";
  const auto label = [&] {
    log.record(named);
    return std::string(log.events().back().label);
  };
  CHECK(label() == "source");
  {
    const auto load = log.phase("load");
    CHECK(label() == "load");
    {
      const auto read = log.phase("read");
      CHECK(label() == "read");
    }
    CHECK(label() == "load");
  }
  CHECK(label() == "source");
}

TEST_CASE("a retracted free is a refusal", "[memory][event_log]") {
  Upstream upstream;
  tn::EventLog log(&upstream);
  log.record(event(Kind::allocate, 100));
  const auto number = log.record(event(Kind::deallocate, 100));
  log.record(event(Kind::allocate, 50));
  log.retract(number, 100);
  CHECK(log.events()[1].kind == Kind::refuse);
  CHECK(log.events()[1].live_bytes == 100);
  CHECK(log.events()[2].live_bytes == 150);
  log.record(event(Kind::allocate, 1));
  CHECK(log.events()[3].live_bytes == 151);
}

TEST_CASE("a log in a buffer asks no heap", "[memory][event_log]") {
  alignas(64) static std::byte buffer[64 * 1024];
  tn::FixedBufferAllocator fixed(buffer);
  tenon::support::HeapTrap trap;
  {
    tn::EventLog log(&fixed, 100);
    tn::EventLog growing(&fixed);
    for (int i = 0; i < 200; ++i) {
      log.record(event(Kind::allocate, 1));
      growing.record(event(Kind::allocate, 1));
    }
  }
  CHECK(trap.stop() == 0);
}
