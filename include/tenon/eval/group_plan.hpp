#pragma once
// The plan of several results: which of them one pass yields, and how many bytes they need together.
//
// A shared value that has to be stored lies at the bottom of the workspace for as long as the results
// are computed; above it is the room of one result's own plan at a time. Results of one pass:
//   elementwise results of one shape, with the shared value in registers where it is elementwise, and
//   in the epilogue of the contraction, reduction or normalisation that it is made of;
//   sums, products and extremes over the same axes of operands of one shape, which may share a value.

#include <tenon/eval/cursors.hpp>

#include <tenon/plan/plan.hpp>

namespace tenon::inline TENON_MODE {

// What evaluating a tie takes. Members as in Plan; result_bytes is the sum of the results', each but
// the last rounded up to 64 in peak_bytes and workspace_bytes_if_aliased.
struct GroupPlan {
  std::size_t workspace_bytes = 0;
  std::size_t workspace_bytes_if_aliased = 0;
  std::size_t result_bytes = 0;
  std::size_t peak_bytes = 0;
  int results = 0;
  int stages = 0;
  int temporaries = 0;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// What the names of lets around an expression stand for: leaves, innermost first.
struct NoNames {};
template <class Tag, class Leaf, class Outer>
struct Named {
  Leaf leaf;
  Outer outer;
};

template <class Tag, class Otherwise>
[[nodiscard]] constexpr auto lookup_name(const NoNames&, const Otherwise& otherwise) {
  return otherwise;
}
template <class Tag, class Name, class Leaf, class Outer, class Otherwise>
[[nodiscard]] constexpr auto lookup_name(const Named<Name, Leaf, Outer>& names,
                                         const Otherwise& otherwise) {
  if constexpr (std::same_as<Tag, Name>)
    return names.leaf;
  else
    return lookup_name<Tag>(names.outer, otherwise);
}

// Formula: e with leaves for the names; what e owns it reads from where it lies.
template <class E, class Names>
[[nodiscard]] constexpr auto substitute(const E& e, const Names& names) {
  if constexpr (E::kind == Kind::bound) {
    return lookup_name<typename E::tag>(names, e);
  } else if constexpr (E::kind == Kind::leaf) {
    if constexpr (std::is_copy_constructible_v<E>)
      return e;
    else
      return leaf_of_view(e.view());
  } else if constexpr (E::kind == Kind::scalar) {
    return e;
  } else {
    return hana::unpack(e.operands(), [&](const auto&... x) {
      return make_node<typename E::op_type, value_t<E>>(e.op(), e.shape(), substitute(x, names)...);
    });
  }
}
template <class E, class Names>
using substitute_t = decltype(substitute(std::declval<const E&>(), std::declval<const Names&>()));

// The leaf that reads a stored value.
template <class E>
using StoredLeaf = ViewLeaf<value_t<E>, shape_t<E>, row_major>;

// The ordinary let around one result of a group.
template <class Tag, class Bound, class E>
using LetNode = Node<Let<Tag>, value_t<E>, shape_t<E>, Bound, E>;

// True where E is one run of a kernel.
template <class E>
consteval bool is_one_stage() {
  constexpr auto& structure = structure_of<E>;
  if constexpr (requires { structure.is_region(0); }) {
    if (structure.is_region(0)) return false;
  }
  return structure.stages == 1;
}

template <class First, class... Rest>
inline constexpr bool same_shape_types = (std::same_as<shape_t<First>, shape_t<Rest>> && ...);

// Elementwise results of one shape: one loop.
template <class... E>
consteval bool fuses_loop() {
  if constexpr (sizeof...(E) < 2 || !same_shape_types<E...>)
    return false;
  else
    return ((is_one_stage<E>() && structure_of<E>.core[0] < 0 && shape_t<E>::rank() > 0) && ...);
}

// The same around a value that stays in registers, or is the core of the one stage.
template <class Tag, class Bound, class... E>
consteval bool fuses_let_loop() {
  if constexpr (!same_shape_types<Bound, E...> || shape_t<Bound>::rank() == 0) {
    return false;
  } else {
    constexpr std::array cores{structure_of<LetNode<Tag, Bound, E>>.core[0]...};
    for (const int core : cores)
      if (core != cores[0] || core > node_count<Bound>) return false;
    return ((is_one_stage<LetNode<Tag, Bound, E>>() &&
             structure_of<LetNode<Tag, Bound, E>>.in_registers[0]) &&
            ...);
  }
}

// The operand of the reduction at node Core of E.
template <class E, int Core>
using folded_t = std::remove_cvref_t<decltype(node_at<Core + 1>(std::declval<const E&>()))>;

// What has to agree for two reductions to be one pass.
struct FoldShape {
  bool is_fold = false;
  unsigned axes = 0;
  bool keep_dims = false, along = false;
  int pack = 0, lanes = 0;
  friend constexpr bool operator==(const FoldShape&, const FoldShape&) = default;
};

// E: closed, with a reduction at structure_of<E>.core[0]. Operand: the record of what it folds.
template <class E>
consteval FoldShape fold_shape(const Record& operand, unsigned sizes) {
  constexpr int core = structure_of<E>.core[0];
  if constexpr (core < 0) {
    return {};
  } else {
    constexpr auto& record = pattern_records<E>[static_cast<std::size_t>(core)];
    using N = std::remove_cvref_t<decltype(node_at<core>(std::declval<const E&>()))>;
    if constexpr (record.kind != Kind::reduce) {
      return {};
    } else {
      using Fold = typename N::op_type::fold_type;
      constexpr bool index = !std::same_as<typename Fold::template result<float>, float> &&
                             !std::same_as<typename Fold::template result<float>, sum_t<float>>;
      const int lanes = static_cast<int>(sizes | static_cast<unsigned>(size_bytes(record.dtype)));
      return {is_one_stage<E>() && !index && operand.rank > 0,
              record.axes,
              record.keep_dims,
              runs_along(record, operand),
              pack_axis(operand),
              lanes};
    }
  }
}

// The element sizes that an elementwise tree reads, as its cursor would say.
template <class E>
inline constexpr unsigned element_sizes_of = [] {
  unsigned sizes = 0;
  for (const Record& r : pattern_records<E>) sizes |= static_cast<unsigned>(size_bytes(r.dtype));
  return sizes;
}();

template <class... E>
consteval bool fuses_folds() {
  if constexpr (sizeof...(E) < 2 || !same_shape_types<E...>) {
    return false;
  } else if constexpr (!((structure_of<E>.core[0] >= 0) && ...)) {
    return false;
  } else if constexpr (!same_shape_types<folded_t<E, structure_of<E>.core[0]>...>) {
    return false;
  } else {
    constexpr std::array shapes{
        fold_shape<E>(pattern_records<E>[static_cast<std::size_t>(structure_of<E>.core[0] + 1)],
                      element_sizes_of<folded_t<E, structure_of<E>.core[0]>>)...};
    for (const FoldShape& s : shapes)
      if (!s.is_fold || s != shapes[0]) return false;
    return true;
  }
}

// The number of records from `first` on, `count` of them, that name the let at record 0.
template <class E>
consteval int names_of_outer_let(int first, int count) {
  int names = 0;
  for (int i = first; i < first + count; ++i) {
    const Record& r = pattern_records<E>[static_cast<std::size_t>(i)];
    names += r.kind == Kind::bound && r.let == 0 ? 1 : 0;
  }
  return names;
}

// Core: of the closed form of E, where a leaf stands for the name.
template <class Tag, class Bound, class E, class Closed>
consteval bool folds_let() {
  constexpr int core = structure_of<Closed>.core[0];
  if constexpr (core < 0) {
    return false;
  } else if constexpr (pattern_records<Closed>[static_cast<std::size_t>(core)].kind !=
                       Kind::reduce) {
    return false;
  } else {
    using Operand = folded_t<E, core>;
    using Inner = LetNode<Tag, Bound, Operand>;
    using Whole = LetNode<Tag, Bound, E>;
    constexpr int body = 1 + node_count<Bound>;
    return is_one_stage<Inner>() && structure_of<Inner>.core[0] < 0 &&
           structure_of<Inner>.in_registers[0] && std::same_as<shape_t<Operand>, shape_t<Bound>> &&
           names_of_outer_let<Whole>(body, node_count<E>) ==
               names_of_outer_let<Whole>(body + core, node_count<Operand> + 1);
  }
}

// Reductions whose operands share a value that stays in registers.
template <class Tag, class Bound, class... E>
consteval bool fuses_let_folds() {
  using Names = Named<Tag, StoredLeaf<Bound>, NoNames>;
  if constexpr (sizeof...(E) < 2 || !same_shape_types<E...>) {
    return false;
  } else if constexpr (!(folds_let<Tag, Bound, E, substitute_t<E, Names>>() && ...)) {
    return false;
  } else {
    constexpr std::array shapes{fold_shape<substitute_t<E, Names>>(
        pattern_records<
            LetNode<Tag, Bound, folded_t<E, structure_of<substitute_t<E, Names>>.core[0]>>>[0],
        element_sizes_of<Bound> |
            element_sizes_of<folded_t<E, structure_of<substitute_t<E, Names>>.core[0]>>)...};
    for (const FoldShape& s : shapes)
      if (!s.is_fold || s != shapes[0]) return false;
    return true;
  }
}

constexpr std::size_t larger(std::size_t a, std::size_t b) noexcept { return a < b ? b : a; }

// Bytes and stages of a group whose extents are static or bounded. Shapes of one type may differ
// within their bounds, and then take more passes: both ways have to fit.
template <class Group, class Names = NoNames>
struct StaticGroup;

template <class... Part, class Names>
struct StaticGroup<Tie<Part...>, Names> {
  static consteval GroupPlan plan() { return of<substitute_t<tied_node_t<Part>, Names>...>(); }

