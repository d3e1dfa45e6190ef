#pragma once
// The slots of a plan as lifetimes and offsets: to be checked, exported, or packed by another solver.

#include <tenon/plan/lifetimes.hpp>
#include <tenon/plan/plan.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace tenon::inline TENON_MODE {

// The clock counts stages: a slot that stages first to last use lives in [first, last + 1).
template <int N>
class SlotTable {
 public:
  constexpr explicit SlotTable(const Plan<N>& plan) noexcept {
    for (std::size_t i = 0; i < static_cast<std::size_t>(N); ++i)
      for (const Slot* slot : {&plan.slots.value[i], &plan.slots.scratch[i], &plan.slots.core[i]}) {
        if (slot->bytes == 0) continue;
        lifetimes_[count_] = {slot->first, slot->last + 1, slot->bytes};
        offsets_[count_++] = slot->offset;
      }
  }

  [[nodiscard]] constexpr std::span<const Lifetime> lifetimes() const noexcept {
    return std::span(lifetimes_).first(count_);
  }
  [[nodiscard]] constexpr std::span<const std::size_t> offsets() const noexcept {
    return std::span(offsets_).first(count_);
  }

 private:
  static constexpr auto capacity = 3 * static_cast<std::size_t>(N);

  std::array<Lifetime, capacity> lifetimes_{};
  std::array<std::size_t, capacity> offsets_{};
  std::size_t count_ = 0;
};

// Formula: the slots of a plan that have bytes. No allocation; constexpr. Post, for every plan:
// !validate_packing(t.lifetimes(), t.offsets(), plan.workspace_bytes), and no byte is spared:
// packing_height(t.lifetimes(), t.offsets()) == plan.workspace_bytes.
template <int N>
[[nodiscard]] constexpr SlotTable<N> slot_table(const Plan<N>& plan) noexcept {
  return SlotTable<N>(plan);
}

}  // namespace tenon::inline TENON_MODE
