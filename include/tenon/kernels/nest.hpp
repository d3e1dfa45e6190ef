#pragma once
// Loop nests: how deep they are, and how many lanes their innermost loop takes at a time.

#include <tenon/core/config.hpp>
#include <tenon/simd/pack.hpp>

#include <array>
#include <cstddef>

namespace tenon::inline TENON_MODE::kernels {

// A loop nest after axes of extent 1 are dropped and neighbours that every cursor can walk in one
// stride are merged: loop i of `depth` has extents[i] and the strides of axis source[i].
template <int R>
struct Nest {
  int depth = 0;
  std::array<index_t, static_cast<std::size_t>(R == 0 ? 1 : R)> extents{};
  std::array<int, static_cast<std::size_t>(R == 0 ? 1 : R)> source{};
};

// Formula: the loops over `extents` without those of extent 1, neighbours merged where `mergeable`
// (outer axis, inner axis, inner extent) says so.
template <std::size_t R, class Mergeable>
[[nodiscard]] constexpr auto merge_loops(const std::array<index_t, R>& extents,
                                         const Mergeable& mergeable) {
  Nest<static_cast<int>(R)> reversed;
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  for (std::size_t i = R; i-- > 0;) {
    if (extents[i] == 1) continue;
    const int axis = static_cast<int>(i);
    if (reversed.depth > 0) {
      const auto last = at(reversed.depth - 1);
      if (mergeable(axis, reversed.source[last], reversed.extents[last])) {
        reversed.extents[last] *= extents[i];
        continue;
      }
    }
    reversed.extents[at(reversed.depth)] = extents[i];
    reversed.source[at(reversed.depth)] = axis;
    ++reversed.depth;
  }
  auto nest = reversed;
  for (int i = 0; i < reversed.depth; ++i) {
    nest.extents[at(i)] = reversed.extents[at(reversed.depth - 1 - i)];
    nest.source[at(i)] = reversed.source[at(reversed.depth - 1 - i)];
  }
  return nest;
}

// The lanes of a loop over elements of these sizes: what one register holds of 4-byte elements where
// any are about, else of 8-byte elements.
template <unsigned ElementSizes>
inline constexpr int lanes_for =
    (ElementSizes & 4U) != 0 || (ElementSizes & 8U) == 0 ? simd::native_lanes<float>
                                                         : simd::native_lanes<double>;

}  // namespace tenon::inline TENON_MODE::kernels
