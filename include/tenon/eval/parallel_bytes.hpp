#pragma once
// The bytes that the parts of a stage need beyond the plan's workspace: for constants, and for the extents of a
// run.

#include <tenon/eval/parallel_stages.hpp>

namespace tenon::detail::inline TENON_MODE {

// The extents of node I, for the extents that an expression has now.
template <class E>
struct ExtentsNow {
  const E& e;
  static constexpr bool are_constants = false, are_bounds = false;
  template <int I>
  [[nodiscard]] constexpr auto of() const {
    return node_at<I>(e).shape().extents();
  }
};
// The same where they are constants, or bounds that are.
template <class E>
struct ConstantExtents {
  static constexpr auto records = bound_records<E>();
  static constexpr bool are_constants = true;
  static constexpr bool are_bounds = [] {
    for (const Record& r : pattern_records<E>)
      for (int d = 0; d < r.rank; ++d)
        if (!is_static_extent(r.extent(d))) return true;
    return false;
  }();
  template <int I>
  [[nodiscard]] static constexpr auto of() {
    constexpr auto& record = records[static_cast<std::size_t>(I)];
    std::array<index_t, static_cast<std::size_t>(record.rank)> extents{};
    for (std::size_t d = 0; d < extents.size(); ++d) extents[d] = record.extents[d];
    return extents;
  }
};

// The bytes beyond the plan's workspace that the parts of one stage need: for the product, the normalisation or
// the region that it is.
template <class E, int Stage, class Extents>
[[nodiscard]] constexpr std::size_t extra_of_product(const Extents& now, std::size_t own,
                                                     int threads) {
  constexpr int core = structure_of<E>.core[static_cast<std::size_t>(Stage)];
  using N = std::remove_cvref_t<decltype(node_at<core>(std::declval<const E&>()))>;
  using Op = typename N::op_type;
  using T = value_t<N>;
  const auto a =
      matrix_extents<Op::left_vector, false>(now.template of<operand_index<E>(core, 0)>());
  const auto b =
      matrix_extents<false, Op::right_vector>(now.template of<operand_index<E>(core, 1)>());
  const auto extents = product_extents<N>(now.template of<core>(), a, b);
  const index_t k = a[a.size() - 1];
  const AxisCut cut = product_cut<T>(extents, k, product_sources<E, core, Stage>, threads);
  if (cut.parts == 1) return 0;
  if constexpr (Extents::are_bounds) {  // fewer rows or columns may be cut otherwise
    const std::size_t most = kernels::gemm_workspace_bound<T>(
        extents[extents.size() - 2], extents[extents.size() - 1], k, false, false, false);
    return room_of_parts(threads, most, most, own).bytes;
  } else {
    return product_room<T>(cut, extents, k, own).bytes;
  }
}

template <class E, int Stage, class Extents>
[[nodiscard]] constexpr std::size_t extra_of_normalization(const Extents& now, int threads) {
  constexpr int core = structure_of<E>.core[static_cast<std::size_t>(Stage)];
  using N = std::remove_cvref_t<decltype(node_at<core>(std::declval<const E&>()))>;
  constexpr auto& record = pattern_records<E>[static_cast<std::size_t>(core)];
  constexpr auto& operand = pattern_records<E>[static_cast<std::size_t>(core + 1)];
  constexpr auto rank = static_cast<std::size_t>(shape_t<N>::rank());
  constexpr bool along = runs_along(record, operand);
  const auto extents = permuted(now.template of<core + 1>(),
                                normalization_axes<rank>(record, operand, N::op_type::axis));
  const std::size_t bytes =
      kernels::normalize_workspace_bytes<value_t<N>, along>(extents[rank - 1]);
  return room_of_parts(normalization_cut<along>(extents, threads).parts, bytes, bytes, bytes).bytes;
}

// The bytes that the stages of a block need where they are cut for themselves, or those of a part.
template <class E, class Extents, class SlotTable>
[[nodiscard]] constexpr std::size_t extra_of_stages(const Extents& now, const SlotTable& slots,
                                                    int threads);

template <class E, int Stage, class Extents, class SlotTable>
[[nodiscard]] constexpr std::size_t extra_of_region(const Extents& now, const SlotTable& slots,
                                                    int threads) {
  constexpr int along = structure_of<E>.regions.along[static_cast<std::size_t>(Stage)];
  const index_t rows = now.template of<Stage>()[static_cast<std::size_t>(along)];
  const std::size_t own = slots.bytes[scratch_slot<E>(Stage)];
  using Block = cut_t<Stage, E>;
  if constexpr (Extents::are_constants) {
    constexpr index_t most = structure_of<E>.regions.rows[static_cast<std::size_t>(Stage)];
    const std::size_t bytes = static_slots<Block>.workspace_bytes;
    const int parts = rows_cut(rows, most, threads).parts;
    const std::size_t extra = room_of_parts(parts, bytes, bytes, own).bytes;
    if (parts > 1 && !Extents::are_bounds) return extra;
    return std::max(extra,
                    extra_of_stages<Block>(ConstantExtents<Block>{}, static_slots<Block>, threads));
  } else {
    const RowBlock first = first_block<Stage>(now.e);
    const int parts = rows_cut(rows, first.count, threads).parts;
    if (parts > 1) {
      const std::size_t bytes = slots_of_part<Stage>(now.e, slots, first, parts).workspace_bytes;
      return room_of_parts(parts, bytes, bytes, own).bytes;
    }
    std::size_t most = 0;  // the last block is another one
    for (const index_t count :
         {first.count, rows - (rows - 1) / std::max<index_t>(first.count, 1) * first.count}) {
      if (count == 0) continue;
      const RowBlock block{0, count, rows};
      const auto inner = cut<Stage>(now.e, HoistedValues<void>{}, block);
      most = std::max(most, extra_of_stages<Block>(ExtentsNow<Block>{inner},
                                                   slots_of_block<E, Stage>(slots), threads));
    }
    return most;
  }
}

template <class E, int Stage, class Extents, class SlotTable>
[[nodiscard]] constexpr std::size_t extra_of_stage(const Extents& now, const SlotTable& slots,
                                                   int threads) {
  constexpr int core = structure_of<E>.core[static_cast<std::size_t>(Stage)];
  if constexpr (structure_of<E>.is_region(Stage)) {
    return extra_of_region<E, Stage>(now, slots, threads);
  } else if constexpr (core < 0) {
    return 0;
  } else {
    constexpr Kind kind = pattern_records<E>[static_cast<std::size_t>(core)].kind;
    if constexpr (kind == Kind::contract)
      return extra_of_product<E, Stage>(now, slots.bytes[scratch_slot<E>(Stage)], threads);
    else if constexpr (kind == Kind::normalize)
      return extra_of_normalization<E, Stage>(now, threads);
    else
      return 0;
  }
}

// The same for all stages, which use those bytes one after the other.
template <class E, class Extents, class SlotTable>
[[nodiscard]] constexpr std::size_t extra_of_stages(const Extents& now, const SlotTable& slots,
                                                    int threads) {
  std::size_t most = 0;
  [&]<std::size_t... S>(std::index_sequence<S...>) {
    ((most = std::max(most, extra_of_stage<E, stage_graph<E>.root[S]>(now, slots, threads))), ...);
  }(std::make_index_sequence<stage_count<E>>{});
  return most;
}

// The plan's workspace, and behind it what parts need.
[[nodiscard]] constexpr std::size_t with_extra(std::size_t workspace, std::size_t extra) noexcept {
  return extra == 0 ? workspace : align_up(workspace, workspace_alignment) + extra;
}

}  // namespace tenon::detail::inline TENON_MODE