 private:
  template <class... E>
  static consteval GroupPlan of() {
    GroupPlan p;
    ((p.workspace_bytes = larger(p.workspace_bytes, static_slots<E>.workspace_bytes)), ...);
    p.stages = fuses_loop<E...>() || fuses_folds<E...>() ? 1 : (structure_of<E>.stages + ...);
    p.temporaries = p.stages == 1 ? 0 : ((structure_of<E>.stages - 1) + ...);
    return p;
  }
};

template <class Tag, class Bound, class Body, class Names>
struct StaticGroup<LetGroup<Tag, Bound, Body>, Names> {
  using Value = substitute_t<Bound, Names>;

  static consteval GroupPlan plan() {
    if constexpr (Value::kind == Kind::leaf) {
      return StaticGroup<Body, Named<Tag, Value, Names>>::plan();
    } else {
      constexpr std::size_t own_bytes = static_slots<Value>.workspace_bytes;
      constexpr std::size_t value_bytes = record_bytes(bound_records<Value>()[0]);
      GroupPlan p = StaticGroup<Body, Named<Tag, StoredLeaf<Value>, Names>>::plan();
      const std::size_t above = larger(p.workspace_bytes, own_bytes);
      p.workspace_bytes =
          above == 0 ? value_bytes : align_up(value_bytes, workspace_alignment) + above;
      p.stages += structure_of<Value>.stages;
      p.temporaries += structure_of<Value>.stages;
      return fused(p, std::type_identity<Body>{});
    }
  }

