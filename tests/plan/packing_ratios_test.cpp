// How far above what is alive at once the solvers end on the MiniMalloc problems. The table of docs/plans.md:
//   test_plan "[ratios]"

#include "catch.hpp"

#include <tenon/plan/exact_packing.hpp>
#include <tenon/plan/lifetimes_csv.hpp>
#include <tenon/plan/packing.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace tn = tenon;

namespace {

using Problem = std::pmr::vector<tn::Lifetime>;
constexpr std::size_t most_buffers = 512;
constexpr std::size_t search = 1'000'000;  // comparisons: some milliseconds

// The solver of plans, which counts times from 0 on. Gives the height.
std::size_t packed(const Problem& problem, std::size_t most_tests,
                   std::vector<std::size_t>& offsets) {
  std::vector<tn::index_t> begins;
  for (const tn::Lifetime& b : problem) begins.push_back(b.lower);
  std::sort(begins.begin(), begins.end());
  const auto stage = [&](tn::index_t time) {  // begins before that time
    return std::lower_bound(begins.begin(), begins.end(), time) - begins.begin();
  };
  std::vector<tn::detail::SlotLife> lives;
  std::vector<std::size_t> bytes;
  for (const tn::Lifetime& b : problem) {
    lives.push_back({static_cast<short>(stage(b.lower)), static_cast<short>(stage(b.upper) - 1)});
    bytes.push_back(b.bytes);
  }
  const auto packer =
      std::make_unique<tn::detail::SlotPacker<most_buffers>>(lives, bytes, 1, most_tests);
  for (std::size_t i = 0; i < problem.size(); ++i) offsets[i] = packer->offset(i);
  CHECK(packer->lower_bound() == tn::max_live_bytes(problem));
  return packer->height();
}

// f(name, problem) for every file; false where there are none.
template <class F>
bool for_each_problem(const F& f) {
  const std::filesystem::path folder = TENON_SHARED_DATA "/planner";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no planner data beside the checkout");
    return false;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    f(path.filename().string(), tn::read_lifetimes(text, std::pmr::new_delete_resource()).buffers);
  }
  return true;
}

double ratio(std::size_t height, const Problem& problem) {
  return static_cast<double>(height) / static_cast<double>(tn::max_live_bytes(problem));
}

}  // namespace

TEST_CASE("the fast solver stays near what is alive at once", "[plan][packing]") {
  for_each_problem([](const std::string& name, const Problem& problem) {
    INFO(name);
    REQUIRE(problem.size() <= most_buffers);
    std::vector<std::size_t> offsets(problem.size());
    const std::size_t greedy = packed(problem, 0, offsets);
    CHECK_FALSE(tn::validate_packing(problem, offsets, greedy));
    const std::size_t height = packed(problem, search, offsets);
    CHECK_FALSE(tn::validate_packing(problem, offsets, height));
    CHECK(height <= greedy);
    CHECK(ratio(height, problem) < 1.4);
  });
}

TEST_CASE("ratios to the max-live bound, as a table", "[.][ratios]") {
  std::printf(
      "| problem | buffers | greedy by size | fast | search, 1,000 nodes "
      "|\n|---|---|---|---|---|\n");
  for_each_problem([](const std::string& name, const Problem& problem) {
    std::vector<std::size_t> offsets(problem.size());
    std::printf("| %s | %zu |", name.substr(0, name.find('.')).c_str(), problem.size());
    const auto cell = [&](const auto& solve) {
      const auto begin = std::chrono::steady_clock::now();
      const std::size_t height = solve();
      const std::chrono::duration<double, std::milli> time =
          std::chrono::steady_clock::now() - begin;
      CHECK_FALSE(tn::validate_packing(problem, offsets, height));
      std::printf(" %.3f (%.2g ms) |", ratio(height, problem), time.count());
      std::fflush(stdout);
    };
    for (const std::size_t tests : {std::size_t{0}, search})
      cell([&] { return packed(problem, tests, offsets); });
    cell([&] {
      return tn::pack_least(problem, offsets, std::pmr::new_delete_resource(), 1000).height;
    });
    std::printf("\n");
  });
}
