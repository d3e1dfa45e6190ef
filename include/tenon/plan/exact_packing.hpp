#pragma once
// Offsets for buffers by search: whether they fit a capacity, and the least capacity that they fit.

#include <tenon/plan/lifetimes.hpp>
#include <tenon/plan/packing_search.hpp>

#include <tenon/core/config.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <numeric>
#include <span>

namespace tenon::inline TENON_MODE {

// Enough for every instance of the MiniMalloc corpus; some seconds at most.
inline constexpr std::uint64_t default_packing_nodes = 20'000'000;

// Offsets of buffers below `capacity`, such that no two that are in use together share a byte.
// Post, where found: !validate_packing(buffers, offsets, capacity).
// `offsets` is unchanged where none is found. Working memory, O(n² + sections · n) in the worst case,
// comes from `resource` and is given back. Cost: exponential in the worst case; the search ends after
// most_nodes steps. Deterministic: no clock.
// Contract: offsets.size() == buffers.size(); lower < upper; bytes + capacity fit std::size_t.
// Errors: what the resource raises.
[[nodiscard]] inline PackingAnswer pack_below(std::span<const Lifetime> buffers,
                                              std::size_t capacity, std::span<std::size_t> offsets,
                                              std::pmr::memory_resource* resource,
                                              std::uint64_t most_nodes = default_packing_nodes) {
  return detail::ExactPacker(buffers, resource).solve(capacity, most_nodes, offsets);
}

// The height of the packing that was found, and whether no lower one exists.
struct LeastPacking {
  std::size_t height = 0;
  std::size_t lower_bound = 0;  // proven: every packing is at least this high
  std::uint64_t steps = 0;      // of all searches together
  [[nodiscard]] constexpr bool is_least() const noexcept { return height == lower_bound; }
};

// Offsets of least height, by bisection between max_live_bytes and the sum of all buffers.
// Post: !validate_packing(buffers, offsets, height). Each of the searches ends after most_nodes steps;
// where one does, height and lower_bound enclose the least height. Otherwise as pack_below.
[[nodiscard]] inline LeastPacking pack_least(std::span<const Lifetime> buffers,
                                             std::span<std::size_t> offsets,
                                             std::pmr::memory_resource* resource,
                                             std::uint64_t most_nodes = default_packing_nodes) {
  std::size_t unit = 0, sum = 0;  // heights are sums of sizes, so multiples of their divisor
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    offsets[i] = sum;
    sum += buffers[i].bytes;
    unit = std::gcd(unit, buffers[i].bytes);
  }
  LeastPacking result{sum, max_live_bytes(buffers)};
  if (unit == 0) return result;
  detail::ExactPacker packer(buffers, resource);
  std::size_t candidate = result.lower_bound;  // mostly it is reached
  std::size_t untried = result.lower_bound;    // below it lie only heights that were not found
  while (untried < result.height) {
    const PackingAnswer answer = packer.solve(candidate, most_nodes, offsets);
    if (answer == PackingAnswer::found) {
      result.height = packing_height(buffers, offsets);
    } else {
      if (answer == PackingAnswer::impossible && result.lower_bound == untried)
        result.lower_bound = candidate + unit;
      untried = candidate + unit;
    }
    candidate = untried + (result.height - untried) / unit / 2 * unit;
  }
  result.steps = packer.steps();
  return result;
}

}  // namespace tenon::inline TENON_MODE