 private:
  template <class Other>
  static consteval GroupPlan fused(const GroupPlan& stored, std::type_identity<Other>) {
    return stored;
  }
  template <class... Part>
  static consteval GroupPlan fused(GroupPlan p, std::type_identity<Tie<Part...>>) {
    return fused_results<substitute_t<tied_node_t<Part>, Names>...>(p);
  }
  template <class... E>
  static consteval GroupPlan fused_results(GroupPlan p) {
    constexpr bool loop = fuses_let_loop<Tag, Value, E...>();
    constexpr bool folds = fuses_let_folds<Tag, Value, E...>();
    if constexpr (loop || folds) {
      constexpr bool certain = (shape_t<Value>::is_static && ... && shape_t<E>::is_static);
      std::size_t bytes = 0;
      if constexpr (loop)
        ((bytes = larger(bytes, static_slots<LetNode<Tag, Value, E>>.workspace_bytes)), ...);
      p.workspace_bytes = certain ? bytes : larger(p.workspace_bytes, bytes);
      p.stages = 1;
      p.temporaries = 0;
    }
    return p;
  }
};

// The bytes of results that lie one behind the other, each but the last rounded up.
template <std::size_t N>
[[nodiscard]] constexpr std::size_t row_of_results(const std::array<std::size_t, N>& bytes) {
  std::size_t sum = 0;
  for (const std::size_t b : bytes) sum = align_up(sum, workspace_alignment) + b;
  return sum;
}

template <std::size_t N>
[[nodiscard]] constexpr GroupPlan with_results(GroupPlan p,
                                               const std::array<std::size_t, N>& bytes) {
  p.results = static_cast<int>(N);
  for (const std::size_t b : bytes) {
    p.result_bytes += b;
    p.peak_bytes += align_up(b, workspace_alignment);
  }
  p.peak_bytes += p.workspace_bytes;
  p.workspace_bytes_if_aliased =
      align_up(p.workspace_bytes, workspace_alignment) + row_of_results(bytes);
  return p;
}

template <class Group>
struct ResultsOf : ResultsOf<std::remove_cvref_t<decltype(std::declval<const Group&>().body())>> {};
template <class... Part>
struct ResultsOf<Tie<Part...>> {
  static consteval auto bytes() {
    return std::array<std::size_t, sizeof...(Part)>{
        record_bytes(bound_records<tied_node_t<Part>>()[0])...};
  }
};

template <class Group>
inline constexpr GroupPlan static_group_plan =
    with_results(StaticGroup<Group>::plan(), ResultsOf<Group>::bytes());

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: plan_of<decltype(tie(…))>: the GroupPlan of all its results together.
template <StaticallyPlannedGroup G>
inline constexpr auto plan_of<G> = detail::static_group_plan<std::remove_cvref_t<G>>;

}  // namespace tenon::inline TENON_MODE
