#pragma once
// A plan as text: its stages in the order in which they run, what was fused into each, slots and their
// lives, bytes, flops, and why anything is stored or computed more than once.

#include <tenon/plan/decisions.hpp>
#include <tenon/plan/plan_names.hpp>
#include <tenon/plan/plan_text.hpp>

#include <cstddef>
#include <string_view>

namespace tenon::detail::inline TENON_MODE {

template <int N>
class Explainer {
 public:
  constexpr explicit Explainer(const Plan<N>& plan)
      : plan_(plan), names_(plan), costs_(plan.records, plan.structure) {}

  constexpr void operator()(TextWriter& out) const {
    for (int i = 0; i < 4; ++i) part(out, i);
  }
  // Contract: 0 <= i < 4.
  constexpr void part(TextWriter& out, int i) const {
    if (i == 0) stages(out);
    if (i == 1) slots(out);
    if (i == 2) totals(out);
    if (i == 3) reasons(out);
  }

 private:
  // Columns at which numbers end, and where lists begin.
  static constexpr int flops_end = 72, moved_end = 85, intensity_end = 96, indent = 13;

  [[nodiscard]] constexpr const Record& at(int i) const {
    return plan_.records[static_cast<std::size_t>(i)];
  }
  [[nodiscard]] constexpr int end(int i) const { return i + at(i).subtree; }
  constexpr void stages(TextWriter& out) const {
    out.put("Stages").right(flops_end, "flops").right(moved_end, "moved");
    out.right(intensity_end, "flops/B").line();
    for (int stage = 0; stage < plan_.stages; ++stage) {
      const int root = plan_.stage_root(stage);
      out.right(3, grouped_text(static_cast<std::uint64_t>(stage + 1))).put("  ");
      out.put(names_.of_stage(root)).pad_to(indent);
      out.put(text_of(name(at(root).dtype))).put(" ").put(shape_text(at(root))).put(" ");
      numbers(out, costs_.stage(root));
      out.pad_to(indent).put("= ");
      names_.write_formula(out, root, indent + 2);
      out.line();
      blocks(out, root);
      fused(out, root);
      operands(out, root);
    }
    out.line();
  }

  static constexpr void numbers(TextWriter& out, const Cost& cost) {
    out.right(flops_end, grouped_text(cost.flops)).right(moved_end, bytes_text(cost.bytes_moved()));
    out.right(intensity_end, decimal_text(cost.intensity())).line();
  }

  // f(node) for every node that the stage computes, operands before what is done with them.
  template <class F>
  constexpr void for_each_in_order(int i, int root, const F& f) const {
    if (i != root && plan_.structure.is_stage(i)) return;
    for (int c = i + 1; c < end(i); c = end(c)) for_each_in_order(c, root, f);
    f(i);
  }

  // The stages that a region runs for every block of its rows.
  constexpr void blocks(TextWriter& out, int root) const {
    if (!plan_.structure.is_region(root)) return;
    const auto& regions = plan_.structure.regions;
    const auto k = static_cast<std::size_t>(root);
    out.pad_to(indent).put("blocks    of at most ").put(count(regions.rows[k]));
    out.put(" along axis ").put(count(regions.along[k])).put(", in each of them").line();
    for (int n = 1; n <= names_.within_count(); ++n) {
      const int i = names_.within(root, n);
      if (i < 0) continue;
      out.pad_to(indent + 10).put(names_.of(i)).put(" = ");
      names_.write_formula(out, i, indent + 12);
      out.line();
    }
  }
  template <class Int>
  [[nodiscard]] static constexpr TextCell count(Int n) {
    return grouped_text(static_cast<std::uint64_t>(n));
  }

