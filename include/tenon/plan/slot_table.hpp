#pragma once
// The slots of a plan as lifetimes and offsets: to be checked, exported, or packed by another solver.

#include <tenon/plan/lifetimes.hpp>
#include <tenon/plan/plan.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace tenon::inline TENON_MODE {

// The clock counts stages: a slot that stages first to last use lives in [first, last + 1). Values that take
// each other's place are one slot.
template <int N>
class SlotTable {
 public:
  constexpr explicit SlotTable(const Plan<N>& plan) noexcept {
    for (std::size_t i = 0; i < static_cast<std::size_t>(N); ++i) {
      if (plan.slots.in_place_of[i] < 0) add(plan.slots.value[i], last_in_place(plan, i));
      add(plan.slots.scratch[i], plan.slots.scratch[i].last);
      add(plan.slots.core[i], plan.slots.core[i].last);
    }
  }

  [[nodiscard]] constexpr std::span<const Lifetime> lifetimes() const noexcept {
    return std::span(lifetimes_).first(count_);
  }
  [[nodiscard]] constexpr std::span<const std::size_t> offsets() const noexcept {
    return std::span(offsets_).first(count_);
  }

 private:
  constexpr void add(const Slot& slot, int last) noexcept {
    if (slot.bytes == 0) return;
    lifetimes_[count_] = {slot.first, last + 1, slot.bytes};
    offsets_[count_++] = slot.offset;
  }

  // When the last of the values that lie in the place of value i dies.
  static constexpr int last_in_place(const Plan<N>& plan, std::size_t i) noexcept {
    for (std::size_t next = 0; next < static_cast<std::size_t>(N); ++next)
      if (plan.slots.in_place_of[next] == static_cast<int>(i) && plan.slots.value[next].bytes > 0)
        return last_in_place(plan, next);
    return plan.slots.value[i].last;
  }

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
