#pragma once
// OpenMP as the executor of evaluations. Compile and link with OpenMP (OpenMP::OpenMP_CXX); not part of
// <tenon/tenon.hpp>.

#include <tenon/core/config.hpp>

#include <algorithm>
#include <exception>
#include <type_traits>

#ifdef _OPENMP
#include <omp.h>
#define TENON_DETAIL_OPENMP with_openmp
#else
#define TENON_DETAIL_OPENMP without_openmp
#endif

// Objects compiled with and without OpenMP share no symbol.
namespace tenon::inline TENON_DETAIL_OPENMP {

// Formula: eval(e, res, OpenMp(4)) runs the parts of e in a parallel region of 4 threads.
// Without OpenMP (no -fopenmp) the parts run one after the other on the calling thread: the same bits.
// Allocations: those of the OpenMP runtime, which keeps its threads from one region to the next; a region
// within another one has one thread unless nesting is switched on.
// An exception of a part reaches the caller when all parts have ended; of several, one.
// Thread rules: has no state; any number of callers, each with threads of its own from the runtime.
class OpenMp {
 public:
  // `threads`: 0 is as many as the runtime would use.
  explicit OpenMp(int threads = 0) noexcept : threads_(threads > 0 ? threads : default_threads()) {}
  [[nodiscard]] int thread_count() const noexcept { return threads_; }

  // Formula: f(i) for 0 <= i < n.
  template <class F>
  void parallel_for(index_t n, F&& f) const noexcept(std::is_nothrow_invocable_v<F&, index_t>) {
    [[maybe_unused]] const int threads = static_cast<int>(std::min<index_t>(n, threads_));
    if (threads <= 1) {
      for (index_t i = 0; i < n; ++i) f(i);
      return;
    }
    std::exception_ptr error;
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1) num_threads(threads)
#endif
    for (index_t i = 0; i < n; ++i) run_one(f, i, error);
    if constexpr (!std::is_nothrow_invocable_v<F&, index_t>)
      if (error != nullptr) std::rethrow_exception(error);
  }

 private:
  template <class F>
  static void run_one(F& f, index_t i, [[maybe_unused]] std::exception_ptr& error) noexcept {
#ifndef TENON_NO_EXCEPTIONS
    if constexpr (!std::is_nothrow_invocable_v<F&, index_t>) {
      try {
        f(i);
      } catch (...) {
#ifdef _OPENMP
#pragma omp critical(tenon_openmp_error)
#endif
        error = std::current_exception();
      }
      return;
    }
#endif
    f(i);
  }

  static int default_threads() noexcept {
#ifdef _OPENMP
    return std::max(1, omp_get_max_threads());
#else
    return 1;
#endif
  }

  int threads_;
};

}  // namespace tenon::inline TENON_DETAIL_OPENMP

#undef TENON_DETAIL_OPENMP
