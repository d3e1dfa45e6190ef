#pragma once
// Evaluating several results together.

#include <tenon/eval/eval.hpp>
#include <tenon/eval/joint.hpp>

#include <tuple>

namespace tenon::detail::inline TENON_MODE {

// The workspace of a group while its results are made: kept values below `used`, the room of one
// result's plan above. Without a base nothing runs, and `peak` counts the bytes.
struct GroupWorkspace {
  std::byte* base = nullptr;
  bool runs = false;
  std::size_t used = 0;
  std::size_t peak = 0;

  void need(std::size_t bytes) noexcept {
    if (bytes > 0) peak = larger(peak, used + bytes);
  }
  [[nodiscard]] std::byte* at(std::size_t offset) const noexcept {
    return base == nullptr ? nullptr : base + offset;
  }
};

// e into dst, as a plan of its own above what is kept.
template <class E, class Dst>
void run_alone(const E& e, const Dst& dst, GroupWorkspace& workspace) {
  const auto& slots = slots_of(e);
  workspace.need(slots.workspace_bytes);
  if (workspace.runs) run(e, slots, dst, workspace.at(workspace.used));
}

template <class Tag, class Leaf, class Names>
[[nodiscard]] constexpr auto named(const Leaf& leaf, const Names& names) {
  return Named<Tag, Leaf, Names>{leaf, names};
}

// f(e…) with the closed nodes of a tie.
template <class... Part, class Names, class F>
decltype(auto) with_closed(const Tie<Part...>& tie, const Names& names, const F& f) {
  return hana::unpack(tie.parts(), [&](const auto&... part) -> decltype(auto) {
    return f(substitute(tied_node(part), names)...);
  });
}

template <class Body>
inline constexpr bool is_tie = false;
template <class... Part>
inline constexpr bool is_tie<Tie<Part...>> = true;

// Every result of a group into its destination, one of `dsts`.
template <class... Part, class Names, class Dsts>
void run_group(const Tie<Part...>& tie, const Names& names, const Dsts& dsts,
               GroupWorkspace& workspace) {
  with_closed(tie, names, [&](const auto&... e) {
    if (workspace.runs ? run_jointly(dsts, e...) : joins(e...)) return;
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (run_alone(e, hana::at_c<K>(dsts), workspace), ...);
    }(std::make_index_sequence<sizeof...(Part)>{});
  });
}

template <class Tag, class Bound, class Body, class Names, class Dsts>
void run_group(const LetGroup<Tag, Bound, Body>& let, const Names& names, const Dsts& dsts,
               GroupWorkspace& workspace) {
  const auto value = substitute(let.bound(), names);
  using Value = std::remove_const_t<decltype(value)>;
  if constexpr (Value::kind == Kind::leaf) {
    run_group(let.body(), named<Tag>(value, names), dsts, workspace);
  } else {
    if constexpr (is_tie<Body>) {
      const bool done = with_closed(let.body(), names, [&](const auto&... e) {
        return run_in_let<Tag>(dsts, workspace, value, e...);
      });
      if (done) return;
    }
    const std::size_t place = workspace.used;
    const auto bytes = static_cast<std::size_t>(value.shape().size()) * sizeof(value_t<Value>);
    const TensorView<value_t<Value>, shape_t<Value>> kept(
        reinterpret_cast<value_t<Value>*>(workspace.at(place)), value.shape());
    workspace.need(bytes);
    workspace.used += align_up(bytes, workspace_alignment);
    run_alone(value, kept, workspace);
    run_group(let.body(), named<Tag>(StoredLeaf<Value>(kept), names), dsts, workspace);
    workspace.used = place;
  }
}

// True where making the results in place could read an element after it was overwritten. What a stored
// value reads was read before any result is written.
template <class... Part, class Names, class... Dst>
[[nodiscard]] bool group_conflicts(const Tie<Part...>& tie, const Names& names,
                                   const hana::basic_tuple<Dst...>& dsts) {
  return with_closed(tie, names, [&](const auto&... e) {
    const bool joint = joins(e...);
    std::size_t k = 0;
    const auto of_result = [&](const auto& one) {
      std::size_t j = 0;
      const bool found = hana::unpack(dsts, [&](const auto&... dst) {
        return ((j++ < k && !joint ? reads_any_of(one, dst)
                                   : (joint || j == k + 1) && conflicts(one, dst)) ||
                ...);
      });
      ++k;
      return found;
    };
    return (of_result(e) || ...);
  });
}

template <class Tag, class Bound, class Body, class Names, class Dsts>
[[nodiscard]] bool group_conflicts(const LetGroup<Tag, Bound, Body>& let, const Names& names,
                                   const Dsts& dsts) {
  const auto value = substitute(let.bound(), names);
  using Value = std::remove_const_t<decltype(value)>;
  if constexpr (Value::kind == Kind::leaf) {
    return group_conflicts(let.body(), named<Tag>(value, names), dsts);
  } else {
    if constexpr (is_tie<Body>) {
      const bool in_let = with_closed(
          let.body(), names, [&](const auto&... e) { return joins_in_let<Tag>(value, e...); });
      if (in_let)
        return with_closed(let.body(), names, [&](const auto&... e) {
          return hana::unpack(dsts, [&](const auto&... dst) {
            return (let_conflicts<Tag>(value, dst, e...) || ...);
          });
        });
    }
    const StoredLeaf<Value> nowhere{
        TensorView<const value_t<Value>, shape_t<Value>>(nullptr, value.shape())};
    return group_conflicts(let.body(), named<Tag>(nowhere, names), dsts);
  }
}

