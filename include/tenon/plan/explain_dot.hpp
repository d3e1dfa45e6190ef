#pragma once
// A plan as a graph in the language of Graphviz: every operation, coloured by the stage that computes it.

#include <tenon/plan/plan_names.hpp>

#include <tenon/memory/svg.hpp>

#include <cstddef>
#include <ostream>
#include <string_view>

namespace tenon::detail::inline TENON_MODE {

template <int N>
class PlanGrapher {
 public:
  PlanGrapher(std::ostream& out, const Plan<N>& plan) : out_(out), plan_(plan), names_(plan) {}

  void write() {
    put("digraph plan {\n  rankdir=TB;\n"
        "  node [fontname=\"DejaVu Sans\", fontsize=11, style=filled, shape=box];\n"
        "  edge [color=\"#57606a\", arrowsize=0.7];\n");
    for (int i = 0; i < N; ++i)
      if (at(i).kind == Kind::leaf) leaf(i);
    for (int stage = 0; stage < plan_.stages; ++stage) {
      const int root = plan_.stage_root(stage);
      put("  subgraph cluster_").put(number(stage + 1));
      put(" {\n    label=\"stage ").put(number(stage + 1)).put(": ");
      put(names_.of_stage(root)).put("\";\n    fontname=\"DejaVu Sans\";\n    fontsize=11;\n");
      put("    color=\"").put(color(stage).stroke).put("\";\n");
      for (int i = root; i < end(root);) {
        if (i != root && plan_.structure.is_stage(i)) {
          i = end(i);
          continue;
        }
        operation(i, stage, root);
        ++i;
      }
      put("  }\n");
    }
    for (int i = 0; i < N; ++i)
      if (is_operation(i))
        for (int c = i + 1; c < end(i); c = end(c)) edge(c, i);
    put("}\n");
  }

 private:
  PlanGrapher& put(std::string_view text) {
    out_.write(text.data(), static_cast<std::streamsize>(text.size()));
    return *this;
  }
  // In a label: quotes and backslashes are not the language's.
  PlanGrapher& quoted(std::string_view text) {
    for (const char c : text) {
      if (c == '"' || c == '\\') put("\\");
      put({&c, 1});
    }
    return *this;
  }
  [[nodiscard]] static TextCell number(int n) {
    return grouped_text(static_cast<std::uint64_t>(n), false);
  }
  [[nodiscard]] const Record& at(int i) const { return plan_.records[static_cast<std::size_t>(i)]; }
  [[nodiscard]] int end(int i) const { return i + at(i).subtree; }
  [[nodiscard]] static const SvgColor& color(int stage) {
    return svg_kinds[static_cast<std::size_t>(stage) % (svg_kinds.size() - 1)];
  }
  [[nodiscard]] bool is_operation(int i) const {
    const Kind kind = at(i).kind;
    return kind != Kind::leaf && kind != Kind::scalar && kind != Kind::bound && kind != Kind::let;
  }

  // The node that computes what node i stands for: a let is its body, a name is what it names.
  [[nodiscard]] int source_of(int i) const {
    for (;;) {
      if (at(i).kind == Kind::let)
        i = end(i + 1);
      else if (at(i).kind == Kind::bound)
        i = plan_.structure.let_of[static_cast<std::size_t>(i)] + 1;
      else
        return i;
    }
  }

  void leaf(int i) {
    put("  n").put(number(i)).put(" [shape=ellipse, fillcolor=\"#ffffff\", label=\"");
    put(names_.of(i)).put("\\n").put(name(at(i).dtype)).put(" ").put(shape_text(at(i)));
    put("\"];\n");
  }

  void operation(int i, int stage, int root) {
    if (!is_operation(i)) return;
    put("    n").put(number(i)).put(" [fillcolor=\"").put(color(stage).fill);
    put("\", color=\"").put(color(stage).stroke).put("\", label=\"");
    quoted(names_.operation(i)).put("\\n").put(shape_text(at(i)));
    if (source_of(root) == i) {  // what the stage stores
      put("\\n").put(names_.of_stage(root)).put(": ");
      put(bytes_text(record_bytes(at(i)))).put("\", peripheries=2, penwidth=1.5");
    } else {
      put("\"");
    }
    put("];\n");
  }

  void edge(int operand, int i) {
    const int from = source_of(operand);
    if (at(from).kind == Kind::scalar) return;
    put("  n").put(number(from)).put(" -> n").put(number(i)).put(";\n");
  }

  std::ostream& out_;
  const Plan<N>& plan_;
  PlanNames<N> names_;
};

// A plan on its way to a stream.
template <class P>
struct PlanGraph {
  P plan;

  friend std::ostream& operator<<(std::ostream& out, const PlanGraph& graph) {
    PlanGrapher(out, graph.plan).write();
    return out;
  }
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// The plan as a graph for `dot`: an arrow from every operand to its operation, a cluster and a colour for
// every stage, a double border around what is stored, with its bytes. Numbers are left out.
// Errors: what the stream throws. No allocation of its own.
template <int N>
void explain_dot(std::ostream& out, const Plan<N>& plan) {
  detail::PlanGrapher(out, plan).write();
}

// Formula: out << explain_dot(e) writes the graph of the plan of e for the extents that it has now.
template <StaticallyPlanned E>
[[nodiscard]] auto explain_dot(const E&) {
  return detail::PlanGraph<decltype((plan_of<const E&>))>{plan_of<const E&>};
}
template <Expression E>
[[nodiscard]] auto explain_dot(const E& e) {
  return detail::PlanGraph<decltype(plan(e))>{plan(e)};
}

}  // namespace tenon::inline TENON_MODE
