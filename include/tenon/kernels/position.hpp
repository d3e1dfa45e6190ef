#pragma once
// Where a kernel reads, and what it knows by name while it reads.

#include <tenon/core/config.hpp>

#include <type_traits>

namespace tenon::inline TENON_MODE::kernels {

// Where a pack begins: indices along the last two axes, and the number of lanes in a partial pack.
struct Position {
  index_t row = 0;
  index_t col = 0;
  int count = 0;
};

// The environment of a read: packs by name, innermost first.
struct EmptyEnvironment {
  static constexpr bool by_strides = false;
};

// The same where guesses of the memory order do not hold: every read looks at its strides.
struct StridedEnvironment {
  static constexpr bool by_strides = true;
};

template <class Tag, class Value, class Outer>
struct Binding {
  static constexpr bool by_strides = Outer::by_strides;
  Value value;
  Outer outer;
};

template <class Tag, class Value, class Outer>
[[nodiscard]] TENON_INLINE constexpr auto bind(const Value& value, const Outer& outer) {
  return Binding<Tag, Value, Outer>{value, outer};
}

template <class Tag, class BoundTag, class Value, class Outer>
[[nodiscard]] TENON_INLINE constexpr const auto& lookup(
    const Binding<BoundTag, Value, Outer>& environment) {
  if constexpr (std::is_same_v<Tag, BoundTag>)
    return environment.value;
  else
    return lookup<Tag>(environment.outer);
}

}  // namespace tenon::inline TENON_MODE::kernels