  constexpr void fused(TextWriter& out, int root) const {
    const int core = plan_.structure.core[static_cast<std::size_t>(root)];
    if (core < 0) return;
    const auto list = [&](std::string_view what, bool below) {
      bool is_first = true;
      for_each_in_order(root, root, [&](int i) {
        if (at(i).kind != Kind::map || (core < i && i < end(core)) != below) return;
        if (is_first)
          out.pad_to(indent).put(what);
        else
          out.comma();
        out.word(names_.operation(i), indent + 10);
        is_first = false;
      });
      if (!is_first) out.line();
    };
    list(literal("prologue  "), true);
    out.pad_to(indent).put("core      ").put(text_of(at(core).name));
    if (at(core).kind == Kind::contract) {
      const MatmulExtents e = matmul_extents(at(core), at(core + 1), at(end(core + 1)));
      out.put(" M ").put(grouped_text(static_cast<std::uint64_t>(e.m)));
      out.put(", N ").put(grouped_text(static_cast<std::uint64_t>(e.n)));
      out.put(", K ").put(grouped_text(static_cast<std::uint64_t>(e.k)));
    }
    out.line();
    list(literal("epilogue  "), false);
  }

  // What the stage reads: each leaf with its shape, each stored value.
  constexpr void operands(TextWriter& out, int root) const {
    bool is_first = true;
    const auto operand = [&](int i, int value) {
      if (is_first)
        out.pad_to(indent).put("reads     ");
      else
        out.comma();
      is_first = false;
      TextCell text = names_.of(value);
      if (at(value).kind == Kind::leaf) text.append(" ").append(shape_text(at(value)));
      const Demand& demand = costs_.demand(i);
      if (demand.passes > 1 && !plan_.structure.is_stage(i))
        text.append(" ").append(grouped_text(demand.passes)).append("×");
      out.word(text, indent + 10);
    };
    for (int i = root; i < end(root); ++i) {
      const bool is_let_value = i > 0 && at(i).parent == i - 1 && at(i - 1).kind == Kind::let &&
                                !plan_.structure.in_registers[static_cast<std::size_t>(i - 1)];
      if (i != root && plan_.structure.is_stage(i)) {
        if (!is_let_value) operand(i, i);
        i = end(i) - 1;
      } else if (at(i).kind == Kind::leaf) {
        if (!is_let_value) operand(i, i);
      } else if (at(i).kind == Kind::bound && !is_let_value) {
        const int value = names_.value_of(i);
        if (value != i && at(value).kind != Kind::scalar && !names_.is_within_block(value) &&
            costs_.is_first_reading(i))
          operand(i, value);
      }
    }
    if (!is_first) out.line();
  }

  constexpr void slots(TextWriter& out) const {
    if (plan_.workspace_bytes == 0) return;
    out.put("Slots")
        .right(24, "offset")
        .right(40, "bytes")
        .right(50, "stages")
        .put("   hold")
        .line();
    for (int stage = 0; stage < plan_.stages; ++stage) {
      const int root = plan_.stage_root(stage);
      const auto i = static_cast<std::size_t>(root);
      const int before = plan_.slots.in_place_of[i];
      TextCell value = names_.of(root);
      if (before >= 0) value.append(", in the place of ").append(names_.of(before));
      slot(out, plan_.slots.value[i], value);
      const int core = plan_.structure.core[i];
      const TextCell number = grouped_text(static_cast<std::uint64_t>(stage + 1));
      if (plan_.structure.is_region(root))
        slot(out, plan_.slots.scratch[i], TextCell("a block of rows of stage ").append(number));
      if (core < 0) continue;
      slot(out, plan_.slots.scratch[i],
           TextCell(at(core).kind == Kind::contract ? "packing panels of stage "
                                                    : "row buffer of stage ")
               .append(number));
      slot(out, plan_.slots.core[i],
           TextCell(text_of(at(core).name))
               .append(" of stage ")
               .append(number)
               .append(", if stretched"));
    }
    out.line();
  }

