#pragma once
// What a bucketed resource really takes for a planned expression, and having it there beforehand.

#include <tenon/eval/workspace.hpp>
#include <tenon/plan/plan.hpp>

#include <tenon/core/config.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>

namespace tenon::inline TENON_MODE {

// A resource that rounds requests up to blocks of its own, and can make blocks in advance.
// Contract: footprint(n) is the size of the block that serves a request of n bytes; reserve(n, k)
// makes the next k requests of n bytes hits.
template <class R>
concept BucketedResource = MemoryResource<R> && requires(R& resource, std::size_t n) {
  { resource.footprint(n) } -> std::same_as<std::size_t>;
  resource.reserve(n, n);
};

// Formula: footprint of the result + footprint of the workspace, where a part without bytes takes
// nothing: what eval(e, resource) takes from the resource for e of type E, at least
// as many as the plan says. No allocation.
template <StaticallyPlanned E, BucketedResource R>
[[nodiscard]] std::size_t footprint_of(const R& resource) {
  std::size_t sum = 0;
  for (const std::size_t bytes : {plan_of<E>.result_bytes, plan_of<E>.workspace_bytes})
    sum += bytes > 0 ? resource.footprint(bytes) : 0;
  return sum;
}

// Makes the requests of eval(e, resource), for e of type E, hits for the next `results` results that
// live at the same time. The workspace is counted once: it goes back before eval returns.
// Errors: OutOfMemory, as reserve of the resource. Allocations: the blocks that are missing.
template <StaticallyPlanned E, BucketedResource R>
void reserve_for(R& resource, std::size_t results = 1) {
  constexpr std::size_t result = plan_of<E>.result_bytes;
  constexpr std::size_t workspace = plan_of<E>.workspace_bytes;
  if (workspace == 0) return resource.reserve(result, results);
  if (resource.footprint(result) == resource.footprint(workspace))
    return resource.reserve(result, results + 1);
  resource.reserve(result, results);
  resource.reserve(workspace, 1);
}

}  // namespace tenon::inline TENON_MODE
