#pragma once
// While stages run: which bytes of the workspace AddressSanitizer and Valgrind let them touch.

#include <tenon/plan/slots.hpp>

#include <tenon/memory/poison.hpp>

#include <cstddef>

namespace tenon::detail::inline TENON_MODE {

// Poisons the workspace but for the slots of the stage that runs, whose lives the plan knows: a stage
// that read a slot after its last reader, or before its writer, would be reported. In the end all of
// it is its owner's again. Nothing at all in builds without those tools.
template <class E>
class DeadSlots {
 public:
  DeadSlots([[maybe_unused]] const PlacedSlots<slot_count<E>>& slots,
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
      for_each([&](const Live& slot) {
        if (slot.first == position) unpoison(slot.begin, slot.bytes);
      });
  }
  // After it: the slots that end with it, but for bytes where the stage's own value took their place.
  void leave([[maybe_unused]] int position) const noexcept {
    if constexpr (poisons) {
      for_each([&](const Live& slot) {
        if (slot.last == position) poison(slot.begin, slot.bytes);
      });
      for_each([&](const Live& slot) {
        if (slot.first <= position && position < slot.last)
          unpoison_contents(slot.begin, slot.bytes);
      });
    }
  }

 private:
  struct Live {
    std::byte* begin;
    std::size_t bytes;
    int first, last;
  };
  template <class F>
  void for_each(const F& f) const noexcept {
    if (workspace_ == nullptr) return;
    for (std::size_t i = 0; i < slots_->count; ++i)
      if (slots_->bytes[i] != 0) {
        const SlotLife& life = slot_layout<E>.life[i];
        f(Live{workspace_ + slots_->offset[i], slots_->bytes[i], life.first, life.last});
      }
  }

  const PlacedSlots<slot_count<E>>* slots_ = nullptr;
  std::byte* workspace_ = nullptr;
};

}  // namespace tenon::detail::inline TENON_MODE
