#pragma once
// The expression type flattened into an array of plain records, in preorder: a node, then its
// operands from left to right. All planning runs on these, when compiling and when running.

#include <tenon/expr/contraction.hpp>
#include <tenon/expr/join.hpp>
#include <tenon/expr/let.hpp>
#include <tenon/expr/node.hpp>
#include <tenon/expr/pooling.hpp>
#include <tenon/expr/reductions.hpp>
#include <tenon/expr/views.hpp>
#include <tenon/expr/windows.hpp>

#include <array>

namespace tenon::inline TENON_MODE {

// What the planner knows of one node. Extents are patterns (negative: not static) while the
// structure is chosen, numbers when bytes are counted.
struct Record {
  Kind kind = Kind::leaf;
  const char* name = "";
  DType dtype = DType::float32;
  int parent = -1;
  int subtree = 1;  // records of this node and everything below it
  int rank = 0;
  std::array<index_t, static_cast<std::size_t>(max_rank)> extents{};
  int unit_axis = -1;  // the axis that lies in memory order, as far as the type knows; -1: none
  int weight = 0;      // cost of the operation itself, in additions an element
  int flops = 0;  // what an element of it counts as; contractions and reductions are counted apart
  unsigned axes = 0;        // reduce: the axes; normalize, join, slide: the one axis; as a bit mask
  bool contiguous = false;  // a leaf in row-major order
  bool keep_dims = false;   // reduce
  bool holds_functor = false;                      // map: the functor is more than its type
  bool left_vector = false, right_vector = false;  // contract
  bool grouped = false;  // contract: the last batch axis of the operands is part of the rows
  int column_axes = 1;   // contract: how many axes the columns are in the result
  std::array<signed char, static_cast<std::size_t>(max_rank)>
      source{};             // view: axis of the operand
  unsigned whole_axes = 0;  // view: the axes of the operand that are walked whole, as a bit mask
  int let = -1;             // bound: the let whose value it names
  int threads = 1;          // the plan's number of threads; all planning is for one

  [[nodiscard]] constexpr index_t size() const noexcept {
    index_t n = 1;
    for (int i = 0; i < rank; ++i) n *= extents[static_cast<std::size_t>(i)];
    return n;
  }
  [[nodiscard]] constexpr index_t extent(int axis) const noexcept {
    return extents[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
  }
};

template <int N>
using Records = std::array<Record, static_cast<std::size_t>(N)>;

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// The lets around a node, innermost first: their names and their places among the records.
struct NoLets {
  template <class Tag>
  [[nodiscard]] constexpr int find() const noexcept {
    return -1;
  }
};
template <class Name, class Outer>
struct InLet {
  int place;
  Outer outer;
  template <class Tag>
  [[nodiscard]] constexpr int find() const noexcept {
    if constexpr (std::same_as<Tag, Name>)
      return place;
    else
      return outer.template find<Tag>();
  }
};

// An expression that is planned without row-block regions, stage by stage: to compare with.
template <class E>
class StageByStage : public E {
 public:
  constexpr explicit StageByStage(E e) : E(std::move(e)) {}
};
template <class E>
StageByStage(E) -> StageByStage<E>;

template <class E>
inline constexpr bool is_stage_by_stage = false;
template <class E>
inline constexpr bool is_stage_by_stage<StageByStage<E>> = true;

// The number of records of a node type.
template <class E>
inline constexpr int node_count = 1;
template <class E>
inline constexpr int node_count<StageByStage<E>> = node_count<E>;
template <class Op, class T, class S, class... X>
inline constexpr int node_count<Node<Op, T, S, X...>> = (1 + ... + node_count<X>);

template <class Layout>
inline constexpr int static_unit_axis = -1;
template <index_t... S>
inline constexpr int static_unit_axis<static_strides<S...>> = [] {
  int axis = -1, i = 0;
  ((axis = S == 1 ? i : axis, ++i), ...);
  return axis;
}();

template <class E>
consteval int leaf_unit_axis() {
  using Layout = typename E::layout_type;
  if constexpr (std::same_as<Layout, row_major>)
    return E::shape_type::rank() - 1;
  else if constexpr (std::same_as<Layout, column_major>)
    return E::shape_type::rank() == 0 ? -1 : 0;
  else
    return static_unit_axis<Layout>;
}

// What the type of a node says, but for its place in the tree and its unit axis.
template <class E>
consteval Record record_of() {
  Record r;
  r.kind = E::kind;
  r.dtype = dtype_of<value_t<E>>;
  r.subtree = node_count<E>;
  r.rank = shape_t<E>::rank();
  for (std::size_t i = 0; i < shape_t<E>::pattern.size(); ++i)
    r.extents[i] = shape_t<E>::pattern[i];
  if constexpr (E::kind == Kind::leaf) {
    r.name = "leaf";
    r.contiguous = std::same_as<typename E::layout_type, row_major>;
    r.unit_axis = leaf_unit_axis<E>();
  } else if constexpr (E::kind == Kind::scalar) {
    r.name = "scalar";
  } else if constexpr (E::kind == Kind::bound) {
    r.name = "bound";
  } else if constexpr (E::kind == Kind::map) {
    using F = typename E::op_type::functor_type;
    r.name = functor_name<F>();
    r.holds_functor = !is_stateless<F>;
    if constexpr (requires { F::weight; })
      r.weight = F::weight;
    else
      r.weight = 1;
    if constexpr (requires { F::flops; })
      r.flops = F::flops;
    else
      r.flops = r.weight;
  } else {
    using Op = typename E::op_type;
    r.name = Op::name;
    if constexpr (E::kind == Kind::reduce) {
      r.axes = Op::axes;
      r.keep_dims = Op::keep_dims;
    } else if constexpr (E::kind == Kind::join || E::kind == Kind::slide) {
      r.axes = 1U << Op::axis;
    } else if constexpr (E::kind == Kind::normalize) {
      r.axes = 1U << Op::axis;
      r.flops = Op::flops;
    } else if constexpr (E::kind == Kind::contract) {
      r.left_vector = Op::left_vector;
      r.right_vector = Op::right_vector;
      if constexpr (is_convolution<Op>) {
        r.grouped = Op::grouped;
        r.column_axes = Op::places_axes;
      }
    } else if constexpr (E::kind == Kind::view) {
      r.whole_axes = Op::whole_axes;
      for (std::size_t d = 0; d < Op::source.size(); ++d)
        r.source[d] = static_cast<signed char>(
            Op::source[d] >= 0 && ((Op::unit_axes >> Op::source[d]) & 1U) != 0 ? Op::source[d]
                                                                               : -1);
    }
  }
  return r;
}

template <class E>
struct Flatten {
  template <std::size_t N, class Lets>
  static constexpr int into(std::array<Record, N>& records, int at, int parent, const Lets& lets) {
    Record& r = records[static_cast<std::size_t>(at)];
    r = record_of<E>();
    r.parent = parent;
    if constexpr (E::kind == Kind::bound) r.let = lets.template find<typename E::tag>();
    return at + 1;
  }
};
template <class E>
struct Flatten<StageByStage<E>> : Flatten<E> {};
template <class Op, class T, class S, class... X>
struct Flatten<Node<Op, T, S, X...>> {
  template <std::size_t N, class Lets>
  static constexpr int into(std::array<Record, N>& records, int at, int parent, const Lets& lets) {
    records[static_cast<std::size_t>(at)] = record_of<Node<Op, T, S, X...>>();
    records[static_cast<std::size_t>(at)].parent = parent;
    if constexpr (Op::kind == Kind::let) {
      return let_into<X...>(records, at, lets);
    } else {
      int next = at + 1;
      ((next = Flatten<X>::into(records, next, at, lets)), ...);
      return next;
    }
  }