  static constexpr void slot(TextWriter& out, const Slot& slot, std::string_view holds) {
    if (slot.bytes == 0) return;
    TextCell life = grouped_text(static_cast<std::uint64_t>(slot.first + 1));
    if (slot.last != slot.first)
      life.append("-").append(grouped_text(static_cast<std::uint64_t>(slot.last + 1)));
    out.right(24, grouped_text(slot.offset)).right(40, grouped_text(slot.bytes)).right(50, life);
    out.put("   ").put(holds).line();
  }

  constexpr void totals(TextWriter& out) const {
    const auto row = [&](std::string_view what, std::uint64_t n, std::string_view text) {
      out.put(what).right(40, grouped_text(n)).put("   ").put(text).line();
    };
    out.put("Totals").line();
    TextCell workspace = bytes_text(plan_.workspace_bytes);
    const std::size_t any_order = plan_.slots.order_bound_bytes;
    if (plan_.workspace_bytes != plan_.slots.workspace_bytes) {
      workspace.append(", room for values that turn out to be shared");
    } else if (plan_.workspace_bytes != 0) {
      if (plan_.workspace_bytes == any_order)
        workspace.append(", the least for any order of stages");
      else if (plan_.workspace_bytes == plan_.lower_bound_bytes)
        workspace.append(", least for this order; any: ");
      else
        workspace.append(", at least ")
            .append(grouped_text(plan_.lower_bound_bytes))
            .append(" B; any order: ");
      if (plan_.workspace_bytes != any_order)
        workspace.append(grouped_text(any_order)).append(" B");
    }
    row(literal("  workspace, B"), plan_.workspace_bytes, workspace);
    row(literal("  workspace if aliased, B"), plan_.workspace_bytes_if_aliased,
        bytes_text(plan_.workspace_bytes_if_aliased)
            .append(", where the result overlaps an operand"));
    row(literal("  result, B"), plan_.result_bytes, bytes_text(plan_.result_bytes));
    row(literal("  peak, B"), plan_.peak_bytes,
        bytes_text(plan_.peak_bytes).append(", result and workspace"));
    row(literal("  flops"), plan_.flops,
        decimal_text(plan_.arithmetic_intensity()).append(" for each byte moved"));
    row(literal("  moved, B"), plan_.bytes_moved, bytes_text(plan_.bytes_moved));
    out.line();
  }

  constexpr void reasons(TextWriter& out) const {
    const Decisions<N> all(plan_);
    out.put("Why, and > the way taken").right(40, "workspace");
    out.right(flops_end, "flops").right(moved_end, "moved").line();
    if (all.size() == 0 && plan_.stages == 1 && !plan_.structure.is_region(0))
      out.put("  One stage: nothing is stored, and nothing is computed twice.").line();
    for (int stage = 0; stage < plan_.stages; ++stage) region(out, stage);
    for (const Decision& d : all) {
      if (d.is_stored()) {
        out.put("  ")
            .put(names_.of(d.node))
            .put(" is stored: ")
            .put(text_of(describe(d.reason)))
            .line();
      } else {
        out.put("  ").put(names_.operation(d.node)).put(" ").put(shape_text(at(d.node)));
        out.put(" is computed where it is read: cheap").line();
      }
      way(out, d.is_stored() ? literal("  > stored") : literal("    stored"), d.slot_bytes,
          d.stored);
      const TextCell in_place(d.is_stored() ? literal("    in place, ")
                                            : literal("  > in place, "));
      way(out, TextCell(in_place).append(decimal_text(d.recomputation())).append("×"), 0,
          d.in_place);
    }
  }

  constexpr void region(TextWriter& out, int stage) const {
    const int root = plan_.stage_root(stage);
    if (!plan_.structure.is_region(root)) return;
    std::size_t between = 0;
    for (int n = 1; n <= names_.within_count(); ++n)
      if (const int i = names_.within(root, n); i >= 0) between += record_bytes(at(i));
    out.put("  Stage ").put(count(stage + 1));
    out.put(" runs block of rows by block of rows: what it stores for one stays in a cache").line();
    const auto bytes = [&](std::string_view what, std::size_t n) {
      out.put(what).right(40, bytes_text(n)).line();
    };
    bytes(literal("  > one block, with panels"),
          plan_.slots.scratch[static_cast<std::size_t>(root)].bytes);
    bytes(literal("    all rows, without"), between);
  }

