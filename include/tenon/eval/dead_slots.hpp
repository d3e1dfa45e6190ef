#pragma once
// While stages run: which bytes of the workspace AddressSanitizer and Valgrind let them touch.

#include <tenon/plan/slots.hpp>

#include <tenon/memory/poison.hpp>

#include <cstddef>

namespace tenon::detail::inline TENON_MODE {

// Poisons the workspace but for the slots of the stage that runs, whose lives the plan knows: a stage
// that read a slot after its last reader, or before its writer, would be reported. In the end all of
// it is its owner's again. Nothing at all in builds without those tools.
template <class SlotTable>
class DeadSlots {
 public:
  DeadSlots([[maybe_unused]] const SlotTable& slots,
            [[maybe_unused]] std::byte* workspace) noexcept {
    if constexpr (poisons) {
      slots_ = &slots;
      workspace_ = workspace;
      if (workspace != nullptr) poison(workspace, slots.workspace_bytes);
    }
  }
  DeadSlots(const DeadSlots&) = delete;  // one owner gives the workspace back
  DeadSlots& operator=(const DeadSlots&) = delete;
  ~DeadSlots() {
    if constexpr (poisons)
      if (workspace_ != nullptr) unpoison_contents(workspace_, slots_->workspace_bytes);
  }

  // Before stage `position` of the order: the slots that begin with it.
  void enter([[maybe_unused]] int position) const noexcept {
    if constexpr (poisons)
      for_each([&](const Slot& slot) {
        if (slot.first == position) unpoison(workspace_ + slot.offset, slot.bytes);
      });
  }
  // After it: the slots that end with it, but for bytes where the stage's own value took their place.
  void leave([[maybe_unused]] int position) const noexcept {
    if constexpr (poisons) {
      for_each([&](const Slot& slot) {
        if (slot.last == position) poison(workspace_ + slot.offset, slot.bytes);
      });
      for_each([&](const Slot& slot) {
        if (slot.first <= position && position < slot.last)
          unpoison_contents(workspace_ + slot.offset, slot.bytes);
      });
    }
  }

 private:
  template <class F>
  void for_each(const F& f) const noexcept {
    if (workspace_ == nullptr) return;
    for (std::size_t i = 0; i < SlotTable::count; ++i)
      for (const Slot* slot : {&slots_->value[i], &slots_->scratch[i], &slots_->core[i]})
        if (slot->bytes != 0) f(*slot);
  }

  const SlotTable* slots_ = nullptr;
  std::byte* workspace_ = nullptr;
};

}  // namespace tenon::detail::inline TENON_MODE
