#pragma once
// What a plan stored, what it computes more than once instead, and what each would have cost the other
// way.

#include <tenon/plan/plan.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tenon::inline TENON_MODE {

// A value that is stored (and `reason` says why), or one that is computed where it is read, more than
// once (`reason` is not_stored). Costs are those of computing the value from what its stage reads and
// of bringing it to its readers; below a contraction that is not stored every element is read
// anew for each of its results.
struct Decision {
  int node = -1;
  Reason reason = Reason::not_stored;
  std::uint64_t elements = 0;     // of the value
  std::uint64_t evaluations = 0;  // of its elements, where it is not stored
  std::size_t slot_bytes = 0;     // of the workspace, where it is stored
  Cost stored;
  Cost in_place;

  [[nodiscard]] constexpr bool is_stored() const noexcept { return reason != Reason::not_stored; }
  // How often each element is computed where it is not stored.
  [[nodiscard]] constexpr double recomputation() const noexcept {
    return elements == 0 ? 1.0 : static_cast<double>(evaluations) / static_cast<double>(elements);
  }
};

template <int N>
class Decisions {
 public:
  constexpr explicit Decisions(const Plan<N>& plan) {
    const detail::CostModel costs(plan.records, plan.structure);
    for (int stage = 0; stage + 1 < plan.stages; ++stage) {
      const int i = plan.stage_root(stage);
      add(plan, costs, i);
      list_[count_ - 1].stored = costs.stage(i);
      list_[count_ - 1].stored.bytes_read += costs.read_bytes(i);
    }
    for (int i = 1; i < N; ++i) {
      if (!is_recomputed(plan, costs, i) || plan.structure.is_stage(i)) continue;
      bool is_outermost = true;
      for (int up = i; !plan.structure.is_stage(up) && is_outermost;) {
        up = plan.records[static_cast<std::size_t>(up)].parent;
        is_outermost = plan.structure.is_stage(up) || !is_recomputed(plan, costs, up);
      }
      if (!is_outermost) continue;
      add(plan, costs, i);
      Decision& d = list_[count_ - 1];
      d.stored = costs.in_place(i, {d.elements, 1, d.elements});
      d.stored.bytes_stored = d.slot_bytes;
      d.stored.bytes_read += costs.read_bytes(i);
    }
  }

  [[nodiscard]] constexpr std::span<const Decision> all() const noexcept {
    return std::span(list_).first(count_);
  }
  [[nodiscard]] constexpr auto begin() const noexcept { return list_.begin(); }
  [[nodiscard]] constexpr auto end() const noexcept {
    return list_.begin() + static_cast<std::ptrdiff_t>(count_);
  }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr const Decision& operator[](std::size_t i) const noexcept {
    return list_[i];
  }

 private:
  template <class Model>
  [[nodiscard]] static constexpr bool is_recomputed(const Plan<N>& plan, const Model& costs,
                                                    int i) noexcept {
    const Record& r = plan.records[static_cast<std::size_t>(i)];
    return r.kind == Kind::map && r.flops != 0 &&
           costs.demand(i).evaluations() > detail::elements_of(r);
  }
  template <class Model>
  constexpr void add(const Plan<N>& plan, const Model& costs, int i) {
    const Record& r = plan.records[static_cast<std::size_t>(i)];
    Decision& d = list_[count_++];
    d.node = i;
    d.reason = plan.structure.reason[static_cast<std::size_t>(i)];
    d.elements = detail::elements_of(r);
    d.evaluations = costs.demand(i).evaluations();
    d.slot_bytes = detail::record_bytes(r);
    d.in_place = costs.in_place(i, costs.demand(i));
  }

  std::array<Decision, static_cast<std::size_t>(N)> list_{};
  std::size_t count_ = 0;
};

// Formula: the stored values of a plan in the order in which they are computed, then the values that
// are computed more than once, the outermost of each. No allocation; constexpr.
template <int N>
[[nodiscard]] constexpr Decisions<N> decisions(const Plan<N>& plan) {
  return Decisions<N>(plan);
}

}  // namespace tenon::inline TENON_MODE
