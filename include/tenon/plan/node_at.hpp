#pragma once
// A node of an expression by its place among the records.

#include <tenon/plan/record.hpp>

#include <boost/hana/at.hpp>

#include <cstddef>

namespace tenon::detail::inline TENON_MODE {

template <class E>
struct ChildOf;
template <class E>
struct ChildOf<StageByStage<E>> : ChildOf<E> {};
template <class Op, class T, class S, class... X>
struct ChildOf<Node<Op, T, S, X...>> {
  // The operand that holds node I of the subtree, and the number of nodes before it.
  struct Place {
    int operand = 0;
    int before = 1;
  };
  static consteval Place find(int i) {
    constexpr int counts[] = {node_count<X>...};
    Place place;
    while (i >= place.before + counts[place.operand]) place.before += counts[place.operand++];
    return place;
  }
};

// Node I (in preorder) of the tree under e.
template <int I, class E>
[[nodiscard]] constexpr const auto& node_at(const E& e) {
  if constexpr (I == 0) {
    return e;
  } else {
    constexpr auto place = ChildOf<E>::find(I);
    return node_at<I - place.before>(
        hana::at_c<static_cast<std::size_t>(place.operand)>(e.operands()));
  }
}

// The preorder index of operand K of node I.
template <class E>
consteval int operand_index(int i, std::size_t k) {
  int c = i + 1;
  for (; k > 0; --k) c += pattern_records<E>[static_cast<std::size_t>(c)].subtree;
  return c;
}

}  // namespace tenon::detail::inline TENON_MODE
