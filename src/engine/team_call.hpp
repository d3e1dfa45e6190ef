#pragma once
// The team of a call as kernels see it.

#include <tenon/core/config.hpp>

#include <memory>
#include <type_traits>

namespace tenon {
class ThreadTeam;
}

namespace tenon::detail {

// Formula: f(context, i) for 0 <= i < n, on the team.
// Defined outside of the objects of an instruction set: threads wait and wake each other by static data of the
// standard library's inline functions, and those objects have copies of it of their own.
void run_on_team(ThreadTeam& team, index_t n, void (*f)(void* context, index_t i) noexcept,
                 void* context) noexcept;

// An executor of the library's evaluation.
class TeamCall {
 public:
  TeamCall(ThreadTeam& team, int threads) noexcept : team_(team), threads_(threads) {}

  [[nodiscard]] int thread_count() const noexcept { return threads_; }
  template <class F>
  void parallel_for(index_t n, F&& f) const noexcept {
    using Function = std::remove_cvref_t<F>;
    run_on_team(
        team_, n, [](void* context, index_t i) noexcept { (*static_cast<Function*>(context))(i); },
        const_cast<Function*>(std::addressof(f)));
  }

 private:
  ThreadTeam& team_;
  int threads_;
};

}  // namespace tenon::detail