  static constexpr void way(TextWriter& out, std::string_view what, std::uint64_t slot,
                            const Cost& cost) {
    out.put(what).right(40, bytes_text(slot));
    out.right(flops_end, grouped_text(cost.flops)).right(moved_end, bytes_text(cost.bytes_moved()));
    out.line();
  }

  const Plan<N>& plan_;
  PlanNames<N> names_;
  CostModel<static_cast<std::size_t>(N)> costs_;
};

// One part of the explanation of E. Parts are constants of their own, each within the limits of
// compilers on the evaluation of one.
template <class E, int Part>
consteval auto make_explanation_part() {
  const auto write = [](TextWriter& out) { Explainer(plan_of<E>).part(out, Part); };
  constexpr std::size_t size = [&] {
    TextWriter counter;
    write(counter);
    return counter.size();
  }();
  return PlanText<size>(write);
}
template <class E, int Part>
inline constexpr auto explanation_part = make_explanation_part<E, Part>();

template <class E>
consteval auto make_explanation() {
  constexpr std::size_t size = explanation_part<E, 0>.size() + explanation_part<E, 1>.size() +
                               explanation_part<E, 2>.size() + explanation_part<E, 3>.size();
  return PlanText<size>([](TextWriter& out) {
    out.put(explanation_part<E, 0>.view()).put(explanation_part<E, 1>.view());
    out.put(explanation_part<E, 2>.view()).put(explanation_part<E, 3>.view());
  });
}

// Enough for the explanation of any plan of so many nodes and stages, whatever the extents.
[[nodiscard]] constexpr std::size_t explanation_capacity(std::size_t nodes, std::size_t stages) {
  constexpr std::size_t line = TextWriter::width + 8;  // some characters have two bytes
  return line * (16 + 7 * stages + 4 * nodes);
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: the text of explain(e) for an expression type E whose plan is a constant; itself one.
template <StaticallyPlanned E>
inline constexpr auto explanation_of = detail::make_explanation<E>();

// Formula: the plan of e as text of lines of at most 100 columns: stages in the order in which they run
// with their formulas, what was fused into them, flops and bytes; slots with offsets, bytes and lives;
// totals; and for every stored value, and every one that is computed more than once, why, and what
// the other way would have cost. Leaves are a, b, …, stored values T1, T2, …, numbers #.
// It converts to std::string_view and can be printed. Where the plan is a constant, so is the text, and
// this is a reference to it; elsewhere it is a value of about 500 B a node. No allocation.
template <StaticallyPlanned E>
[[nodiscard]] constexpr const auto& explain(const E&) noexcept {
  return explanation_of<const E&>;
}
template <Expression E>
[[nodiscard]] constexpr auto explain(const E& e) {
  using X = detail::planned_t<const E&>;
  constexpr auto stages = static_cast<std::size_t>(detail::structure_of<X>.stages);
  constexpr auto nodes = static_cast<std::size_t>(detail::node_count<X>);
  const auto p = plan(e);
  return PlanText<detail::explanation_capacity(nodes, stages)>(detail::Explainer(p));
}

// The same of a plan: of one with offsets from a table, of shared_plan_of<E>. A value of about 1 KiB a
// node.
template <int N>
[[nodiscard]] constexpr auto explain(const Plan<N>& plan) {
  constexpr auto nodes = static_cast<std::size_t>(N);
  return PlanText<detail::explanation_capacity(nodes, nodes)>(detail::Explainer(plan));
}

}  // namespace tenon::inline TENON_MODE
