#pragma once
// Which slots the stages of an expression have, and from when to when each is in use.

#include <tenon/plan/packing.hpp>
#include <tenon/plan/stage_bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace tenon::detail::inline TENON_MODE {

// Which slots the stages of an expression have, by number of the stage: numbers of slots, -1 where
// there is none. Follows from the type; lives follow from the order of the stages too.
template <int Stages, int Count>
struct SlotLayout {
  static constexpr auto stages = static_cast<std::size_t>(Stages);
  static constexpr auto count = static_cast<std::size_t>(Count);
  std::array<short, stages> value{};
  std::array<short, stages> scratch{};
  std::array<short, stages> core{};
  std::array<short, stages> in_place_of{};  // the stage whose value's place a value takes
  std::array<short, stages> order{};        // the stages, in the order in which they run
  std::array<SlotLife, count> life{};
};

template <class E>
constexpr bool has_scratch(std::size_t stage) {
  const int core = stage_graph<E>.core[stage];
  if (core < 0) return structure_of<E>.is_region(stage_graph<E>.root[stage]);
  const Kind kind = pattern_records<E>[static_cast<std::size_t>(core)].kind;
  return kind == Kind::contract || kind == Kind::normalize;
}
template <class E>
constexpr bool has_core(std::size_t stage) {
  const int core = stage_graph<E>.core[stage], root = stage_graph<E>.root[stage];
  return core >= 0 && core != root &&
         may_hold_core(pattern_records<E>[static_cast<std::size_t>(core)],
                       pattern_records<E>[static_cast<std::size_t>(root)]);
}
template <class E>
inline constexpr int slot_count = [] {
  int count = 0;
  for (std::size_t s = 0; s < stage_count<E>; ++s)
    count += (stage_graph<E>.root[s] != 0 ? 1 : 0) + (has_scratch<E>(s) ? 1 : 0) +
             (has_core<E>(s) ? 1 : 0);
  return count;
}();

// The slots of the stages run in an order. A value is in use until the last stage that reads it; the
// value of that stage may take its place.
template <class E>
constexpr auto layout_for(const std::array<short, stage_count<E>>& order) {
  constexpr auto& graph = stage_graph<E>;
  constexpr auto none = static_cast<short>(-1);
  const auto at = [](short i) { return static_cast<std::size_t>(i); };
  SlotLayout<structure_of<E>.stages, slot_count<E>> out;
  out.order = order;
  std::array<short, stage_count<E>> position{}, last_reader{};
  for (std::size_t p = 0; p < stage_count<E>; ++p) position[at(order[p])] = static_cast<short>(p);
  for (const StageRead& read : graph.reads)
    last_reader[at(read.value)] = std::max(last_reader[at(read.value)], position[at(read.reader)]);
  short slots = 0;
  for (std::size_t s = 0; s < stage_count<E>; ++s) {
    const auto slot_of = [&](bool is_there) {
      if (!is_there) return none;
      out.life[at(slots)] = {position[s], position[s]};
      return slots++;
    };
    out.value[s] = slot_of(graph.root[s] != 0);
    out.scratch[s] = slot_of(has_scratch<E>(s));
    out.core[s] = slot_of(has_core<E>(s));
    out.in_place_of[s] = none;
    if (out.value[s] >= 0) out.life[at(out.value[s])].last = std::max(position[s], last_reader[s]);
  }
  for (const short stage : order) {
    if (out.value[at(stage)] < 0) continue;
    for (const StageRead& read : graph.reads) {
      if (read.reader != stage || !read.in_place ||
          last_reader[at(read.value)] != position[at(stage)])
        continue;
      out.in_place_of[at(stage)] = read.value;
      out.life[at(out.value[at(read.value)])].last = out.life[at(out.value[at(stage)])].last;
      out.value[at(stage)] = out.value[at(read.value)];
      break;
    }
  }
  return out;
}

}  // namespace tenon::detail::inline TENON_MODE
