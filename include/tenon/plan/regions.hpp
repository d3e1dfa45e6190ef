#pragma once
// Row-block regions: stages in which a block of rows of the result needs only that block of rows of
// what lies between run together, block of rows by block of rows, so that what lies between is as
// large as a block and stays in the cache.
//
// A region is a stage of the plan. Its block of rows is an expression of its own (plan/window.hpp),
// made by pushing the cut down through the tree: through elementwise nodes, through the left operand
// of a product, through reductions and normalisations along other axes, to the leaves. What the cut
// does not reach and costs work is hoisted: a stage of its own, before the blocks. All of it is
// decided here, on records.

#include <tenon/plan/region_finder.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace tenon::detail::inline TENON_MODE {

// Every block copies the operations; where that may fail there is no region.
template <class E>
inline constexpr bool can_be_cut = true;
template <class Op, class T, class S, class... X>
inline constexpr bool can_be_cut<Node<Op, T, S, X...>> =
    std::is_nothrow_copy_constructible_v<Op> && (can_be_cut<X> && ...);

template <class E>
consteval auto make_structure() {
  static_assert(node_count<E> <= 512,
                "This expression has more than 512 nodes: evaluate a part of it first.");
  constexpr auto N = static_cast<std::size_t>(node_count<E>);
  const auto base = StructureBuilder<N>(pattern_records<E>).result();
  if constexpr (is_stage_by_stage<E> || !can_be_cut<E>)
    return base;
  else if (base.stages == 1)
    return base;
  else
    return StructureBuilder<N>(pattern_records<E>,
                               RegionFinder<N>(pattern_records<E>, base).result())
        .result();
}

// The stages of an expression type.
template <class E>
inline constexpr auto structure_of = make_structure<E>();

// True where the rows of the region with root Root are known at run time alone: then those of its
// blocks are too.
template <class E, int Root>
inline constexpr bool has_open_rows =
    structure_of<E>.regions.rows[Root] != 1 &&
    is_unbounded_extent(pattern_records<E>[Root].extent(structure_of<E>.regions.along[Root]));

// The most rows of a block where the type says them, else 0.
template <class E, int Root>
inline constexpr index_t block_bound =
    has_open_rows<E, Root> ? 0 : structure_of<E>.regions.rows[Root];

// True where the number of rows of a block depends on extents known at run time.
template <class E, int Root>
inline constexpr bool is_sized_at_run_time = has_open_rows<E, Root> && [] {
  constexpr auto& records = pattern_records<E>;
  for (int i = Root; i < Root + records[Root].subtree; ++i) {
    const Record& r = records[static_cast<std::size_t>(i)];
    const auto& regions = structure_of<E>.regions;
    const int cut = i == Root ? regions.along[Root] : regions.axis[static_cast<std::size_t>(i)];
    for (int d = 0; d < r.rank; ++d)
      if (d != cut && !is_static_extent(r.extent(d))) return true;
  }
  return false;
}();

// The roots of the regions of an expression type.
template <class E>
inline constexpr auto region_roots = [] {
  constexpr int n = [] {
    int count = 0;
    for (const index_t rows : structure_of<E>.regions.rows) count += rows > 0 ? 1 : 0;
    return count;
  }();
  std::array<int, static_cast<std::size_t>(n)> roots{};
  std::size_t k = 0;
  for (int i = 0; i < node_count<E>; ++i)
    if (structure_of<E>.is_region(i)) roots[k++] = i;
  return roots;
}();

}  // namespace tenon::detail::inline TENON_MODE
