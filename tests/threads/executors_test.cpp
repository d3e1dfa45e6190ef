// Executors that are not ours: OpenMP and oneTBB, where they are installed; and any parallel_for.

#include "parallel.hpp"

#include <tenon/eval/openmp.hpp>
#include <tenon/eval/tbb.hpp>

#include <stdexcept>

namespace tn = tenon;
using namespace parallel;

namespace {

template <class Executor>
void check_executor(Executor&& executor) {
  static_assert(tn::Parallel<Executor>);
  for (const index_t n : {0, 1, 2, 7, 100}) {
    std::vector<std::atomic<int>> ran(static_cast<std::size_t>(n));
    executor.parallel_for(n, [&](index_t i) { ++ran[static_cast<std::size_t>(i)]; });
    CHECK(std::vector<int>(ran.begin(), ran.end()) ==
          std::vector<int>(static_cast<std::size_t>(n), 1));
  }
  const auto fails = [](index_t i) {
    if (i == 3) throw std::runtime_error("part");
  };
  CHECK_THROWS_AS(executor.parallel_for(8, fails), std::runtime_error);

  const auto x = some(1, 200, 210), w = some(2, 210, 130);
  const auto e = tn::softmax<-1>(tn::relu(tn::matmul(x, w)));
  tn::PoolAllocator pool;
  const auto expected = tn::eval(e, pool);
  CHECK(tn::array_equal(tn::eval(e, pool, executor), expected));
  auto dst = tn::zeros<float>(tn::shape(200, 130), pool);
  tn::eval_into(dst, e, tn::scratch(pool), executor);
  CHECK(tn::array_equal(dst, expected));
  auto program = tn::prepare(dst, e, tn::scratch(pool), executor);
  program.run();
  CHECK(tn::array_equal(dst, expected));
}

}  // namespace

TEST_CASE("Executors: anything with parallel_for, and a number of threads") {
  Backwards backwards;
  static_assert(!tn::Parallel<Backwards>);  // it does not say how many
  check_executor(tn::threads(backwards, 3));
  tn::ThreadTeam team(2);
  check_executor(team);
  check_executor(tn::threads(team, 5));  // more parts than threads
}

TEST_CASE("Executors: OpenMP") {
#ifdef _OPENMP
  check_executor(tn::OpenMp(2));
  CHECK(tn::OpenMp(3).thread_count() == 3);
  CHECK(tn::OpenMp().thread_count() >= 1);
#else
  WARN("SKIPPED in part: built without OpenMP; the parts run one after the other");
  check_executor(tn::OpenMp(2));
  CHECK(tn::OpenMp().thread_count() == 1);
#endif
}

TEST_CASE("Executors: oneTBB") {
#if TENON_HAS_TBB && defined(TENON_TEST_TBB)
  check_executor(tn::Tbb(2));
  tn::Tbb all;
  CHECK(all.thread_count() >= 1);
  check_executor(all);
#else
  WARN("SKIPPED: oneTBB is not installed (Debian: libtbb-dev)");
#endif
}
