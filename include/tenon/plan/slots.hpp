#pragma once
// Where the slots of a plan lie, and in which order its stages run.

#include <tenon/plan/graph_order.hpp>
#include <tenon/plan/slot_layout.hpp>
#include <tenon/plan/window.hpp>

namespace tenon::inline TENON_MODE {

// A piece of the workspace: bytes at a multiple of 64, in use from stage `first` to stage `last` (positions
// in the order of stages, both included).
struct Slot {
  std::size_t offset = 0;
  std::size_t bytes = 0;
  int first = 0;
  int last = 0;
};

// The slots of a plan, by node: what a stored node occupies (`value`), what its kernel needs while it
// runs (`scratch`: packing panels, row buffers), and where a core waits whose shape turned out at
// run time to be stretched by its epilogue (`core`). A value may take the place of one that its stage
// is the last to read: then both have one offset, and the first ends where the second begins.
template <int N>
struct Slots {
  static constexpr auto count = static_cast<std::size_t>(N);
  std::array<Slot, count> value{};
  std::array<Slot, count> scratch{};
  std::array<Slot, count> core{};
  std::array<int, count> in_place_of{};  // of a stored node: the node whose place it takes, or -1
  std::array<int, count> order{};        // stage roots in the order in which they run
  std::size_t workspace_bytes = 0;
  std::size_t lower_bound_bytes = 0;  // no packing of these slots is lower
  std::size_t order_bound_bytes = 0;  // no order of these stages can do with less
  std::size_t result_bytes = 0;
  int temporaries = 0;  // stored nodes beside the result
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Where the slots of a layout lie, by number of the slot. Those that nothing uses have no bytes.
template <int Count>
struct PlacedSlots {
  static constexpr auto count = static_cast<std::size_t>(Count);
  std::array<std::size_t, count> bytes{};
  std::array<std::size_t, count> offset{};
  std::size_t workspace_bytes = 0;
  std::size_t lower_bound_bytes = 0;
};

template <class Layout, class Placed>
constexpr void set_stage_bytes(Placed& placed, const Layout& layout, std::size_t stage,
                               const StageBytes& bytes) {
  const auto set = [&](short slot, std::size_t needed) {
    if (slot < 0) return;
    std::size_t& all = placed.bytes[static_cast<std::size_t>(slot)];
    all = std::max(all, needed);
  };
  set(layout.value[stage], bytes.value);
  set(layout.scratch[stage], bytes.scratch);
  set(layout.core[stage], bytes.core);
}

template <class Layout, class Placed>
[[gnu::noinline]] constexpr void pack_slots(Placed& placed, const Layout& layout,
                                            std::size_t most_tests) {
  const SlotPacker<Placed::count> packer(layout.life, placed.bytes, workspace_alignment,
                                         most_tests);
  for (std::size_t i = 0; i < Placed::count; ++i) placed.offset[i] = packer.offset(i);
  placed.workspace_bytes = packer.height();
  placed.lower_bound_bytes = packer.lower_bound();
}

// Offsets for the bytes that are there.
template <class Layout, class Placed>
TENON_INLINE constexpr void place(Placed& placed, const Layout& layout, std::size_t most_tests) {
  if constexpr (Placed::count == 1)  // at the start; there is nothing to pack
    placed.workspace_bytes = placed.lower_bound_bytes = placed.bytes[0];
  else
    pack_slots(placed, layout, most_tests);
}

// What the search for a packing may cost, in comparisons of two slots: within the default limits of
// compilers; and a few microseconds when a plan is made at run time.
inline constexpr std::size_t static_packing_tests = 30'000;
inline constexpr std::size_t run_time_packing_tests = 2'000;

template <class E, const auto& Layout>
consteval auto place_static() {
  PlacedSlots<slot_count<E>> placed;
  for (std::size_t s = 0; s < stage_count<E>; ++s)
    set_stage_bytes(placed, Layout, s, static_stage_bytes<E>[s]);
  place(placed, Layout, static_packing_tests);
  return placed;
}

// Stages in the order of the tree.
template <class E>
inline constexpr auto tree_layout = [] {
  std::array<short, stage_count<E>> order{};
  for (std::size_t s = 0; s < order.size(); ++s) order[s] = static_cast<short>(s);
  return layout_for<E>(order);
}();
template <class E>
inline constexpr auto tree_slots = place_static<E, tree_layout<E>>();

// The stages of a tree, whose operands come before their readers, each subtree in one piece.
template <std::size_t N>
constexpr auto subtrees_in_one_piece(const std::array<StageNeed, N>& needs) {
  std::array<std::size_t, N> size{}, end{}, order{};
  for (std::size_t s = 0; s < N; ++s) {
    ++size[s];
    if (needs[s].parent >= 0) size[static_cast<std::size_t>(needs[s].parent)] += size[s];
  }
  std::size_t all = N;
  for (std::size_t s = N; s-- > 0;) {  // readers first: each subtree ends where what is free ends
    std::size_t& free = needs[s].parent < 0 ? all : end[static_cast<std::size_t>(needs[s].parent)];
    order[free - 1] = s;
    end[s] = free - 1;
    free -= size[s];
  }
  return order;
}

// Formula: max over stages of what the stage takes when nothing is alive but its operands, its value and
// its kernel's bytes. No order of the stages can do with less. bytes(s): the StageBytes of stage s.
template <class Graph, class Bytes>
[[nodiscard]] constexpr std::size_t bound_of_any_order(const Graph& graph, const Bytes& bytes) {
  std::size_t most = 0;
  for (std::size_t s = 0; s < Graph::stages; ++s) {
    std::size_t sum = 0, padding = 0;
    const auto add = [&](std::size_t size) {
      const std::size_t aligned = align_up(size, workspace_alignment);
      sum += aligned;
      padding = std::max(padding, aligned - size);
    };
    const StageBytes own = bytes(s);
    bool in_place = false;
    for (const StageRead& read : graph.reads)
      if (read.reader == static_cast<short>(s)) {
        add(bytes(static_cast<std::size_t>(read.value)).value);
        in_place = in_place || read.in_place;
      }
    if (!in_place) add(own.value);
    add(own.scratch);
    add(own.core);
    most = std::max(most, sum - padding);
  }
  return most;
}

// Stages in the order in which least is alive at any time, and the peak of it in multiples of 64.
template <std::size_t Stages>
struct LeastOrder {
  std::array<short, Stages> order{};
  std::size_t peak_bound = 0;  // proven: no order has a lower peak
};

// How long the search for the order of a graph may be, in stages looked at, and how deep: within the
// default limits of compilers.
inline constexpr std::size_t most_order_steps = 3'000;
inline constexpr std::size_t most_searched_stages = 100;

template <class E>
consteval auto make_least_order() {
  constexpr auto& graph = stage_graph<E>;
  constexpr std::size_t count = stage_count<E>;
  LeastOrder<count> out;
  std::array<StageNeed, count> needs{};
  for (std::size_t s = 0; s < count; ++s) {
    const auto aligned = [](std::size_t bytes) { return align_up(bytes, workspace_alignment); };
    const StageBytes& bytes = static_stage_bytes<E>[s];
    needs[s] = {-1, aligned(bytes.value), aligned(bytes.scratch) + aligned(bytes.core)};
  }
  if constexpr (graph.is_tree) {
    for (const StageRead& read : graph.reads) {
      const auto reader = static_cast<std::size_t>(read.reader);
      needs[static_cast<std::size_t>(read.value)].parent = read.reader;
      if (read.in_place) needs[reader].in_place = needs[reader].value;
    }
    const auto postorder = subtrees_in_one_piece(needs);
    std::array<int, count> position{};
    for (std::size_t p = 0; p < count; ++p) position[postorder[p]] = static_cast<int>(p);
    std::array<StageNeed, count> sorted{};
    for (std::size_t p = 0; p < count; ++p) {
      sorted[p] = needs[postorder[p]];
      if (sorted[p].parent >= 0)
        sorted[p].parent = position[static_cast<std::size_t>(sorted[p].parent)];
    }
    const TreeOrder<count> best(sorted);
    for (std::size_t p = 0; p < count; ++p)
      out.order[p] = static_cast<short>(postorder[static_cast<std::size_t>(best.order()[p])]);
    out.peak_bound = best.peak();
  } else {
    const GraphOrder<count, graph.reads.size()> best(
        needs, graph.reads, count <= most_searched_stages ? most_order_steps : 0);
    out.order = best.order();
    out.peak_bound = best.lower_bound();
  }
  return out;
}
template <class E>
inline constexpr auto least_order = make_least_order<E>();
template <class E>
inline constexpr auto least_peak_layout = layout_for<E>(least_order<E>.order);
template <class E>
inline constexpr auto least_peak_slots = place_static<E, least_peak_layout<E>>();

template <class E>
inline constexpr std::size_t static_bound_of_any_order =
    bound_of_any_order(stage_graph<E>, [](std::size_t s) { return static_stage_bytes<E>[s]; });

// Only a plan that is a constant may reorder its stages: the code that runs them is compiled for one
// order. Where the order of the tree takes what every order takes, there is nothing to look for.
template <class E>
inline constexpr bool may_reorder = [] {
  if constexpr (!planned_when_compiling<E> || stage_count<E> <= 2)
    return false;
  else
    return tree_slots<E>.workspace_bytes > static_bound_of_any_order<E>;
}();
template <class E>
inline constexpr bool is_reordered = [] {
  if constexpr (may_reorder<E>)
    return least_peak_slots<E>.workspace_bytes < tree_slots<E>.workspace_bytes;
  else
    return false;
}();

// What is proven of every order of the stages: bytes by number of the stage, as planned.
template <class E, class Bytes>
[[nodiscard]] constexpr std::size_t order_bound(const Bytes& bytes) {
  const std::size_t alone = bound_of_any_order(stage_graph<E>, bytes);
  if constexpr (may_reorder<E>)  // a peak is in multiples of 64, a workspace may end before one
    return std::max(alone, least_order<E>.peak_bound -
                               std::min(least_order<E>.peak_bound, workspace_alignment - 1));
  else
    return alone;
}

// The slots of an expression type and their lives.
template <class E>
consteval const auto& chosen_layout() {
  if constexpr (is_reordered<E>)
    return least_peak_layout<E>;
  else
    return tree_layout<E>;
}
template <class E>
inline constexpr const auto& slot_layout = chosen_layout<E>();

// The places of the slots where all extents are static or bounded.
template <class E>
consteval const auto& chosen_slots() {
  if constexpr (is_reordered<E>)
    return least_peak_slots<E>;
  else
    return tree_slots<E>;
}
template <class E>
inline constexpr const auto& static_slots = chosen_slots<E>();

template <class E>
consteval std::size_t static_workspace_bytes() {
  return static_slots<E>.workspace_bytes;
}

template <class E>
[[nodiscard]] TENON_INLINE constexpr auto plan_slots_now(const E& e, bool rows_may_shrink = false);

// The slots of the block of the region with root Root, for all blocks of it. No allocation.
template <int Root, class E>
[[nodiscard, gnu::noinline]] constexpr auto plan_block_now(const E& e) {
  if constexpr (planned_when_compiling<cut_t<Root, E>>) {
    return PlacedSlots<0>{};  // they are constants
  } else {
    const auto block = first_block<Root>(e);
    return plan_slots_now(cut<Root>(e, HoistedValues<void>{}, block), block.count < block.rows);
  }
}

// Slots placed at run time, and with them those of the blocks of regions.
template <class E, int Root>
struct BlockSlots {
  constexpr explicit BlockSlots(const E& e) : slots(plan_block_now<Root>(e)) {}
  decltype(plan_block_now<Root>(std::declval<const E&>())) slots;
};
template <class E, class Roots = std::make_index_sequence<region_roots<E>.size()>>
struct SlotsNow;
template <class E, std::size_t... R>
struct SlotsNow<E, std::index_sequence<R...>> : PlacedSlots<slot_count<E>>,
                                                BlockSlots<E, region_roots<E>[R]>... {
  constexpr explicit SlotsNow([[maybe_unused]] const E& e)
      : BlockSlots<E, region_roots<E>[R]>(e)... {}
};

// The slots of a block of the region with root Root: constants, or made with those of the whole.
template <class E, int Root, class Placed>
[[nodiscard]] constexpr const auto& slots_of_block(const Placed& placed) {
  using Block = cut_t<Root, E>;
  if constexpr (planned_when_compiling<Block>) {
    return static_slots<Block>;
  } else {
    return static_cast<const BlockSlots<E, Root>&>(placed).slots;
  }
}

template <std::size_t Stage, class E>
TENON_INLINE constexpr void set_stage_bytes_now(SlotsNow<E>& placed, const E& e,
                                                bool rows_may_shrink) {
  constexpr int root = stage_graph<E>.root[Stage];
  StageBytes bytes = stage_bytes_now<root>(e, rows_may_shrink);
  if constexpr (structure_of<E>.is_region(root))
    bytes.scratch = slots_of_block<E, root>(placed).workspace_bytes;
  set_stage_bytes(placed, slot_layout<E>, Stage, bytes);
}

// A frame of its own: one with the extents of all stages would be large.
template <std::size_t Stage, class E>
[[gnu::noinline]] constexpr void set_stage_bytes_apart(SlotsNow<E>& placed, const E& e,
                                                       bool rows_may_shrink) {
  set_stage_bytes_now<Stage>(placed, e, rows_may_shrink);
}

// The places of the slots for the extents that e has now. `rows_may_shrink`: e is a block of rows, and
// the last of the blocks is smaller. No allocation.
template <class E>
[[nodiscard]] TENON_INLINE constexpr auto plan_slots_now(const E& e, bool rows_may_shrink) {
  SlotsNow<E> placed(e);
  if constexpr (stage_count<E> == 1) {
    set_stage_bytes_now<0>(placed, e, rows_may_shrink);
  } else {
    [&]<std::size_t... S>(std::index_sequence<S...>) {
      (set_stage_bytes_apart<S>(placed, e, rows_may_shrink), ...);
    }(std::make_index_sequence<stage_count<E>>{});
  }
  place(placed, slot_layout<E>, run_time_packing_tests);
  return placed;
}
template <class E>
[[nodiscard]] TENON_INLINE constexpr auto slots_for(const E& e) {
  if constexpr (planned_when_compiling<E>)
    return static_slots<E>;
  else
    return plan_slots_now(e);
}

// The number of a slot of the stage of node `root`: of its value, of its scratch, of its core.
template <class E>
consteval std::size_t value_slot(int root) {
  return static_cast<std::size_t>(slot_layout<E>.value[stage_number<E>(root)]);
}
template <class E>
consteval std::size_t scratch_slot(int root) {
  return static_cast<std::size_t>(slot_layout<E>.scratch[stage_number<E>(root)]);
}
template <class E>
consteval std::size_t core_slot(int root) {
  return static_cast<std::size_t>(slot_layout<E>.core[stage_number<E>(root)]);
}

// The slots of E by node.
template <class E>
[[nodiscard]] constexpr auto slots_by_node(const PlacedSlots<slot_count<E>>& placed,
                                           std::size_t result_bytes) {
  constexpr auto& layout = slot_layout<E>;
  constexpr auto& graph = stage_graph<E>;
  Slots<node_count<E>> out;
  out.in_place_of.fill(-1);
  std::array<short, stage_count<E>> position{};
  for (std::size_t p = 0; p < stage_count<E>; ++p) {
    position[static_cast<std::size_t>(layout.order[p])] = static_cast<short>(p);
    out.order[p] = graph.root[static_cast<std::size_t>(layout.order[p])];
  }
  for (std::size_t s = 0; s < stage_count<E>; ++s) {
    const auto root = static_cast<std::size_t>(graph.root[s]);
    const auto slot = [&](short number) -> Slot {
      if (number < 0) return {};
      const auto i = static_cast<std::size_t>(number);
      return {placed.offset[i], placed.bytes[i], layout.life[i].first, layout.life[i].last};
    };
    out.value[root] = slot(layout.value[s]);
    out.scratch[root] = slot(layout.scratch[s]);
    out.core[root] = slot(layout.core[s]);
    out.value[root].first = position[s];
  }
  for (std::size_t s = 0; s < stage_count<E>; ++s) {
    if (layout.in_place_of[s] < 0) continue;
    const int before = graph.root[static_cast<std::size_t>(layout.in_place_of[s])];
    out.in_place_of[static_cast<std::size_t>(graph.root[s])] = before;
    out.value[static_cast<std::size_t>(before)].last = position[s];
  }
  out.workspace_bytes = placed.workspace_bytes;
  out.lower_bound_bytes = placed.lower_bound_bytes;
  out.order_bound_bytes = order_bound<E>([&](std::size_t stage) {
    const auto root = static_cast<std::size_t>(graph.root[stage]);
    return StageBytes{out.value[root].bytes, out.scratch[root].bytes, out.core[root].bytes};
  });
  out.result_bytes = result_bytes;
  out.temporaries = structure_of<E>.stages - 1;
  return out;
}

// The same by number of the slot, from slots by node.
template <class E>
[[nodiscard]] constexpr auto slots_by_number(const Slots<node_count<E>>& slots) {
  constexpr auto& layout = slot_layout<E>;
  PlacedSlots<slot_count<E>> out;
  const auto set = [&](short number, const Slot& slot) {
    if (number < 0) return;
    out.bytes[static_cast<std::size_t>(number)] = slot.bytes;
    out.offset[static_cast<std::size_t>(number)] = slot.offset;
  };
  for (std::size_t s = 0; s < stage_count<E>; ++s) {
    const auto root = static_cast<std::size_t>(stage_graph<E>.root[s]);
    set(layout.value[s], slots.value[root]);
    set(layout.scratch[s], slots.scratch[root]);
    set(layout.core[s], slots.core[root]);
  }
  out.workspace_bytes = slots.workspace_bytes;
  out.lower_bound_bytes = slots.lower_bound_bytes;
  return out;
}

// The nodes of the stages in the order in which they run.
template <class E>
inline constexpr auto stage_order = [] {
  std::array<int, stage_count<E>> order{};
  for (std::size_t p = 0; p < order.size(); ++p)
    order[p] = stage_graph<E>.root[static_cast<std::size_t>(slot_layout<E>.order[p])];
  return order;
}();

}  // namespace tenon::detail::inline TENON_MODE
