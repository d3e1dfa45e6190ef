#pragma once
// How many bytes each stage needs, and for what: for constants, and for the extents of a run.

#include <tenon/plan/node_at.hpp>
#include <tenon/plan/stage_graph.hpp>
#include <tenon/plan/window.hpp>

#include <tenon/kernels/normalize.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace tenon::detail::inline TENON_MODE {

// The axis along which the pack of a reduction or normalisation runs: the one in memory order.
[[nodiscard]] constexpr int pack_axis(const Record& operand) noexcept {
  return operand.unit_axis >= 0 ? operand.unit_axis : operand.rank - 1;
}

// True where that axis is among those that the operation folds.
[[nodiscard]] constexpr bool runs_along(const Record& operation, const Record& operand) noexcept {
  return operand.rank == 0 || ((operation.axes >> pack_axis(operand)) & 1U) != 0;
}

[[nodiscard]] constexpr bool same_extents(const Record& a, const Record& b) noexcept {
  for (int i = 0; i < a.rank; ++i)
    if (a.extent(i) != b.extent(i)) return false;
  return true;
}

[[nodiscard]] constexpr std::size_t record_bytes(const Record& r) noexcept {
  return static_cast<std::size_t>(r.size()) * static_cast<std::size_t>(size_bytes(r.dtype));
}

// A node with numbers for extents, `extents`, and what its type says of them, `type`.
struct SizedNode {
  const Record& type;
  const index_t* extents;

  [[nodiscard]] constexpr index_t extent(int axis) const noexcept {
    return extents[axis < 0 ? axis + type.rank : axis];
  }
  [[nodiscard]] constexpr index_t size() const noexcept {
    index_t n = 1;
    for (int i = 0; i < type.rank; ++i) n *= extents[i];
    return n;
  }
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(size()) * static_cast<std::size_t>(size_bytes(type.dtype));
  }
};

// How many bytes a stage needs: for its value, its kernel, and a core that has to be held.
struct StageBytes {
  std::size_t value = 0;
  std::size_t scratch = 0;
  std::size_t core = 0;
};

// What gemm<T> needs for a product of these extents, whose patterns are `patterns`. is_fixed(pattern): extents
// of this pattern are those of the run, not bounds of them.
template <class T, class IsFixed>
[[nodiscard]] TENON_INLINE constexpr std::size_t product_bytes(const MatmulExtents& patterns,
                                                               index_t m, index_t n, index_t k,
                                                               const IsFixed& is_fixed) {
  return kernels::gemm_workspace_bound<T>(m, n, k, is_fixed(patterns.m), is_fixed(patterns.n),
                                          is_fixed(patterns.k));
}

// What the kernel of a core needs for operands a and b.
template <unsigned Types, class IsFixed>
[[nodiscard]] constexpr std::size_t kernel_bytes(const SizedNode& core, const SizedNode& a,
                                                 const SizedNode& b, const IsFixed& is_fixed) {
  const Record& r = core.type;
  if (core.size() == 0) return 0;
  if (r.kind == Kind::contract) {
    const index_t m = r.left_vector ? 1 : a.extent(-2), n = r.right_vector ? 1 : b.extent(-1);
    const MatmulExtents patterns = matmul_extents(r, a.type, b.type);
    return with_kernel_type<Types>(r.dtype, [&]<class T>(std::type_identity<T>) {
      return product_bytes<T>(patterns, m, n, a.extent(-1), is_fixed);
    });
  }
  if (r.kind == Kind::normalize) {
    index_t n = 1;
    for (int i = 0; i < a.type.rank; ++i)
      if (((r.axes >> i) & 1U) != 0) n = a.extent(i);
    const bool along = runs_along(r, a.type);
    return with_kernel_type<Types>(r.dtype, [&]<class T>(std::type_identity<T>) {
      return along ? kernels::normalize_workspace_bytes<T, true>(n)
                   : kernels::normalize_workspace_bytes<T, false>(n);
    });
  }
  return 0;
}

// True where an extent of the core that is only bounded may turn out to be 1 while something
// between it and the root has more there.
template <std::size_t N>
[[nodiscard]] constexpr bool may_be_stretched(const std::array<Record, N>& patterns, int core,
                                              int root) {
  const auto pattern = [&](int i) -> const Record& {
    return patterns[static_cast<std::size_t>(i)];
  };
  const Record& inner = pattern(core);
  for (int below = core, up = pattern(core).parent; below != root;
       below = up, up = pattern(up).parent)
    for (int c = up + 1; c < up + pattern(up).subtree; c += pattern(c).subtree) {
      const bool name_of_core = pattern(up).kind == Kind::let && below == up + 1;
      if (c == below || (pattern(up).kind == Kind::let && !name_of_core)) continue;
      const Record& other = name_of_core ? pattern(up) : pattern(c);
      for (int d = 1; d <= inner.rank && d <= other.rank; ++d)
        if (!is_static_extent(inner.extent(-d)) && other.extent(-d) != 1 &&
            !(is_block_extent(inner.extent(-d)) && is_block_extent(other.extent(-d))))
          return true;
    }
  return false;
}