template <class Group>
[[nodiscard]] constexpr const auto& tie_of(const Group& group) noexcept {
  if constexpr (is_tie<Group>)
    return group;
  else
    return tie_of(group.body());
}

// f(node…) with the results of a group, open: their shapes and types.
template <class Group, class F>
decltype(auto) with_results_of(const Group& group, const F& f) {
  return hana::unpack(tie_of(group).parts(),
                      [&](const auto&... part) -> decltype(auto) { return f(tied_node(part)...); });
}

template <class Group>
void check_group_leaves(const char* operation, const Group& group) {
  if constexpr (is_tie<Group>) {
    with_results_of(group, [&](const auto&... e) { (check_leaves(operation, e), ...); });
  } else {
    check_leaves(operation, group.bound());
    check_group_leaves(operation, group.body());
  }
}

// The workspace that a group needs now, for destinations that nothing conflicts with.
template <class Group, class Dsts>
[[nodiscard]] std::size_t group_bytes(const Group& group, const Dsts& dsts) {
  if constexpr (group_is_static<Group>) {
    return static_group_plan<Group>.workspace_bytes;
  } else {
    GroupWorkspace counted;
    run_group(group, NoNames{}, dsts, counted);
    return counted.peak;
  }
}

template <class E>
using ResultView = TensorView<value_t<E>, shape_t<E>>;

// Every result into a temporary, then into its destination.
template <class Group, class... Dst>
void run_group_through_temporaries(const Group& group, const hana::basic_tuple<Dst...>& dsts,
                                   GroupWorkspace& workspace, std::size_t above) {
  const auto temporaries = with_results_of(group, [&](const auto&... e) {
    const auto next = [&](const auto& one) {
      using E = std::remove_cvref_t<decltype(one)>;
      above = align_up(above, workspace_alignment);
      const ResultView<E> view(reinterpret_cast<value_t<E>*>(workspace.at(above)), one.shape());
      above += static_cast<std::size_t>(one.shape().size()) * sizeof(value_t<E>);
      return view;
    };
    return hana::basic_tuple<ResultView<std::remove_cvref_t<decltype(e)>>...>{next(e)...};
  });
  run_group(group, NoNames{}, temporaries, workspace);
  GroupWorkspace none{nullptr, true};
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    (run_alone(leaf_of_view(hana::at_c<K>(temporaries)), hana::at_c<K>(dsts), none), ...);
  }(std::make_index_sequence<sizeof...(Dst)>{});
}

template <class... Dst>
void require_separate(const hana::basic_tuple<Dst...>& dsts) {
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    const auto separate = [&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
      return (... && (K >= J || !may_meet(hana::at_c<K>(dsts), hana::at_c<J>(dsts))));
    };
    if (!(separate(std::integral_constant<std::size_t, K>{}) && ...))
      raise<ContractError>("eval_into", "two destinations of a tie share elements");
  }(std::make_index_sequence<sizeof...(Dst)>{});
}

// The destinations of a tie of tensors and views.
template <class... Part>
[[nodiscard]] constexpr auto destinations_of(const Tie<Part...>& tie) {
  static_assert((is_tied_tensor<Part> && ...),
                "The destinations of eval_into are tensors that have a name, or views.");
  return hana::unpack(tie.parts(), [](const auto&... part) {
    return hana::basic_tuple<std::remove_cvref_t<decltype(part.view)>...>{part.view...};
  });
}

template <class Dst, class E>
void check_result(const Dst& dst, const E& e) {
  check_destination<value_t<E>>("eval_into", dst, e.shape());
}

template <class... Dst, class Group>
void check_destinations(const hana::basic_tuple<Dst...>& dsts, const Group& group) {
  static_assert(sizeof...(Dst) == Group::result_count,
                "eval_into needs as many destinations as there are results.");
  if constexpr (sizeof...(Dst) == Group::result_count)
    with_results_of(group, [&](const auto&... e) {
      [&]<std::size_t... K>(std::index_sequence<K...>) {
        (check_result(hana::at_c<K>(dsts), e), ...);
      }(std::make_index_sequence<sizeof...(Dst)>{});
    });
  check_group_leaves("eval_into", group);
  require_separate(dsts);
}

// The workspace of `bytes` and a temporary for every result behind it.
template <class Group>
[[nodiscard]] std::size_t aliased_group_bytes(const Group& group, std::size_t bytes) {
  std::size_t total = align_up(bytes, workspace_alignment);
  with_results_of(group, [&](const auto&... e) {
    ((total = align_up(total, workspace_alignment) +
              static_cast<std::size_t>(e.shape().size()) * sizeof(value_t<decltype(e)>)),
     ...);
  });
  return total;
}

