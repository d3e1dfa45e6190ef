// What can be said of lifetimes and packings: at compile time too.

#include "catch.hpp"

#include <tenon/plan/lifetimes.hpp>

#include <array>

namespace tn = tenon;
using tn::Lifetime;
using Kind = tn::PackingFault::Kind;

namespace {

// 0    1    2    3    4
// [ 64      ][ 128    ]
//      [ 256     ]
constexpr std::array<Lifetime, 3> three{{{0, 2, 64}, {2, 4, 128}, {1, 3, 256}}};
constexpr std::array<std::size_t, 3> good{0, 0, 128};

static_assert(tn::max_live_bytes(three) == 384);
static_assert(tn::max_live_bytes({}) == 0);
static_assert(tn::packing_height(three, good) == 384);
static_assert(!tn::validate_packing(three, good, 384));
static_assert(tn::overlap(three[0], three[2]) && !tn::overlap(three[0], three[1]));

constexpr bool has(Kind kind, std::size_t first, std::size_t second, std::array<std::size_t, 3> at,
                   std::size_t capacity) {
  const auto fault = tn::validate_packing(three, at, capacity);
  return fault && fault.kind == kind && fault.first == first && fault.second == second;
}
static_assert(has(Kind::beyond_capacity, 2, 2, good, 383));
static_assert(has(Kind::meet, 1, 2, {0, 0, 127}, 384));
static_assert(has(Kind::meet, 0, 2, {192, 0, 128}, 384));
static_assert(has(Kind::beyond_capacity, 0, 0, {static_cast<std::size_t>(-1), 0, 128}, 384));

}  // namespace

TEST_CASE("a packing needs an offset for every buffer, and buffers a time", "[plan][packing]") {
  const std::array<std::size_t, 2> two{0, 0};
  CHECK(tn::validate_packing(three, two, 1000).kind == Kind::count);
  const std::array<Lifetime, 1> backwards{{{3, 3, 64}}};
  const std::array<std::size_t, 1> at{0};
  CHECK(tn::validate_packing(backwards, at, 1000).kind == Kind::backwards);
}
