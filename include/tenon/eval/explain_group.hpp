#pragma once
// The plan of several results, for extents of now and as text.

#include <tenon/eval/several.hpp>
#include <tenon/plan/explain.hpp>

namespace tenon::detail::inline TENON_MODE {

// Visits what a group computes, in that order: visit.shared(e) for a value of a let that is stored,
// visit.pass(e…) for results that one pass makes, visit.alone(e) for each of the others. The values are
// closed: a leaf, or in a pass a let around each, for the names.
template <class... Part, class Names, class Visit>
void visit_group(const Tie<Part...>& tie, const Names& names, const Visit& visit) {
  with_closed(tie, names, [&](const auto&... e) {
    if (joins(e...))
      visit.pass(e...);
    else
      (visit.alone(e), ...);
  });
}

template <class Tag, class Bound, class Body, class Names, class Visit>
void visit_group(const LetGroup<Tag, Bound, Body>& let, const Names& names, const Visit& visit) {
  const auto value = substitute(let.bound(), names);
  using Value = std::remove_const_t<decltype(value)>;
  if constexpr (Value::kind == Kind::leaf) {
    visit_group(let.body(), named<Tag>(value, names), visit);
  } else {
    if constexpr (is_tie<Body>) {
      const bool done = with_closed(let.body(), names, [&](const auto&... e) {
        const bool joined = joins_in_let<Tag>(value, e...);
        if (joined) visit.pass(let_node<Tag>(value, e)...);
        return joined;
      });
      if (done) return;
    }
    visit.shared(value);
    const TensorView<const value_t<Value>, shape_t<Value>> nowhere(nullptr, value.shape());
    visit_group(let.body(), named<Tag>(StoredLeaf<Value>(nowhere), names), visit);
  }
}

// Stages and temporaries of a group.
struct StageCounter {
  GroupPlan& plan;
  template <class E>
  void shared(const E&) const {
    plan.stages += structure_of<E>.stages;
    plan.temporaries += structure_of<E>.stages;
  }
  template <class... E>
  void pass(const E&...) const {
    ++plan.stages;
  }
  template <class E>
  void alone(const E&) const {
    plan.stages += structure_of<E>.stages;
    plan.temporaries += structure_of<E>.stages - 1;
  }
};

template <class Group>
[[nodiscard]] GroupPlan run_time_group_plan(const Group& group) {
  return with_results_of(group, [&](const auto&... e) {
    GroupPlan p;
    visit_group(group, NoNames{}, StageCounter{p});
    const hana::basic_tuple<ResultView<std::remove_cvref_t<decltype(e)>>...> nowhere{
        ResultView<std::remove_cvref_t<decltype(e)>>(nullptr, e.shape())...};
    p.workspace_bytes = group_bytes(group, nowhere);
    return with_results(
        p, std::array<std::size_t, sizeof...(e)>{static_cast<std::size_t>(e.shape().size()) *
                                                 sizeof(value_t<decltype(e)>)...});
  });
}

// The explanations of what a group computes, one after the other.
class GroupExplainer {
 public:
  GroupExplainer(TextWriter& out, int& shared, int& results)
      : out_(out), shared_(shared), results_(results) {}

  template <class E>
  void shared(const E& e) const {
    title(literal("Shared value "), ++shared_);
    out_.put(literal(", stored while the results below read it")).line();
    one(e);
  }
  template <class... E>
  void pass(const E&... e) const {
    out_.put(literal("One pass makes the following results")).line();
    out_.line();
    (alone(e), ...);
  }
  template <class E>
  void alone(const E& e) const {
    title(literal("Result "), ++results_);
    out_.line();
    one(e);
  }

 private:
  void title(std::string_view what, int number) const {
    out_.put(what).put(grouped_text(static_cast<std::uint64_t>(number)));
  }
  template <class E>
  void one(const E& e) const {
    const auto p = plan(e);
    const Explainer explainer(p);
    explainer.part(out_, 0);
    if (p.workspace_bytes != 0) explainer.part(out_, 1);
  }

  TextWriter& out_;
  int& shared_;
  int& results_;
};

inline void explain_totals(TextWriter& out, const GroupPlan& p) {
  const auto row = [&](std::string_view what, std::uint64_t n) {
    out.put(what).right(40, grouped_text(n)).put(literal("   ")).put(bytes_text(n)).line();
  };
  out.put(literal("Together  ")).put(grouped_text(static_cast<std::uint64_t>(p.results)));
  out.put(literal(" results, ")).put(grouped_text(static_cast<std::uint64_t>(p.stages)));
  out.put(literal(" stages, ")).put(grouped_text(static_cast<std::uint64_t>(p.temporaries)));
  out.put(literal(" temporaries")).line();
  row(literal("  workspace, B"), p.workspace_bytes);
  row(literal("  workspace if aliased, B"), p.workspace_bytes_if_aliased);
  row(literal("  results, B"), p.result_bytes);
  row(literal("  peak, B"), p.peak_bytes);
}

// The nodes of a group, values of lets counted for each result.
template <class Group>
inline constexpr int group_nodes = 0;
template <class... Part>
inline constexpr int group_nodes<Tie<Part...>> = (0 + ... + (1 + node_count<tied_node_t<Part>>));
template <class Tag, class Bound, class Body>
inline constexpr int group_nodes<LetGroup<Tag, Bound, Body>> =
    static_cast<int>(Body::result_count + 1) * (1 + node_count<Bound>)+group_nodes<Body>;

template <class Group>
inline constexpr std::size_t group_explanation_capacity =
    explanation_capacity(group_nodes<Group>, group_nodes<Group>) +
    (1 + Group::result_count) * explanation_capacity(0, 0);

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: the GroupPlan of a tie, or of a let around one, for the extents that it has now;
// plan_of<G> where those are static. No allocation.
template <ExpressionGroup G>
[[nodiscard]] GroupPlan plan(const G& group) {
  if constexpr (detail::group_is_static<G>)
    return detail::static_group_plan<G>;
  else
    return detail::run_time_group_plan(group);
}

// Formula: the plan of a tie, or of a let around one, as text: what is computed, in that order, each
// value that is stored for several results and each result with the stages and slots of its own plan, as
// explain(e) writes them; which results one pass makes; and what all take together. The slots of a
// result lie above the shared values. Written when it is asked for, into a value of about 1 KiB a
// node. No allocation.
template <ExpressionGroup G>
[[nodiscard]] auto explain(const G& group) {
  return PlanText<detail::group_explanation_capacity<G>>([&](detail::TextWriter& out) {
    int shared = 0, results = 0;
    detail::visit_group(group, detail::NoNames{}, detail::GroupExplainer(out, shared, results));
    detail::explain_totals(out, plan(group));
  });
}

}  // namespace tenon::inline TENON_MODE
