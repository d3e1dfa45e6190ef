// A team of threads: every iteration once, errors, callers at once, nothing allocated or started by a call.

#include "catch.hpp"
#include "heap_trap.hpp"

#include <tenon/core/thread_team.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

using tenon::index_t;
using tenon::ThreadTeam;

namespace {

// How often each iteration of a loop ran.
std::vector<int> counts(ThreadTeam& team, index_t n) {
  std::vector<std::atomic<int>> ran(static_cast<std::size_t>(n));
  team.parallel_for(n, [&](index_t i) { ran[static_cast<std::size_t>(i)].fetch_add(1); });
  return {ran.begin(), ran.end()};
}

std::vector<int> ones(index_t n) { return std::vector<int>(static_cast<std::size_t>(n), 1); }

}  // namespace

TEST_CASE("ThreadTeam: every iteration runs once, for any number of threads") {
  for (const int threads : {1, 2, 3, 7, ThreadTeam::most_threads}) {
    ThreadTeam team(threads);
    CHECK(team.thread_count() == threads);
    for (const index_t n : {0, 1, 2, 3, 31, 32, 33, 1000}) CHECK(counts(team, n) == ones(n));
  }
}

TEST_CASE("ThreadTeam: what an iteration wrote is seen by the caller and by later loops") {
  ThreadTeam team(4);
  std::vector<long> values(8);  // plain memory: ThreadSanitizer watches it
  for (int round = 0; round < 2000; ++round)
    team.parallel_for(8, [&](index_t i) { ++values[static_cast<std::size_t>(i + round) % 8]; });
  CHECK(values == std::vector<long>(8, 2000));
}

TEST_CASE("ThreadTeam: threads that went to sleep are woken") {
  ThreadTeam team(3);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(counts(team, 7) == ones(7));
  }
}

TEST_CASE("ThreadTeam: a team lives and dies without work") {
  for (int i = 0; i < 20; ++i) {
    ThreadTeam team(3);
    if (i % 2 == 0) CHECK(counts(team, 3) == ones(3));
  }
}

TEST_CASE("ThreadTeam: errors of iterations reach the caller") {
  ThreadTeam team(3);
  const auto run = [&](index_t bad) {
    team.parallel_for(24, [&](index_t i) {
      if (i == bad) throw std::runtime_error("iteration");
    });
  };
  for (index_t bad = 0; bad < 24; ++bad) {
    CHECK_THROWS_AS(run(bad), std::runtime_error);
    CHECK(counts(team, 24) == ones(24));  // the team is as it was
  }
  // All of them at once: one arrives.
  CHECK_THROWS_AS(team.parallel_for(24, [](index_t) { throw std::logic_error("each"); }),
                  std::logic_error);
  CHECK(counts(team, 24) == ones(24));

  const auto fine = [](index_t) noexcept {};
  const auto may_throw = [](index_t) {};
  static_assert(noexcept(team.parallel_for(2, fine)));
  static_assert(!noexcept(team.parallel_for(2, may_throw)));
}

TEST_CASE("ThreadTeam: callers at once, and calls from within") {
  ThreadTeam team(2);
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        std::atomic<int> ran = 0;
        team.parallel_for(5, [&](index_t) { ++ran; });
        if (ran != 5) ++wrong;
      }
    });
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);

  std::atomic<int> ran = 0;
  std::atomic<int> elsewhere = 0;
  team.parallel_for(4, [&](index_t) {
    const auto self = std::this_thread::get_id();
    team.parallel_for(3, [&](index_t) {
      ++ran;
      if (std::this_thread::get_id() != self) ++elsewhere;
    });
  });
  CHECK(ran == 12);
  CHECK(elsewhere == 0);  // by the thread that asked
}

TEST_CASE("ThreadTeam: a call allocates nothing and starts no thread") {
  const auto threads = [] {
    std::size_t n = 0;
    const std::filesystem::path tasks("/proc/self/task");
    if (std::filesystem::exists(tasks))
      for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator(tasks)) ++n;
    return n;
  };
  const std::size_t before = threads();
  {
    ThreadTeam team(3);
    std::atomic<int> ran = 0;
    const std::size_t with_team = threads();
    tenon::support::HeapTrap trap(tenon::support::HeapTrap::Scope::process);
    for (int round = 0; round < 100; ++round) team.parallel_for(7, [&](index_t) { ++ran; });
    const auto calls = trap.stop();
    CHECK(calls == 0);
    CHECK(ran == 700);
    CHECK(threads() == with_team);
    CHECK((before == 0 || with_team == before + 2));
  }
  static_assert(sizeof(ThreadTeam) <= 1024);
}

TEST_CASE("ThreadTeam: numbers of threads that it cannot have") {
  for (const int threads : {-1, 0, ThreadTeam::most_threads + 1})
    CHECK_THROWS_AS(ThreadTeam(threads), tenon::ContractError);
}
