#pragma once
// Evaluation with a packing that another solver found.

#include <tenon/plan/planned.hpp>

#include <tenon/eval/eval.hpp>

namespace tenon::inline TENON_MODE {

// Formula: eval_into(dst, e, scratch(res), planned<E>(text)): dst(i…) = e(i…), the workspace laid out as the
// table says and as large as that takes; all else, true overlap too, as eval_into(dst, e, scratch(res)).
template <ResultDestination Dst, StaticallyPlanned X, MemoryResource W, class E>
  requires std::same_as<detail::planned_t<const X&>, E>
void eval_into(Dst&& dst, const X& x, Scratch<W> workspace, const Planned<E>& planned) {
  using D = detail::Destination<std::remove_reference_t<Dst>>;
  detail::with_node(x, [&](const auto& e) {
    const auto view = D::view(dst);
    detail::check_destination<value_t<X>>("eval_into", view, e.shape());
    detail::check_leaves("eval_into", e);
    detail::evaluate_with<D::may_alias>(planned.placed(), view, e,
                                        detail::ResourceMemory<W>{*workspace.resource});
  });
}

}  // namespace tenon::inline TENON_MODE
