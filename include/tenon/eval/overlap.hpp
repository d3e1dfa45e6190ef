#pragma once
// Aliasing: does a destination overlap an operand in a way that evaluation in place would spoil?

#include <tenon/eval/cursors.hpp>

#include <cstdint>
#include <numeric>

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
  index_t low = 0, high = 0;
  if constexpr (std::same_as<Layout, row_major> || std::same_as<Layout, column_major>) {
    const index_t size = view.shape().size();
    if (size == 0) return {};
    high = size - 1;
  } else {
    const auto extents = view.shape().extents();
    const auto strides = view.strides();
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (extents[i] == 0) return {};
      const index_t reach = strides[i] * (extents[i] - 1);
      (reach < 0 ? low : high) += reach;
    }
  }
  const auto base = reinterpret_cast<std::uintptr_t>(view.data());
  const auto at = [&](index_t i) {
    return base + static_cast<std::uintptr_t>(i * static_cast<index_t>(sizeof(T)));
  };
  return {at(low), at(high + 1)};
}

// The axes of two views along which something moves, and where the second view begins as seen from the
// first; in elements.
class SharedAxes {
 public:
  template <class A, class B>
  SharedAxes(const A& a, const B& b) noexcept {
    add(a, 0);
    add(b, 1);
    const auto to = [](const auto& view) {
      return reinterpret_cast<std::uintptr_t>(static_cast<const void*>(view.data()));
    };
    // Modulo 2^64; the difference of two addresses in one block fits.
    const auto bytes = static_cast<std::intptr_t>(to(b) - to(a));
    constexpr auto size = static_cast<std::intptr_t>(sizeof(typename A::value_type));
    whole_ = bytes % size == 0;
    distance_ = bytes / size;
  }

  // False only where no element of one view is an element of the other. Seen modulo a stride m, axes
  // whose strides are multiples of m stand still; of the others only the span and the greatest
  // common divisor count. No modulus at all is the test of ranges.
  [[nodiscard]] bool may_meet() const noexcept {
    if (!whole_) return true;
    if (!may_meet_modulo(0)) return false;
    for (int i = 0; i < count_; ++i)
      if (!may_meet_modulo(axes_[i].stride)) return false;
    return true;
  }

 private:
  struct Axis {
    index_t stride;  // positive
    index_t low, high;
    int view;
  };

  template <class View>
  void add(const View& view, int which) noexcept {
    const auto extents = view.shape().extents();
    const auto strides = view.strides();
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (extents[i] <= 1 || strides[i] == 0) continue;
      const index_t reach = strides[i] * (extents[i] - 1);
      axes_[count_++] = {strides[i] < 0 ? -strides[i] : strides[i], reach < 0 ? reach : 0,
                         reach < 0 ? 0 : reach, which};
    }
  }

  // Is there k with distance + (moves of b) - (moves of a) == k · modulus, moves of the axes that are
  // no multiples of it? The left side takes values of [low, high] in steps of a divisor.
  [[nodiscard]] bool may_meet_modulo(index_t modulus) const noexcept {
    index_t low = distance_, high = distance_, divisor = 0;
    for (int i = 0; i < count_; ++i) {
      const Axis& axis = axes_[i];
      if (modulus != 0 && axis.stride % modulus == 0) continue;
      low += axis.view == 1 ? axis.low : -axis.high;
      high += axis.view == 1 ? axis.high : -axis.low;
      divisor = std::gcd(divisor, axis.stride);
    }
    const auto reaches = [&](index_t value) {
      return divisor == 0 ? value == distance_ : (value - distance_) % divisor == 0;
    };
    if (modulus == 0) return low <= 0 && 0 <= high && reaches(0);
    if (high - low >= 4 * modulus) return true;
    const index_t first = low - ((low % modulus) + modulus) % modulus;
    for (index_t value = first; value <= high; value += modulus)
      if (value >= low && reaches(value)) return true;
    return false;
  }

  static constexpr int capacity = 2 * max_rank;
  Axis axes_[capacity];
  int count_ = 0;
  std::intptr_t distance_ = 0;
  bool whole_ = true;
};

// The same elements in the same order: one address, and the same strides wherever an axis moves.
template <class A, class B>
[[nodiscard]] bool same_elements(const A& a, const B& b) noexcept {
  if (static_cast<const void*>(a.data()) != static_cast<const void*>(b.data())) return false;
  const auto extents = a.shape().extents(), others = b.shape().extents();
  const auto strides = a.strides(), steps = b.strides();
  for (std::size_t i = 0; i < extents.size(); ++i)
    if (extents[i] != others[i] || (extents[i] > 1 && strides[i] != steps[i])) return false;
  return true;
}

