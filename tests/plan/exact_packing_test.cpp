// Packings by search: against brute force, against constructed problems that are known to fit without
// a gap, and on the MiniMalloc corpus where it lies beside the checkout.

#include "catch.hpp"

#include <tenon/plan/exact_packing.hpp>
#include <tenon/plan/lifetimes_csv.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace tn = tenon;
using tn::Lifetime;

namespace {

using Problem = std::vector<Lifetime>;

std::vector<std::size_t> offsets_for(const Problem& problem) {
  return std::vector<std::size_t>(problem.size(), 12345);
}

tn::PackingAnswer pack(const Problem& problem, std::size_t capacity,
                       std::vector<std::size_t>& offsets,
                       std::uint64_t nodes = tn::default_packing_nodes) {
  return tn::pack_below(problem, capacity, offsets, std::pmr::new_delete_resource(), nodes);
}

// The least height over all orders of placement, each buffer as low as those before it allow: some
// optimal packing is among them (push everything down, then place by offset).
std::size_t least_height(const Problem& problem) {
  std::vector<std::size_t> order(problem.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::size_t best = static_cast<std::size_t>(-1);
  do {
    std::vector<std::size_t> offsets(problem.size());
    for (std::size_t n = 0; n < order.size(); ++n) {
      const Lifetime& b = problem[order[n]];
      std::size_t offset = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t m = 0; m < n; ++m) {
          const Lifetime& other = problem[order[m]];
          const std::size_t low = offsets[order[m]], top = low + other.bytes;
          if (tn::overlap(b, other) && offset < top && low < offset + b.bytes) {
            offset = top;
            moved = true;
          }
        }
      }
      offsets[order[n]] = offset;
    }
    best = std::min(best, tn::packing_height(problem, offsets));
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

Problem random_problem(std::minstd_rand& random, std::size_t count) {
  Problem problem;
  for (std::size_t i = 0; i < count; ++i) {
    const auto lower = static_cast<tn::index_t>(random() % 8);
    problem.push_back({lower, lower + 1 + static_cast<tn::index_t>(random() % 5),
                       random() % 20 == 0 ? 0 : 64 * (1 + random() % 9)});
  }
  return problem;
}

// A rectangle of time × bytes cut into pieces without waste: it fits its height exactly.
void cut(Problem& pieces, std::minstd_rand& random, tn::index_t lower, tn::index_t upper,
         std::size_t bytes, int depth) {
  const bool by_time = random() % 2 == 0;
  if (depth == 0 || (by_time ? upper - lower < 2 : bytes < 2)) {
    pieces.push_back({lower, upper, bytes});
  } else if (by_time) {
    const auto at =
        lower + 1 + static_cast<tn::index_t>(random() % static_cast<unsigned>(upper - lower - 1));
    cut(pieces, random, lower, at, bytes, depth - 1);
    cut(pieces, random, at, upper, bytes, depth - 1);
  } else {
    const std::size_t at = 1 + random() % (bytes - 1);
    cut(pieces, random, lower, upper, at, depth - 1);
    cut(pieces, random, lower, upper, bytes - at, depth - 1);
  }
}

}  // namespace

TEST_CASE("the least height is the brute-force minimum", "[plan][packing]") {
  std::minstd_rand random(7);
  for (int round = 0; round < 400; ++round) {
    const Problem problem = random_problem(random, 1 + random() % 7);
    auto offsets = offsets_for(problem);
    const auto least = tn::pack_least(problem, offsets, std::pmr::new_delete_resource());
    INFO("round " << round);
    CHECK(least.is_least());
    CHECK(least.height == least_height(problem));
    CHECK(tn::packing_height(problem, offsets) == least.height);
    CHECK_FALSE(tn::validate_packing(problem, offsets, least.height));
  }
}

TEST_CASE("below the least height the search proves that nothing fits", "[plan][packing]") {
  std::minstd_rand random(8);
  for (int round = 0; round < 300; ++round) {
    const Problem problem = random_problem(random, 2 + random() % 6);
    const std::size_t least = least_height(problem);
    auto offsets = offsets_for(problem);
    CHECK(pack(problem, least, offsets) == tn::PackingAnswer::found);
    CHECK_FALSE(tn::validate_packing(problem, offsets, least));
    if (least == 0) continue;
    const auto before = offsets;
    CHECK(pack(problem, least - 1, offsets) == tn::PackingAnswer::impossible);
    CHECK(offsets == before);
  }
}

TEST_CASE("rectangles cut without waste are put together again", "[plan][packing]") {
  std::minstd_rand random(9);
  for (int round = 0; round < 60; ++round) {
    Problem problem;
    cut(problem, random, 0, 60, 1000, 5);
    std::shuffle(problem.begin(), problem.end(), random);
    auto offsets = offsets_for(problem);
    INFO("round " << round << ", " << problem.size() << " buffers");
    CHECK(tn::max_live_bytes(problem) == 1000);
    CHECK(pack(problem, 1000, offsets) == tn::PackingAnswer::found);
    CHECK_FALSE(tn::validate_packing(problem, offsets, 1000));
  }
}

TEST_CASE("nothing, one buffer, and buffers of no bytes", "[plan][packing]") {
  Problem problem;
  auto offsets = offsets_for(problem);
  CHECK(pack(problem, 0, offsets) == tn::PackingAnswer::found);
  CHECK(tn::pack_least(problem, offsets, std::pmr::new_delete_resource()).height == 0);
  problem = {{3, 4, 100}};
  offsets = offsets_for(problem);
  CHECK(pack(problem, 99, offsets) == tn::PackingAnswer::impossible);
  CHECK(pack(problem, 100, offsets) == tn::PackingAnswer::found);
  CHECK(offsets[0] == 0);
  problem = {{0, 9, 0}, {2, 4, 0}};
  offsets = offsets_for(problem);
  CHECK(pack(problem, 0, offsets) == tn::PackingAnswer::found);
  CHECK_FALSE(tn::validate_packing(problem, offsets, 0));
}

TEST_CASE("a search at its limit says so and changes nothing", "[plan][packing]") {
  std::minstd_rand random(10);
  Problem problem;
  cut(problem, random, 0, 4000, 1 << 20, 9);
  auto offsets = offsets_for(problem);
  const auto before = offsets;
  CHECK(pack(problem, 1 << 20, offsets, 3) == tn::PackingAnswer::undecided);
  CHECK(offsets == before);
  const auto least = tn::pack_least(problem, offsets, std::pmr::new_delete_resource(), 3);
  CHECK(least.lower_bound <= least.height);
  CHECK(least.steps > 0);
  CHECK(least.steps % 3 == 0);  // every search went to its limit
  CHECK_FALSE(tn::validate_packing(problem, offsets, least.height));
}

TEST_CASE("the MiniMalloc corpus fits its capacity", "[plan][packing]") {
  const std::filesystem::path folder = TENON_SHARED_DATA "/planner";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no planner data beside the checkout");
    return;
  }
  int solved = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();  // <name>.<capacity>.csv
    const auto dot = name.find('.');
    const std::size_t capacity = std::stoul(name.substr(dot + 1));
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto table = tn::read_lifetimes(text, std::pmr::new_delete_resource());
    std::vector<std::size_t> offsets(table.buffers.size());
    INFO(name << ", " << table.buffers.size() << " buffers");
    CHECK(tn::pack_below(table.buffers, capacity, offsets, std::pmr::new_delete_resource()) ==
          tn::PackingAnswer::found);
    CHECK_FALSE(tn::validate_packing(table.buffers, offsets, capacity));
    ++solved;
  }
  CHECK(solved >= 7);
}
