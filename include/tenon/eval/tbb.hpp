#pragma once
// oneTBB as the executor of evaluations. Needs oneTBB's headers and TBB::tbb; not part of <tenon/tenon.hpp>.
// Without those headers this one is empty, and TENON_HAS_TBB is 0.

#include <tenon/core/config.hpp>

#if __has_include(<oneapi/tbb/parallel_for.h>)
#define TENON_HAS_TBB 1
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>
#else
#define TENON_HAS_TBB 0
#endif

#if TENON_HAS_TBB

namespace tenon {

// Formula: eval(e, res, Tbb(4)) cuts e for 4 threads and runs its parts in an arena of oneTBB of at most 4.
// Allocations: those of oneTBB, which has tasks on a heap of its own and keeps its threads.
// An exception of a part reaches the caller; parts that had not begun may be left out.
// Thread rules: any number of callers share the arena; calls from within a part are fine.
class Tbb {
 public:
  // `threads`: 0 is as many as oneTBB would use.
  explicit Tbb(int threads = 0)
      : arena_(threads > 0 ? threads : static_cast<int>(tbb::task_arena::automatic)),
        threads_(threads > 0 ? threads : tbb::this_task_arena::max_concurrency()) {}
  [[nodiscard]] int thread_count() const noexcept { return threads_; }

  // Formula: f(i) for 0 <= i < n.
  template <class F>
  void parallel_for(index_t n, F&& f) {
    arena_.execute([&] {
      tbb::parallel_for(index_t{0}, n, [&f](index_t i) { f(i); }, tbb::simple_partitioner{});
    });
  }

 private:
  tbb::task_arena arena_;
  int threads_;
};

}  // namespace tenon

#endif