 private:
  template <class Bound, class Body, std::size_t N, class Lets>
  static constexpr int let_into(std::array<Record, N>& records, int at, const Lets& lets) {
    const int body = Flatten<Bound>::into(records, at + 1, at, lets);
    return Flatten<Body>::into(records, body, at, InLet<typename Op::tag, Lets>{at, lets});
  }
};

// The axis in memory order of every node, from the leaves up.
template <std::size_t N>
constexpr void find_unit_axes(std::array<Record, N>& records) {
  for (std::size_t i = N; i-- > 0;) {
    Record& r = records[i];
    const auto first = i + 1;
    switch (r.kind) {
      case Kind::leaf:
      case Kind::scalar:
        break;
      case Kind::map:
        for (std::size_t c = first; c < i + static_cast<std::size_t>(r.subtree);
             c += static_cast<std::size_t>(records[c].subtree)) {
          const Record& x = records[c];
          if (r.unit_axis < 0 && x.unit_axis >= 0 && x.extent(x.unit_axis) != 1)
            r.unit_axis = x.unit_axis + r.rank - x.rank;
        }
        break;
      case Kind::view:
        for (int d = 0; d < r.rank; ++d)
          if (records[first].unit_axis >= 0 &&
              r.source[static_cast<std::size_t>(d)] == records[first].unit_axis)
            r.unit_axis = d;
        break;
      case Kind::let: {
        const auto body = first + static_cast<std::size_t>(records[first].subtree);
        r.unit_axis = records[body].unit_axis;
        break;
      }
      default:  // computed in row-major order
        r.unit_axis = r.rank - 1;
    }
  }
}

template <class E>
consteval auto make_pattern_records() {
  Records<node_count<E>> records{};
  Flatten<E>::into(records, 0, -1, NoLets{});
  find_unit_axes(records);
  return records;
}

// The records of an expression type, extents as patterns.
template <class E>
inline constexpr auto pattern_records = make_pattern_records<E>();

template <class E>
inline constexpr bool planned_when_compiling = [] {
  for (const Record& r : pattern_records<E>)
    for (int i = 0; i < r.rank; ++i)
      if (is_unbounded_extent(r.extent(i))) return false;
  return true;
}();

// The records with numbers for extents: static ones, and bounded ones at their bound.
template <class E>
  requires planned_when_compiling<E>
[[nodiscard]] consteval auto bound_records() {
  auto records = pattern_records<E>;
  for (Record& r : records)
    for (int i = 0; i < r.rank; ++i)
      r.extents[static_cast<std::size_t>(i)] = bound_of(r.extents[static_cast<std::size_t>(i)]);
  return records;
}

template <std::size_t N, class E>
constexpr std::size_t fill_extents(std::array<Record, N>& records, std::size_t at, const E& e) {
  const auto extents = e.shape().extents();
  for (std::size_t i = 0; i < extents.size(); ++i) records[at].extents[i] = extents[i];
  std::size_t next = at + 1;
  if constexpr (node_count<E> > 1)
    hana::unpack(e.operands(),
                 [&](const auto&... x) { ((next = fill_extents(records, next, x)), ...); });
  return next;
}

// The records of an expression, extents as they are now.
template <class E>
[[nodiscard]] constexpr auto run_time_records(const E& e) {
  auto records = pattern_records<E>;
  fill_extents(records, 0, e);
  return records;
}

}  // namespace tenon::detail::inline TENON_MODE
