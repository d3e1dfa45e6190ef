// From a log to buffers, to text, and to a picture.

#include "upstream.hpp"
#include "xml.hpp"

#include <tenon/memory.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <locale>
#include <sstream>
#include <string>
#include <vector>

namespace tn = tenon;
using tenon::test::Upstream;
using Kind = tn::MemoryEventKind;

namespace {

// A log written by hand: times of 1.5 µs a step.
class Script {
 public:
  Script& add(Kind kind, std::uintptr_t address, std::size_t bytes, const char* label = nullptr,
              const void* source = nullptr) {
    live_ += kind == Kind::allocate ? bytes : 0;
    live_ -= kind == Kind::deallocate || kind == Kind::clear ? bytes : 0;
    const std::uint64_t number = events.size() + 1;
    events.push_back({number, number * 1500, address, bytes, live_, source, label, kind, 6});
    return *this;
  }
  std::vector<tn::MemoryEvent> events;

 private:
  std::size_t live_ = 0;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t i = text.find(part); i != std::string::npos; i = text.find(part, i + 1)) ++n;
  return n;
}

std::string svg(std::span<const tn::MemoryEvent> events, const tn::TimelineSvg& options = {}) {
  std::ostringstream out;
  tn::timeline_svg(out, events, options);
  return out.str();
}

}  // namespace

TEST_CASE("a log becomes buffers, clears and old acquaintances included", "[memory][timeline]") {
  int a = 0, b = 0;  // two sources
  Script s;
  s.add(Kind::allocate, 0x1000, 100, "one", &a);  // 0
  s.add(Kind::allocate, 0x1000, 50, "two", &b);   // 1: the same address seen by another layer
  s.add(Kind::allocate, 0x2000, 64, "one", &a);   // 2
  s.add(Kind::deallocate, 0x1000, 100, "x", &a);  // 3
  s.add(Kind::deallocate, 0x9000, 10, "x", &a);   // 4: was there before the log
  s.add(Kind::clear, 0, 64, nullptr, &a);         // 5: ends 0x2000, not b's block
  s.add(Kind::allocate, 0x2000, 32, "one", &a);   // 6
  s.add(Kind::allocate, 0x2000, 16, "one", &a);   // 7: given back unseen
  s.add(Kind::allocate, 0x3000, 0, "one", &a);    // 8: no bytes, no buffer
  s.add(Kind::refuse, 0x1000, 50, "one", &b);     // 9: changes nothing
  Upstream memory;
  {
    const auto lives = tn::buffer_lives(s.events, &memory);
    REQUIRE(lives.size() == 6);
    const auto is = [&](std::size_t i, std::uintptr_t address, std::size_t bytes, std::size_t first,
                        std::size_t last) {
      CHECK(lives[i].address == address);
      CHECK(lives[i].bytes == bytes);
      CHECK(lives[i].first == first);
      CHECK(lives[i].last == last);
    };
    is(0, 0x1000, 100, 0, 3);
    is(1, 0x1000, 50, 1, 10);
    is(2, 0x2000, 64, 2, 5);
    is(3, 0x9000, 10, 0, 4);
    is(4, 0x2000, 32, 6, 7);
    is(5, 0x2000, 16, 7, 10);
    CHECK(std::string(lives[1].label) == "two");
  }
}

TEST_CASE("a log prints as a table", "[memory][timeline]") {
  Script s;
  s.add(Kind::allocate, 64, 24, "load").add(Kind::allocate, 128, 24, "load");
  s.add(Kind::allocate, 192, 12'288, "eval").add(Kind::deallocate, 192, 12'288, "eval");
  s.add(Kind::refuse, 0, 1'000'000'000'000, "eval").add(Kind::clear, 0, 48);
  std::ostringstream out;
  tn::print_timeline(out, s.events, {.times = false, .bar_columns = 4});
  CHECK(out.str() ==
        "load\n"
        "  1  allocate      24 B    live      24 B  ▏\n"
        "  2  allocate      24 B    live      48 B  ▏\n"
        "eval\n"
        "  3  allocate  12,288 B    live  12,336 B  ████\n"
        "  4  free      12,288 B    live      48 B  ▏\n"
        "  5  refused 1,000,000,000,000 B    live      48 B  ▏\n"
        "(no phase)\n"
        "  6  clear         48 B    live       0 B\n");
  out.str("");
  tn::print_timeline(out, std::span(s.events).subspan(1, 1),
                     {.labels = false, .bar_columns = 8, .full_bar_bytes = 96});
  CHECK(out.str() == "  2     3.000 µs  allocate   24 B    live   48 B  ████\n");
  out.str("");
  tn::print_timeline(out, {});
  CHECK(out.str().empty());
}