// True where two views may have bytes in common.
template <class A, class B>
[[nodiscard]] bool may_meet(const A& a, const B& b) noexcept {
  if (!byte_range(a).overlaps(byte_range(b))) return false;
  if constexpr (sizeof(typename A::value_type) == sizeof(typename B::value_type))
    return SharedAxes(a, b).may_meet();
  else
    return true;
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
constexpr bool read_by_last_stage(const std::array<Record, N>& records,
                                  const Structure<static_cast<int>(N)>& structure, int i) {
  const int up = records[static_cast<std::size_t>(i)].parent;
  const bool named =
      up >= 0 && records[static_cast<std::size_t>(up)].kind == Kind::let && i == up + 1;
  return named || i == 0 || structure.reader[static_cast<std::size_t>(i)] == 0;
}

// True where the block of rows that a region writes needs of leaf I only the same rows.
template <int N>
consteval bool read_in_same_block(const Regions<N>& regions, int i) {
  const auto at = static_cast<std::size_t>(i);
  return regions.window[at] == Window::push && regions.axis[at] == regions.along[0];
}

// The leaves that the last stage may read, and which of them at the same index alone.
template <std::size_t N>
struct LastReads {
  std::size_t count = 0;
  std::array<int, N> node{};
  std::array<bool, N> same_index{};
};
template <std::size_t N>
consteval auto find_last_reads(const std::array<Record, N>& records,
                               const Structure<static_cast<int>(N)>& structure) {
  LastReads<N> reads;
  for (int i = 0; i < static_cast<int>(N); ++i) {
    if (records[static_cast<std::size_t>(i)].kind != Kind::leaf ||
        !read_by_last_stage(records, structure, i))
      continue;
    reads.same_index[reads.count] = structure.is_region(0)
                                        ? read_in_same_block(structure.regions, i)
                                        : read_at_same_index(records, structure, i);
    reads.node[reads.count++] = i;
  }
  return reads;
}
template <class E>
inline constexpr auto last_reads = find_last_reads(pattern_records<E>, structure_of<E>);

// True where writing dst element by element could spoil the view that is read. SameIndex: each element of
// it is read where that of dst is written next.
template <bool SameIndex, class View, class Dst>
[[nodiscard]] bool view_conflicts(const View& view, const Dst& dst) noexcept {
  if (!may_meet(view, dst)) return false;
  if constexpr (SameIndex && std::same_as<typename View::value_type, typename Dst::value_type> &&
                View::rank() == Dst::rank())
    return !same_elements(view, dst);
  else
    return true;
}

// True where no operand of type E can be in the way of any destination: the last stage reads none.
template <class E>
inline constexpr bool never_conflicts = last_reads<E>.count == 0;

// True where dst may have bytes in common with a leaf that the last stage of e reads.
template <class E, class Dst>
[[nodiscard]] bool meets_operands(const E& e, const Dst& dst) noexcept {
  constexpr auto& reads = last_reads<E>;
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    return (may_meet(node_at<reads.node[K]>(e).view(), dst) || ...);
  }(std::make_index_sequence<reads.count>{});
}

// True where computing e straight into dst could read an element after it was overwritten.
template <class E, class Dst>
[[nodiscard]] bool conflicts(const E& e, const Dst& dst) noexcept {
  constexpr auto& reads = last_reads<E>;
  const auto any_conflicts = [&]<std::size_t... K>(std::index_sequence<K...>) {
    return (view_conflicts<reads.same_index[K]>(node_at<reads.node[K]>(e).view(), dst) || ...);
  };
  constexpr auto all = std::make_index_sequence<reads.count>{};
  if constexpr (structure_of<E>.is_region(0)) {
    if (!meets_operands(e, dst)) return false;
    if (any_conflicts(all)) return true;
    // Blocks do not disturb each other; does one disturb itself?
    constexpr auto& regions = structure_of<E>.regions;
    const auto block = first_block<0>(e);
    return conflicts(cut<0>(e, HoistedValues<void>{}, block),
                     cut_view<regions.along[0], block_bound<E, 0>>(dst, block));
  } else {
    return any_conflicts(all);
  }
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
