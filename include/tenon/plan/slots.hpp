#pragma once
// From stages to bytes: how much every stage needs, from when to when, and at which offset.

#include <tenon/plan/order.hpp>
#include <tenon/plan/structure.hpp>

#include <tenon/kernels/normalize.hpp>

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
// run time to be stretched by its epilogue (`core`).
template <int N>
struct Slots {
  static constexpr auto count = static_cast<std::size_t>(N);
  std::array<Slot, count> value{};
  std::array<Slot, count> scratch{};
  std::array<Slot, count> core{};
  std::array<int, count> order{};  // stage roots in the order in which they run
  std::size_t workspace_bytes = 0;
  std::size_t result_bytes = 0;
  int temporaries = 0;  // stored nodes beside the result
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// The axis along which the pack of a reduction or normalisation runs: the one in memory order.
[[nodiscard]] constexpr int pack_axis(const Record& operand) noexcept {
  return operand.unit_axis >= 0 ? operand.unit_axis : operand.rank - 1;
}

// True where that axis is among those that the operation folds.
[[nodiscard]] constexpr bool runs_along(const Record& operation, const Record& operand) noexcept {
  return operand.rank == 0 || ((operation.axes >> pack_axis(operand)) & 1U) != 0;
}

[[nodiscard]] constexpr bool same_extents(const Record& a, const Record& b) noexcept {
  for (int i = 0; i < a.rank; ++i)
    if (a.extent(i) != b.extent(i)) return false;
  return true;
}

[[nodiscard]] constexpr std::size_t record_bytes(const Record& r) noexcept {
  return static_cast<std::size_t>(r.size()) * static_cast<std::size_t>(size_bytes(r.dtype));
}

template <unsigned Types, std::size_t N>
class SlotPlanner {
 public:
  // `patterns` tells which extents of the records are bounds that the run may stay below. Stages run in
  // the order of the tree, or, where they may be reordered, in one that needs least.
  constexpr SlotPlanner(const std::array<Record, N>& records, const std::array<Record, N>& patterns,
                        const Structure<static_cast<int>(N)>& structure, bool may_reorder)
      : records_(records), patterns_(patterns), structure_(structure) {
    out_.order = structure_.order;
    for (int p = 0; p < structure_.stages; ++p) measure(static_cast<std::size_t>(root_at(p)));
    out_.result_bytes = record_bytes(records_[0]);
    out_.temporaries = structure_.stages - 1;
    arrange();
    if (may_reorder && structure_.stages > 2 && is_tree()) {
      const auto in_tree_order = out_;
      order_for_least_peak();
      arrange();
      if (out_.workspace_bytes >= in_tree_order.workspace_bytes) out_ = in_tree_order;
    }
  }

  [[nodiscard]] constexpr const Slots<static_cast<int>(N)>& result() const { return out_; }

 private:
  constexpr int end(std::size_t i) const { return static_cast<int>(i) + records_[i].subtree; }
  constexpr int root_at(int position) const {
    return out_.order[static_cast<std::size_t>(position)];
  }

  // How many bytes the stage of `root` needs, and for what.
  constexpr void measure(std::size_t root) {
    if (root != 0) out_.value[root].bytes = record_bytes(records_[root]);
    const int core = structure_.core[root];
    if (core < 0) return;
    const auto c = static_cast<std::size_t>(core);
    out_.scratch[root].bytes = kernel_bytes(c);
    if (!same_extents(records_[c], records_[root]) ||
        may_be_stretched(core, static_cast<int>(root)))
      out_.core[root].bytes = record_bytes(records_[c]);
  }

  // Lives and offsets for the order that stands.
  constexpr void arrange() {
    for (int p = 0; p < structure_.stages; ++p) {
      const auto root = static_cast<std::size_t>(root_at(p));
      for (Slot* slot : {&out_.value[root], &out_.scratch[root], &out_.core[root]})
        slot->first = slot->last = p;
    }
    for (int p = 0; p < structure_.stages; ++p) extend_lives(p);
    place();
  }

  // True where every stored value is read by one stage: no name of a let stands for one.
  constexpr bool is_tree() const {
    for (std::size_t i = 0; i < N; ++i)
      if (records_[i].kind == Kind::bound && structure_.is_stage(structure_.let_of[i] + 1))
        return false;
    return true;
  }

  constexpr void order_for_least_peak() {
    std::array<StageNeed, N> needs{};
    std::array<int, N> position{};
    const auto count = static_cast<std::size_t>(structure_.stages);
    for (std::size_t p = count; p-- > 0;) {  // readers first
      const auto root = static_cast<std::size_t>(structure_.order[p]);
      position[root] = static_cast<int>(p);
      const int reader = structure_.reader[root];
      const auto bytes = [](const Slot& slot) { return align_up(slot.bytes, workspace_alignment); };
      needs[p] = {reader < 0 ? -1 : position[static_cast<std::size_t>(reader)],
                  bytes(out_.value[root]), bytes(out_.scratch[root]) + bytes(out_.core[root])};
    }
    const TreeOrder<N> best(std::span<const StageNeed>(needs).first(count));
    for (std::size_t p = 0; p < count; ++p)
      out_.order[p] = structure_.order[static_cast<std::size_t>(best.order()[p])];
  }

