#pragma once
// A packing that somebody else found: read from a table, checked, and used in place of Tenon's own.

#include <tenon/plan/lifetimes_reader.hpp>
#include <tenon/plan/slot_table.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace tenon::inline TENON_MODE {

// What a text of at most Capacity rows holds, by value; offsets are empty where it has no such column.
template <std::size_t Capacity>
class FixedLifetimeTable {
 public:
  [[nodiscard]] constexpr std::span<const Lifetime> buffers() const noexcept {
    return std::span(buffers_).first(count_);
  }
  [[nodiscard]] constexpr std::span<const std::size_t> offsets() const noexcept {
    return std::span(offsets_).first(offset_count_);
  }

  // Errors: FormatError beyond Capacity.
  constexpr void add(const Lifetime& life) {
    if (count_ == Capacity)
      detail::raise<FormatError>("lifetimes", "the text has more than %zu buffers", Capacity);
    buffers_[count_++] = life;
  }
  constexpr void add_offset(std::size_t offset) { offsets_[offset_count_++] = offset; }

 private:
  static constexpr std::size_t places = Capacity == 0 ? 1 : Capacity;

  std::array<Lifetime, places> buffers_{};
  std::array<std::size_t, places> offsets_{};
  std::size_t count_ = 0;
  std::size_t offset_count_ = 0;
};

// The table in a text, as read_lifetimes of lifetimes_csv.hpp reads it; also when compiling.
// Errors: FormatError with line and byte. No allocation.
template <std::size_t Capacity>
[[nodiscard]] constexpr FixedLifetimeTable<Capacity> read_lifetimes(std::string_view text) {
  FixedLifetimeTable<Capacity> table;
  detail::LifetimeReader(text, table).read();
  return table;
}

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Functions that are not constexpr: where a table is read when compiling, the compiler names them.
[[noreturn]] TENON_COLD inline void table_has_no_offsets() {
  raise<ContractError>("planned", "the table has no column 'offset'");
}
[[noreturn]] TENON_COLD inline void table_is_of_another_plan(std::size_t buffers,
                                                             std::size_t planned) {
  raise<ContractError>("planned", "the table has %zu buffers, the plan %zu", buffers, planned);
}
[[noreturn]] TENON_COLD inline void buffer_is_of_another_plan(std::size_t i, const Lifetime& got,
                                                              const Lifetime& wanted) {
  raise<ContractError>("planned",
                       "buffer %zu of the table has %zu B in [%td, %td), that of the plan %zu B in "
                       "[%td, %td)",
                       i, got.bytes, got.lower, got.upper, wanted.bytes, wanted.lower,
                       wanted.upper);
}
[[noreturn]] TENON_COLD inline void offset_is_not_aligned(std::size_t i, std::size_t offset) {
  raise<ContractError>("planned", "buffer %zu lies at offset %zu, not at a multiple of %zu", i,
                       offset, workspace_alignment);
}
[[noreturn]] TENON_COLD inline void buffers_share_bytes(std::size_t a, std::size_t b,
                                                        std::size_t at_a, std::size_t at_b) {
  raise<ContractError>("planned",
                       "buffers %zu and %zu are in use at the same time and share bytes: they lie "
                       "at %zu and %zu",
                       a, b, at_a, at_b);
}

constexpr void check_solution(std::span<const Lifetime> buffers,
                              std::span<const std::size_t> offsets,
                              std::span<const Lifetime> planned) {
  if (buffers.size() != planned.size()) table_is_of_another_plan(buffers.size(), planned.size());
  if (offsets.size() != buffers.size()) table_has_no_offsets();
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (!(buffers[i] == planned[i])) buffer_is_of_another_plan(i, buffers[i], planned[i]);
    if (offsets[i] % workspace_alignment != 0) offset_is_not_aligned(i, offsets[i]);
  }
  const auto fault = validate_packing(buffers, offsets, packing_height(buffers, offsets));
  if (fault)
    buffers_share_bytes(fault.first, fault.second, offsets[fault.first], offsets[fault.second]);
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// A plan for the node type E whose slots lie where a table says.
template <class E>
class Planned {
 public:
  // Contract: offsets are those of slot_table, checked.
  constexpr explicit Planned(const Plan<detail::node_count<E>>& plan,
                             std::span<const std::size_t> offsets) noexcept
      : plan_(plan) {
    std::size_t next = 0;
    Slots<detail::node_count<E>>& slots = plan_.slots;
    for (std::size_t i = 0; i < slots.count; ++i)
      for (Slot* slot : {&slots.value[i], &slots.scratch[i], &slots.core[i]}) {
        if (slot->bytes == 0 || (slot == &slots.value[i] && slots.in_place_of[i] >= 0)) continue;
        slot->offset = offsets[next++];
        const std::size_t end = slot->offset + slot->bytes;
        height_ = end > height_ ? end : height_;
      }
    for (const int root : detail::stage_order<E>) {  // a value whose place is taken comes first
      const auto i = static_cast<std::size_t>(root);
      if (slots.in_place_of[i] >= 0)
        slots.value[i].offset = slots.value[static_cast<std::size_t>(slots.in_place_of[i])].offset;
    }
    plan_.slots.workspace_bytes = plan_.workspace_bytes = height_;
    const std::size_t aligned = align_up(plan_.result_bytes, workspace_alignment);
    plan_.peak_bytes = aligned + height_;
    plan_.workspace_bytes_if_aliased = align_up(height_, workspace_alignment) + plan_.result_bytes;
    placed_ = detail::slots_by_number<E>(slots);
  }

  // The whole plan, to be asked and drawn.
  [[nodiscard]] constexpr const Plan<detail::node_count<E>>& plan() const noexcept { return plan_; }

  // What evaluation needs of it.
  [[nodiscard]] constexpr const auto& placed() const noexcept { return placed_; }

 private:
  Plan<detail::node_count<E>> plan_;
  detail::PlacedSlots<detail::slot_count<E>> placed_;
  std::size_t height_ = 0;
};

// Formula: the plan of E with the offsets of a table: the one that write_lifetimes writes of
// slot_table(plan_of<E>), with a column `offset` that another solver filled in, its rows in the same order.
// eval_into(dst, e, scratch(res), planned<E>(text)) evaluates with it. A constant where text is one.
// Errors: FormatError for what is no table; ContractError with the numbers where it is one of another
// plan, an offset is no multiple of 64, or two buffers share bytes. When compiling, the compiler
// names the function that reports it. No allocation.
template <StaticallyPlanned E>
[[nodiscard]] constexpr auto planned(std::string_view text) {
  const auto slots = slot_table(plan_of<E>);
  const auto table = read_lifetimes<3 * plan_of<E>.slots.count>(text);
  detail::check_solution(table.buffers(), table.offsets(), slots.lifetimes());
  return Planned<detail::planned_t<E>>(plan_of<E>, table.offsets());
}
template <StaticallyPlanned E>
[[nodiscard]] constexpr auto planned(const E&, std::string_view text) {
  return planned<const E&>(text);
}

}  // namespace tenon::inline TENON_MODE