// Evaluates a group into views; memory(bytes) gives the workspace, and its lifetime.
template <bool MayAlias, class Group, class Dsts, class Memory>
void evaluate_group_into(const Dsts& dsts, const Group& group, const Memory& memory) {
  const std::size_t bytes = group_bytes(group, dsts);
  bool conflict = false;
  if constexpr (MayAlias) conflict = group_conflicts(group, NoNames{}, dsts);
  const auto block = memory(conflict ? aliased_group_bytes(group, bytes) : bytes);
  GroupWorkspace workspace{block.data(), true};
  if (conflict)
    run_group_through_temporaries(group, dsts, workspace, bytes);
  else
    run_group(group, NoNames{}, dsts, workspace);
}

template <class... T, class... S>
[[nodiscard]] auto views_of(std::tuple<Tensor<T, S>...>& tensors) {
  return std::apply(
      [](auto&... tensor) {
        return hana::basic_tuple<TensorView<T, S>...>{
            TensorView<T, S>(tensor.data(), tensor.shape())...};
      },
      tensors);
}

template <class Group, class Result, class Scratchpad>
[[nodiscard]] auto evaluate_group(const Group& group, Result& results, Scratchpad& scratchpad) {
  check_group_leaves("eval", group);
  auto all = with_results_of(group, [&](const auto&... e) {
    return std::tuple<Tensor<value_t<decltype(e)>, shape_t<decltype(e)>>...>{
        Tensor<value_t<decltype(e)>, shape_t<decltype(e)>>(e.shape(), results)...};
  });
  const auto views = views_of(all);
  evaluate_group_into<false>(views, group, [&](std::size_t bytes) {
    return WorkspaceBlock<Scratchpad>(scratchpad, bytes);
  });
  return all;
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: eval(tie(a, b, …), res) is the std::tuple of eval(a, res), eval(b, res), …: new tensors.
// A value shared by let around the tie is computed once. One pass makes all results that are
// elementwise and of one shape, a contraction's outputs included, and sums, products and extremes over
// the same axes of operands of one shape. The bits are those of eval(a, res), but for sums over a value
// that is shared, stored, and of another element size than what it is made of.
// Memory: the results in order, then one workspace, as plan_of<decltype(tie(…))> says where that is a
// constant; the workspace goes back before return. Errors: those of eval.
template <ExpressionGroup G, MemoryResource R>
[[nodiscard]] auto eval(const G& group, R& resource) {
  return detail::evaluate_group(group, resource, resource);
}
template <ExpressionGroup G>
[[nodiscard]] auto eval(const G& group, std::pmr::memory_resource* resource) {
  return eval(group, *resource);
}
template <ExpressionGroup G, MemoryResource R, MemoryResource W>
[[nodiscard]] auto eval(const G& group, R& results, Scratch<W> workspace) {
  return detail::evaluate_group(group, results, *workspace.resource);
}

// Formula: eval_into(tie(x, y, …), tie(a, b, …), …): x = a, y = b, …, as if all were computed first.
// Where a destination truly overlaps what is read later, all results are made beside their
// destinations and copied: workspace_bytes_if_aliased.
// Errors: those of eval_into for each pair; ContractError where two destinations share elements.
template <class... Part, ExpressionGroup G, MemoryResource W>
void eval_into(const Tie<Part...>& destinations, const G& group, Scratch<W> workspace) {
  const auto dsts = detail::destinations_of(destinations);
  detail::check_destinations(dsts, group);
  detail::evaluate_group_into<true>(dsts, group, [&](std::size_t bytes) {
    return detail::WorkspaceBlock<W>(*workspace.resource, bytes);
  });
}

// The same for a group with a constant plan and the storage that it asks for. No allocation.
// Errors: ContractError where a destination truly overlaps an operand, unless it is a
// Workspace<E, aliased>.
template <class... Part, StaticallyPlannedGroup G, StaticallyPlannedGroup E, bool Aliased>
  requires std::same_as<G, std::remove_cvref_t<E>>
void eval_into(const Tie<Part...>& destinations, const G& group, Workspace<E, Aliased>& workspace) {
  const auto dsts = detail::destinations_of(destinations);
  detail::check_destinations(dsts, group);
  detail::evaluate_group_into<true>(
      dsts, group, detail::BorrowedMemory{workspace.bytes, Workspace<E, Aliased>::size_bytes});
}

// The same for results that need no workspace.
// Errors: ContractError where they do, or where destinations overlap operands.
template <class... Part, ExpressionGroup G>
void eval_into(const Tie<Part...>& destinations, const G& group) {
  const auto dsts = detail::destinations_of(destinations);
  detail::check_destinations(dsts, group);
  detail::evaluate_group_into<true>(dsts, group, [&](std::size_t bytes) {
    detail::require_room("eval_into", bytes, 0);
    return detail::BorrowedBlock{nullptr};
  });
}

}  // namespace tenon::inline TENON_MODE