  // True where an extent of the core that is only bounded may turn out to be 1 while something
  // between it and the root has more there.
  constexpr bool may_be_stretched(int core, int root) const {
    const auto pattern = [&](int i) -> const Record& {
      return patterns_[static_cast<std::size_t>(i)];
    };
    const Record& inner = pattern(core);
    for (int below = core, up = pattern(core).parent; below != root;
         below = up, up = pattern(up).parent)
      for (int c = up + 1; c < up + pattern(up).subtree; c += pattern(c).subtree) {
        const bool name_of_core = pattern(up).kind == Kind::let && below == up + 1;
        if (c == below || (pattern(up).kind == Kind::let && !name_of_core)) continue;
        const Record& other = name_of_core ? pattern(up) : pattern(c);
        for (int d = 1; d <= inner.rank && d <= other.rank; ++d)
          if (!is_static_extent(inner.extent(-d)) && other.extent(-d) != 1) return true;
      }
    return false;
  }

  constexpr std::size_t kernel_bytes(std::size_t core) const {
    const Record& r = records_[core];
    const Record& a = records_[core + 1];
    if (r.size() == 0) return 0;
    if (r.kind == Kind::contract) {
      const Record& b = records_[static_cast<std::size_t>(end(core + 1))];
      const MatmulExtents e = matmul_extents(r, a, b);
      const MatmulExtents p = matmul_extents(patterns_[core], patterns_[core + 1],
                                             patterns_[static_cast<std::size_t>(end(core + 1))]);
      return with_kernel_type<Types>(r.dtype, [&]<class T>(std::type_identity<T>) {
        return kernels::gemm_workspace_bound<T>(e.m, e.n, e.k, is_static_extent(p.m),
                                                is_static_extent(p.n), is_static_extent(p.k));
      });
    }
    if (r.kind == Kind::normalize) {
      index_t n = 1;
      for (int i = 0; i < a.rank; ++i)
        if (((r.axes >> i) & 1U) != 0) n = a.extent(i);
      const bool along = runs_along(r, a);
      return with_kernel_type<Types>(r.dtype, [&]<class T>(std::type_identity<T>) {
        return along ? kernels::normalize_workspace_bytes<T, true>(n)
                     : kernels::normalize_workspace_bytes<T, false>(n);
      });
    }
    return 0;
  }

  // A stored node lives until the last stage that reads it; a let's value until its last use.
  constexpr void extend_lives(int position) {
    const int root = root_at(position);
    for (std::size_t i = 0; i < N; ++i) {
      const int reader = structure_.reader[i];
      if (reader != root) continue;
      if (structure_.is_stage(static_cast<int>(i))) extend(i, position);
      for (int name = static_cast<int>(i);
           records_[static_cast<std::size_t>(name)].kind == Kind::bound;) {
        const int bound = structure_.let_of[static_cast<std::size_t>(name)] + 1;
        if (structure_.is_stage(bound)) extend(static_cast<std::size_t>(bound), position);
        name = bound;
      }
    }
  }

  constexpr void extend(std::size_t node, int position) {
    Slot& slot = out_.value[node];
    slot.last = slot.last < position ? position : slot.last;
  }

  // Greedy by size (Pisarchyk, Lee 2020): the largest slot first, each at the lowest offset where it
  // meets none of the slots placed before that live at the same time.
  constexpr void place() {
    out_.workspace_bytes = 0;
    std::array<Slot*, 3 * N> all{};
    std::size_t count = 0;
    for (std::size_t i = 0; i < N; ++i)
      for (Slot* slot : {&out_.value[i], &out_.scratch[i], &out_.core[i]})
        if (slot->bytes != 0) all[count++] = slot;
    for (std::size_t i = 1; i < count; ++i)
      for (std::size_t j = i; j > 0 && all[j - 1]->bytes < all[j]->bytes; --j) {
        Slot* const larger = all[j];
        all[j] = all[j - 1];
        all[j - 1] = larger;
      }
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t offset = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t j = 0; j < i; ++j) {
          const Slot& other = *all[j];
          const bool together = all[i]->first <= other.last && other.first <= all[i]->last;
          const bool meet =
              offset < other.offset + other.bytes && other.offset < offset + all[i]->bytes;
          if (together && meet) {
            offset = align_up(other.offset + other.bytes, workspace_alignment);
            moved = true;
          }
        }
      }
      all[i]->offset = offset;
      if (offset + all[i]->bytes > out_.workspace_bytes)
        out_.workspace_bytes = offset + all[i]->bytes;
    }
  }

  const std::array<Record, N>& records_;
  const std::array<Record, N>& patterns_;
  const Structure<static_cast<int>(N)>& structure_;
  Slots<static_cast<int>(N)> out_{};
};

// Types: kernel_types of the records, known when compiling. Only a plan that is a constant may reorder
// its stages: the code that runs them is compiled for one order.
template <unsigned Types, std::size_t N>
[[nodiscard]] constexpr auto plan_slots(const std::array<Record, N>& records,
                                        const std::array<Record, N>& patterns,
                                        const Structure<static_cast<int>(N)>& structure,
                                        bool may_reorder) {
  return SlotPlanner<Types, N>(records, patterns, structure, may_reorder).result();
}

template <class E>
consteval auto make_static_slots() {
  constexpr auto records = bound_records<E>();
  return plan_slots<kernel_types(pattern_records<E>)>(records, pattern_records<E>, structure_of<E>,
                                                      true);
}

// The slots of an expression whose extents are all static or bounded.
template <class E>
inline constexpr auto static_slots = make_static_slots<E>();

// The order in which the stages of an expression run.
template <class E>
inline constexpr auto stage_order = [] {
  if constexpr (planned_when_compiling<E>)
    return static_slots<E>.order;
  else
    return structure_of<E>.order;
}();

}  // namespace tenon::detail::inline TENON_MODE
