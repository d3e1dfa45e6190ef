#pragma once
// A team of threads: started once, woken for each loop.

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <atomic>
#include <bit>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

namespace tenon {

// Threads that run the iterations of a loop together with the thread that asks for it.
//   parallel_for(n, f)  calls f(0) … f(n - 1), each once, on any threads, and returns when all have ended
// Allocations: those of std::thread in the constructor; parallel_for has none and starts no thread. A thread
// that finds no work spins for some 50 µs, then sleeps until there is some.
// Memory: the object, less than 1 KiB, and the stacks that the system gives to threads - 1 threads, of which
// evaluation uses some frames of at most 4 KiB.
// An exception of f reaches the caller: the first one, when all threads have left the loop; iterations that
// no thread had begun are left out.
// Thread rules: any thread may call parallel_for. While one call runs, another one, from another thread or
// from within f, runs its iterations on the calling thread alone: slower, the same result, no deadlock.
// Contract: the team outlives its calls. The destructor joins the threads.
// Link with Threads::Threads.
class ThreadTeam {
 public:
  static constexpr int most_threads = 32;

  // `threads` with the caller's own: 1 starts none.
  // Errors: ContractError outside of 1 … most_threads; std::system_error where the system has no more.
  explicit ThreadTeam(int threads) : ThreadTeam(Unstarted{}) {
    if (threads < 1 || threads > most_threads)
      detail::raise<ContractError>("ThreadTeam", "%d threads asked for; a team has 1 to %d",
                                   threads, most_threads);
    for (int i = 1; i < threads; ++i) {
      workers_[i - 1] = std::thread([this, i] { work(i); });
      thread_count_ = i + 1;
    }
  }
  ThreadTeam(const ThreadTeam&) = delete;  // its threads know where it lies
  ThreadTeam& operator=(const ThreadTeam&) = delete;
  ~ThreadTeam() {
    stops_.store(true, std::memory_order_relaxed);
    wake();
    for (int i = 1; i < thread_count_; ++i) workers_[i - 1].join();
  }

  [[nodiscard]] int thread_count() const noexcept { return thread_count_; }

  // Formula: f(i) for 0 <= i < n. noexcept where f is.
  template <class F>
  void parallel_for(index_t n, F&& f) noexcept(std::is_nothrow_invocable_v<F&, index_t>) {
    if (n <= 1 || thread_count_ == 1 || is_busy_.exchange(true, std::memory_order_acquire)) {
      for (index_t i = 0; i < n; ++i) f(i);
      return;
    }
    using Body = std::remove_reference_t<F>;
    job_ = {const_cast<void*>(static_cast<const void*>(std::addressof(f))),
            [](void* body, index_t i) { (*static_cast<Body*>(body))(i); }, n,
            static_cast<int>(n < most_threads ? n : most_threads)};
    run_job();
    if constexpr (std::is_nothrow_invocable_v<F&, index_t>) {
      is_busy_.store(false, std::memory_order_release);
    } else {
      const std::exception_ptr error = std::exchange(error_, nullptr);
      has_failed_.store(false, std::memory_order_relaxed);
      is_busy_.store(false, std::memory_order_release);
      if (error != nullptr) std::rethrow_exception(error);
    }
  }

 private:
  struct Unstarted {};
  explicit ThreadTeam(Unstarted) noexcept {}

  // A loop; its iterations are dealt out as tasks: task t has iterations t, t + tasks, …
  struct Job {
    void* body = nullptr;
    void (*call)(void*, index_t) = nullptr;
    index_t n = 0;
    int tasks = 0;
  };

  // How often a thread looks for work, or for the end of it, before it sleeps.
  static constexpr int most_looks = 2000;

  static void relax() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  // Returns when `value` is no longer `old`.
  static void await_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept {
    for (int look = 0; look < most_looks; ++look) {
      if (value.load(std::memory_order_acquire) != old) return;
      relax();
    }
    value.wait(old, std::memory_order_acquire);
  }

  void wake() noexcept {
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }

  void run_job() noexcept {
    const auto tasks = static_cast<std::uint32_t>(job_.tasks);
    unfinished_.store(tasks, std::memory_order_relaxed);
    const std::uint64_t all = (std::uint64_t{1} << tasks) - 1;
    const std::uint64_t round = round_.load(std::memory_order_relaxed) + 1;
    open_.store(round << 32U | all, std::memory_order_release);
    wake();
    take_tasks(0);
    for (std::uint32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;)
      await_change(unfinished_, left);
  }

  void work(int self) noexcept {
    for (std::uint32_t seen = 0; !stops_.load(std::memory_order_relaxed);) {
      await_change(round_, seen);
      seen = round_.load(std::memory_order_acquire);
      take_tasks(self);
    }
  }

  // Takes tasks until none is open: first the one of one's own number, so that in the next loop the same
  // thread finds the same part of the data in its cache. The job may be read only by who has taken a task of
  // it; it stays until all tasks have ended, and a round that is over is never taken for the next one.
  void take_tasks(int self) noexcept {
    for (std::uint64_t open = open_.load(std::memory_order_acquire); (open & 0xFFFFFFFFU) != 0;) {
      const std::uint64_t own = std::uint64_t{1} << self;
      const std::uint64_t task = (open & own) != 0 ? own : open & (~open + 1);
      if (!open_.compare_exchange_weak(open, open & ~task, std::memory_order_acq_rel,
                                       std::memory_order_acquire))
        continue;
      run_task(std::countr_zero(task));
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_all();
      open = open_.load(std::memory_order_acquire);
    }
  }

  void run_task(int task) noexcept {
#ifdef TENON_NO_EXCEPTIONS
    run_iterations(task);
#else
    try {
      if (!has_failed_.load(std::memory_order_relaxed)) run_iterations(task);
    } catch (...) {
      if (!has_failed_.exchange(true, std::memory_order_acq_rel)) error_ = std::current_exception();
    }
#endif
  }
  void run_iterations(int task) {
    for (index_t i = task; i < job_.n; i += job_.tasks) job_.call(job_.body, i);
  }

  alignas(64) std::atomic<std::uint64_t> open_{0};  // the round above, one bit for each open task
  std::atomic<std::uint32_t> round_{0};
  std::atomic<bool> stops_{false};
  Job job_;
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};
  std::atomic<bool> has_failed_{false};
  std::exception_ptr error_;
  alignas(64) std::atomic<bool> is_busy_{false};
  int thread_count_ = 1;
  std::thread workers_[most_threads - 1];
};

}  // namespace tenon