TEST_CASE("numbers are readable", "[memory][timeline]") {
  using namespace tn::detail;
  CHECK(std::string(grouped(0).text) == "0");
  CHECK(std::string(grouped(999).text) == "999");
  CHECK(std::string(grouped(1'234'567).text) == "1,234,567");
  CHECK(std::string(grouped(UINT64_MAX).text) == "18,446,744,073,709,551,615");
  const auto bytes = [](std::uint64_t n) { return std::string(readable_bytes(n).text); };
  CHECK(bytes(0) == "0 B");
  CHECK(bytes(1023) == "1023 B");
  CHECK(bytes(1024) == "1 KiB");
  CHECK(bytes(1536) == "1.5 KiB");
  CHECK(bytes(1034) == "1.01 KiB");
  CHECK(bytes(100'480) == "98.1 KiB");
  CHECK(bytes((10 << 10) - 1) == "10 KiB");
  CHECK(bytes(std::uint64_t{4} << 20) == "4 MiB");
  CHECK(bytes(UINT64_MAX) == "16777216 TiB");
  const auto time = [](std::uint64_t n) { return std::string(readable_time(n).text); };
  CHECK(time(0) == "0 ns");
  CHECK(time(999) == "999 ns");
  CHECK(time(12'340) == "12.3 µs");
  CHECK(time(1'020'000) == "1.02 ms");
  CHECK(time(3'000'000'000) == "3 s");
}

TEST_CASE("addresses keep their order on the axis, unused ranges are folded",
          "[memory][timeline]") {
  Script s;
  std::vector<std::uintptr_t> starts;
  for (std::uintptr_t i = 0; i < 10; ++i) {
    starts.push_back(0x10000 + i * 4096);            // side by side
    starts.push_back(0x7f0000000000 + i * 8192);     // gaps as large as the blocks
    starts.push_back(0x100000000 * (i + 1) + 0x40);  // far apart
  }
  for (const auto start : starts) s.add(Kind::allocate, start, 4096);
  Upstream memory;
  {
    const auto lives = tn::buffer_lives(s.events, &memory);
    const tn::detail::AddressAxis axis(lives, 500, &memory);
    CHECK(axis.regions().size() == 12);
    double top = 0;
    for (const auto& region : axis.regions()) {
      CHECK(region.low >= top);
      CHECK(region.high - region.low >= 8);
      top = region.high + axis.fold_height();
    }
    CHECK(top - axis.fold_height() == Approx(500));
    std::sort(starts.begin(), starts.end());
    double before = -1;
    for (const auto start : starts) {
      const auto& region = axis.region_of(start);
      CHECK(region.first <= start);
      CHECK(start + 4096 <= region.last);
      CHECK(region.height_of(start) > before);
      before = region.height_of(start);
    }
  }
}

TEST_CASE("the picture has a rectangle for each buffer, with its size", "[memory][timeline]") {
  Script s;
  s.add(Kind::allocate, 0x1000, 8192, "weights <&> \"biases\"");
  s.add(Kind::allocate, 0x8000, 16384, "scratch").add(Kind::refuse, 0, 99, "scratch");
  s.add(Kind::deallocate, 0x8000, 16384).add(Kind::clear, 0, 8192);
  for (const auto axis : {tn::TimelineAxis::events, tn::TimelineAxis::time}) {
    const std::string picture = svg(s.events, {.title = "a < b & c", .axis = axis});
    CHECK(is_well_formed(picture));
    CHECK(count(picture, "</title></rect>") == 2);
    CHECK(count(picture, ">8 KiB</text>") >= 1);
    CHECK(count(picture, ">16 KiB</text>") >= 1);
    CHECK(count(picture, "16,384 B, events 2 to 4, scratch") == 1);
    CHECK(count(picture, "weights &lt;&amp;&gt; &quot;biases&quot;") == 2);
    CHECK(count(picture, "a &lt; b &amp; c") == 1);
    CHECK(count(picture, "refused 99 B") == 1);
    CHECK(count(picture, ">clear<") == 1);
    CHECK(count(picture, "peak 24 KiB at event 2") == 1);
    CHECK(count(picture, "live bytes") == 1);
  }
  CHECK(is_well_formed(svg({})));
  CHECK(count(svg(std::span(s.events).first(1)), "1 buffer ·") == 1);
}

TEST_CASE("pictures of hundreds of far-apart buffers stay inside the frame", "[memory][timeline]") {
  Script s;
  for (std::uintptr_t i = 0; i < 400; ++i)
    s.add(Kind::allocate, (i * 37 % 400) << 32, std::size_t{64} << (i % 12));
  const std::string picture = svg(s.events, {.width = 800, .height = 500});
  CHECK(is_well_formed(picture));
  CHECK(count(picture, "</title></rect>") == 400);
  for (std::size_t i = picture.find(" y=\""); i != std::string::npos;
       i = picture.find(" y=\"", i + 1)) {
    const double y = std::stod(picture.substr(i + 4, 12));
    if (y < 0 || y > 500) FAIL("something lies at y = " << y);
  }
}

TEST_CASE("text and picture do not depend on the locale", "[memory][timeline]") {
  struct Comma final : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\1"; }
  };
  Script s;
  s.add(Kind::allocate, 0x1000, 123'456).add(Kind::deallocate, 0x1000, 123'456);
  std::ostringstream plain, comma;
  comma.imbue(std::locale(comma.getloc(), new Comma));
  comma << std::hex;
  for (auto* out : {&plain, &comma}) {
    tn::print_timeline(*out, s.events);
    tn::timeline_svg(*out, s.events);
  }
  CHECK(plain.str() == comma.str());
}

TEST_CASE("a picture refused its memory leaks nothing", "[memory][timeline]") {
  Script s;
  for (std::uintptr_t i = 0; i < 20; ++i) s.add(Kind::allocate, 0x1000 + i * 64, 64);
  bool done = false;
  for (std::size_t n = 0; !done; ++n) {
    Upstream memory;
    memory.fail_at(n);
    std::ostringstream out;
    try {
      tn::timeline_svg(out, s.events, {}, &memory);
      done = memory.refused == 0;
    } catch (const std::bad_alloc&) {
      CHECK(out.str().empty());
    }
    CHECK(memory.blocks.empty());
  }
}
