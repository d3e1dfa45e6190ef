#pragma once
// Aliasing: does a destination overlap an operand in a way that evaluation in place would spoil?

#include <tenon/eval/cursors.hpp>

#include <cstdint>

namespace tenon::detail::inline TENON_MODE {

// The bytes that a view reaches, [first, last); empty where it has no element.
struct ByteRange {
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;
  [[nodiscard]] constexpr bool overlaps(const ByteRange& other) const noexcept {
    return first < other.last && other.first < last;
  }
};

template <class T, class S, class Layout>
[[nodiscard]] ByteRange byte_range(const TensorView<T, S, Layout>& view) noexcept {
  const auto extents = view.shape().extents();
  const auto strides = view.strides();
  index_t low = 0, high = 0;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == 0) return {};
    const index_t reach = strides[i] * (extents[i] - 1);
    (reach < 0 ? low : high) += reach;
  }
  const auto base = reinterpret_cast<std::uintptr_t>(view.data());
  const auto at = [&](index_t i) {
    return base + static_cast<std::uintptr_t>(i * static_cast<index_t>(sizeof(T)));
  };
  return {at(low), at(high + 1)};
}

// True where the last stage reads leaf I only at the index that it stores next: from the root down to
// the leaf there are elementwise nodes alone.
template <std::size_t N>
consteval bool read_at_same_index(const std::array<Record, N>& records,
                                  const Structure<static_cast<int>(N)>& structure, int i) {
  for (int below = i, up = records[static_cast<std::size_t>(i)].parent; up >= 0;
       below = up, up = records[static_cast<std::size_t>(up)].parent) {
    const Record& r = records[static_cast<std::size_t>(up)];
    const bool body =
        r.kind == Kind::let && below == up + 1 + records[static_cast<std::size_t>(up + 1)].subtree;
    if (structure.is_stage(below)) return false;
    if (!(r.kind == Kind::map || body ||
          (r.kind == Kind::let && structure.in_registers[static_cast<std::size_t>(up)])))
      return false;
  }
  return true;
}

// True where the last stage, the only one that writes the destination, may read leaf I.
template <std::size_t N>
consteval bool read_by_last_stage(const std::array<Record, N>& records,
                                  const Structure<static_cast<int>(N)>& structure, int i) {
  const int up = records[static_cast<std::size_t>(i)].parent;
  const bool named =
      up >= 0 && records[static_cast<std::size_t>(up)].kind == Kind::let && i == up + 1;
  return named || i == 0 || structure.reader[static_cast<std::size_t>(i)] == 0;
}

template <int I, class E, class Dst>
[[nodiscard]] bool leaf_conflicts(const E& e, const Dst& dst, const ByteRange& written) noexcept {
  constexpr auto& records = pattern_records<E>;
  constexpr auto& structure = structure_of<E>;
  if constexpr (records[static_cast<std::size_t>(I)].kind != Kind::leaf ||
                !read_by_last_stage(records, structure, I)) {
    return false;
  } else {
    const auto view = node_at<I>(e).view();
    if (!byte_range(view).overlaps(written)) return false;
    using View = std::remove_cvref_t<decltype(view)>;
    if constexpr (read_at_same_index(records, structure, I) &&
                  std::same_as<typename View::value_type, typename Dst::value_type> &&
                  View::rank() == Dst::rank())
      return !(static_cast<const void*>(view.data()) == static_cast<const void*>(dst.data()) &&
               view.shape() == dst.shape() && view.strides() == dst.strides());
    else
      return true;
  }
}

// True where computing e straight into dst could read an element after it was overwritten.
template <class E, class Dst>
[[nodiscard]] bool conflicts(const E& e, const Dst& dst) noexcept {
  const ByteRange written = byte_range(dst);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (leaf_conflicts<static_cast<int>(I)>(e, dst, written) || ...);
  }(std::make_index_sequence<static_cast<std::size_t>(node_count<E>)>{});
}

// Raises StaleTensorError where an operand has died (checked builds).
template <class E>
void check_leaves(const char* operation, const E& e) {
  if constexpr (checked_build) {
    if constexpr (E::kind == Kind::leaf)
      e.check(operation);
    else if constexpr (node_count<E> > 1)
      hana::unpack(e.operands(), [&](const auto&... x) { (check_leaves(operation, x), ...); });
  }
}

}  // namespace tenon::detail::inline TENON_MODE
