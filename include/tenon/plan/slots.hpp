#pragma once
// From stages to bytes: how much every stage needs, from when to when, and at which offset.

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
  // `patterns` tells which extents of the records are bounds that the run may stay below.
  constexpr SlotPlanner(const std::array<Record, N>& records, const std::array<Record, N>& patterns,
                        const Structure<static_cast<int>(N)>& structure)
      : records_(records), patterns_(patterns), structure_(structure) {
    for (int p = 0; p < structure_.stages; ++p) plan_stage(p);
    for (int p = 0; p < structure_.stages; ++p) extend_lives(p);
    place();
    out_.result_bytes = record_bytes(records_[0]);
    out_.temporaries = structure_.stages - 1;
  }

  [[nodiscard]] constexpr const Slots<static_cast<int>(N)>& result() const { return out_; }

 private:
  constexpr int end(std::size_t i) const { return static_cast<int>(i) + records_[i].subtree; }

  constexpr void plan_stage(int position) {
    const auto root =
        static_cast<std::size_t>(structure_.order[static_cast<std::size_t>(position)]);
    const auto need = [&](Slot& slot, std::size_t bytes) { slot = {0, bytes, position, position}; };
    if (root != 0) need(out_.value[root], record_bytes(records_[root]));
    const int core = structure_.core[root];
    if (core < 0) return;
    const auto c = static_cast<std::size_t>(core);
    need(out_.scratch[root], kernel_bytes(c));
    if (!same_extents(records_[c], records_[root]) ||
        may_be_stretched(core, static_cast<int>(root)))
      need(out_.core[root], record_bytes(records_[c]));
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
    const int root = structure_.order[static_cast<std::size_t>(position)];
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

// Types: kernel_types of the records, known when compiling.
template <unsigned Types, std::size_t N>
[[nodiscard]] constexpr auto plan_slots(const std::array<Record, N>& records,
                                        const std::array<Record, N>& patterns,
                                        const Structure<static_cast<int>(N)>& structure) {
  return SlotPlanner<Types, N>(records, patterns, structure).result();
}

template <class E>
consteval auto make_static_slots() {
  constexpr auto records = bound_records<E>();
  return plan_slots<kernel_types(pattern_records<E>)>(records, pattern_records<E>, structure_of<E>);
}

// The slots of an expression whose extents are all static or bounded.
template <class E>
inline constexpr auto static_slots = make_static_slots<E>();

}  // namespace tenon::detail::inline TENON_MODE