// True where a core may have to be held because what follows may stretch it.
[[nodiscard]] constexpr bool may_hold_core(const Record& core, const Record& root) noexcept {
  for (int i = 0; i < root.rank; ++i)
    if (!is_settled_extent(core.extent(i)) || core.extent(i) != root.extent(i)) return true;
  return false;
}

template <class E>
inline constexpr auto stage_count = static_cast<std::size_t>(structure_of<E>.stages);

// The workspace of an expression whose extents are all static or bounded.
template <class E>
consteval std::size_t static_workspace_bytes();

// The bytes of every stage where all extents are static or bounded.
template <class E>
consteval auto make_static_stage_bytes() {
  constexpr auto numbers = bound_records<E>();
  constexpr auto& types = pattern_records<E>;
  const auto sized = [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    return SizedNode{types[at], numbers[at].extents.data()};
  };
  std::array<StageBytes, stage_count<E>> all{};
  for (std::size_t s = 0; s < all.size(); ++s) {
    const int root = stage_graph<E>.root[s], core = stage_graph<E>.core[s];
    if (root != 0) all[s].value = sized(root).bytes();
    if (core < 0) continue;
    const int a = core + 1, b = a + types[static_cast<std::size_t>(a)].subtree;
    const bool has_two = types[static_cast<std::size_t>(core)].kind == Kind::contract;
    all[s].scratch = kernel_bytes<kernel_types(types)>(sized(core), sized(a),
                                                       sized(has_two ? b : a), is_static_extent);
    if (!same_extents(numbers[static_cast<std::size_t>(core)],
                      numbers[static_cast<std::size_t>(root)]) ||
        may_be_stretched(types, core, root))
      all[s].core = sized(core).bytes();
  }
  [&]<std::size_t... R>(std::index_sequence<R...>) {
    ((all[stage_number<E>(region_roots<E>[R])].scratch =
          static_workspace_bytes<cut_t<region_roots<E>[R], E>>()),
     ...);
  }(std::make_index_sequence<region_roots<E>.size()>{});
  return all;
}
template <class E>
inline constexpr auto static_stage_bytes = make_static_stage_bytes<E>();

// The bytes of the stage of Root for the extents that e has now, and for fewer rows where e is a block
// of them that may shrink. What a region needs for its blocks is not among them.
template <int Root, class E>
[[nodiscard]] TENON_INLINE constexpr StageBytes stage_bytes_now(const E& e, bool rows_may_shrink) {
  constexpr auto& types = pattern_records<E>;
  constexpr int core = structure_of<E>.core[static_cast<std::size_t>(Root)];
  StageBytes bytes;
  const auto root_extents = node_at<Root>(e).shape().extents();
  if constexpr (Root != 0)
    bytes.value = SizedNode{types[static_cast<std::size_t>(Root)], root_extents.data()}.bytes();
  if constexpr (core >= 0) {
    constexpr auto& type = types[static_cast<std::size_t>(core)];
    constexpr int a = core + 1;
    constexpr int b =
        type.kind == Kind::contract ? a + types[static_cast<std::size_t>(a)].subtree : a;
    const auto core_extents = node_at<core>(e).shape().extents();
    const auto a_extents = node_at<a>(e).shape().extents();
    const auto b_extents = node_at<b>(e).shape().extents();
    const SizedNode value{type, core_extents.data()};
    const auto is_fixed = [&](index_t pattern) {
      return !(rows_may_shrink && (is_block_extent(pattern) || pattern == dyn_block));
    };
    if constexpr (type.kind == Kind::contract) {
      constexpr MatmulExtents patterns = matmul_extents(type, types[static_cast<std::size_t>(a)],
                                                        types[static_cast<std::size_t>(b)]);
      const index_t m = type.left_vector ? 1 : a_extents[a_extents.size() - 2];
      const index_t n = type.right_vector ? 1 : b_extents[b_extents.size() - 1];
      if (value.size() != 0)
        bytes.scratch = product_bytes<value_t<decltype(node_at<core>(e))>>(
            patterns, m, n, a_extents[a_extents.size() - 1], is_fixed);
    } else if constexpr (type.kind != Kind::reduce) {
      bytes.scratch = kernel_bytes<1U << static_cast<unsigned>(type.dtype)>(
          value, {types[static_cast<std::size_t>(a)], a_extents.data()},
          {types[static_cast<std::size_t>(b)], b_extents.data()}, is_fixed);
    }
    if (core_extents != root_extents) bytes.core = value.bytes();
  }
  return bytes;
}

}  // namespace tenon::detail::inline TENON_MODE
