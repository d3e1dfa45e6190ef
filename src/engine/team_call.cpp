#include "team_call.hpp"

#include <tenon/core/thread_team.hpp>

namespace tenon::detail {

void run_on_team(ThreadTeam& team, index_t n, void (*f)(void* context, index_t i) noexcept,
                 void* context) noexcept {
  team.parallel_for(n, [&](index_t i) noexcept { f(context, i); });
}

}  // namespace tenon::detail
