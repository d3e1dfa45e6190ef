#pragma once
// One loop for any elementwise work: dst(i…) = src(i…), packs along the last axis.

#include <tenon/kernels/cursor.hpp>

#include <tenon/simd/stream.hpp>

#include <algorithm>
#include <cstdint>

namespace tenon::inline TENON_MODE::kernels {

// Where a stage puts its values: `cursor` is the elementwise work that is left to do on the value
// (read from the environment under Tag), `dst` the memory.
template <class Tag, class Cursor, class Dst>
class Target {
 public:
  static constexpr int rank = Dst::rank;
  static constexpr int unit_axis = Dst::unit_axis;
  static constexpr unsigned element_sizes = Cursor::element_sizes | Dst::element_sizes;
  static constexpr bool sure = Cursor::sure && Dst::sure;

  // True where the value is stored as it comes.
  static constexpr bool stores_only = detail::is_bound_to<Cursor, Tag>;

  constexpr Target(const Cursor& cursor, const Dst& dst) : cursor_(cursor), dst_(dst) {}

  [[nodiscard]] constexpr const Dst& memory() const noexcept { return dst_; }

  template <int N, int Axis, bool Partial, class Value>
  TENON_INLINE void put(const Position& at, const Value& value) const {
    dst_.template write<N, Axis, Partial>(at, detail::plain(cursor_.template read<N, Axis, Partial>(
                                                  at, bind<Tag>(value, EmptyEnvironment{}))));
  }
  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    cursor_.step(axis, count);
    dst_.step(axis, count);
  }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts& starts, const Steps& steps) const {
    return make(cursor_.template remap<Source, UnitAxes>(starts, steps),
                dst_.template remap<Source, UnitAxes>(starts, steps));
  }
  [[nodiscard]] constexpr bool hints_hold(int axis) const noexcept {
    return cursor_.hints_hold(axis) && dst_.hints_hold(axis);
  }
  [[nodiscard]] constexpr auto without_hints() const {
    return make(cursor_.without_hints(), dst_.without_hints());
  }

 private:
  template <class C, class D>
  static constexpr auto make(const C& cursor, const D& dst) {
    return Target<Tag, C, D>(cursor, dst);
  }

  Cursor cursor_;
  Dst dst_;
};

// Calls visit() at every index of the loops, walking `cursors` with them: loop i has extents[i] and
// moves axis first_axis + i. No visit where an extent is 0.
template <class Visit, class... C>
TENON_INLINE void walk(int first_axis, int depth, const index_t* extents, const Visit& visit,
                       C&... cursors) {
  for (int d = 0; d < depth; ++d)
    if (extents[d] == 0) return;
  index_t at[max_rank] = {};
  for (;;) {
    visit();
    int d = depth - 1;
    for (; d >= 0; --d) {
      (cursors.step(first_axis + d, 1), ...);
      if (++at[d] < extents[d]) break;
      (cursors.step(first_axis + d, -extents[d]), ...);
      at[d] = 0;
    }
    if (d < 0) return;
  }
}

namespace detail {

// A destination this large is written past the caches: it would not stay in them, and each of its
// lines would be read before it is written. a * b + c on Zen 4 with 32 MiB of L3, both cores busy,
// ms with stores / streamed: 2^21 floats 1.00 / 0.73; 4 * 10^6 6.6 / 2.5; 10^7 14.9 / 11.6.
inline constexpr index_t stream_bytes = index_t{16} << 20;

// Whether a row is streamed where it is long: memory is what it waits for.
template <int N, class Src, class Dst>
inline constexpr bool streams_long_rows = [] {
  if constexpr (is_memory<Dst>)
    return Src::weight <= 8 && Dst::unit_axis == Src::rank - 1 &&
           simd::can_stream<simd::Pack<typename Dst::value_type, N>>;
  else
    return false;  // several destinations
}();

template <int N, class Src, class Dst>
[[gnu::noinline]] void stream_row(const Src& src, const Dst& dst, index_t n) {
  constexpr int axis = Src::rank - 1;
  constexpr std::uintptr_t line_bytes = 64;
  auto* const out = dst.pointer();
  const auto partial = [&](index_t i, index_t count) {
    const Position at{0, i, static_cast<int>(count)};
    dst.template write<N, axis, true>(
        at, plain(src.template read<N, axis, true>(at, EmptyEnvironment{})));
  };
  const index_t to_line = static_cast<index_t>(
      ((0 - reinterpret_cast<std::uintptr_t>(out)) & (line_bytes - 1)) / sizeof(*out));
  const index_t head = std::min(to_line, n);
  index_t i = 0;
  for (; i < head; i += std::min<index_t>(N, head - i)) partial(i, std::min<index_t>(N, head - i));
  for (; i + N <= n; i += N)
    simd::stream(out + i,
                 plain(src.template read<N, axis, false>(Position{0, i, N}, EmptyEnvironment{})));
  simd::stream_fence();
  if (i < n) partial(i, n - i);
}

template <int N, class Src, class Dst>
TENON_INLINE void assign_row(const Src& src, const Dst& dst, index_t n) {
  constexpr int axis = Src::rank - 1;
  const auto full = [&](index_t i) TENON_INLINE_LAMBDA {
    return plain(src.template read<N, axis, false>(Position{0, i, N}, EmptyEnvironment{}));
  };
  if constexpr (streams_long_rows<N, Src, Dst>) {
    if (n >= stream_bytes / static_cast<index_t>(sizeof(typename Dst::value_type))) [[unlikely]] {
      stream_row<N>(src, dst, n);
      return;
    }
  }
  index_t i = 0;
  if constexpr (Src::weight <= 8 && Dst::unit_axis == axis) {
    // Short work in memory order: four packs in flight hide the latency of the loads.
    for (; i + 4 * N <= n; i += 4 * N) {
      const auto a = full(i), b = full(i + N), c = full(i + 2 * N), d = full(i + 3 * N);
      dst.template write<N, axis, false>(Position{0, i, N}, a);
      dst.template write<N, axis, false>(Position{0, i + N, N}, b);
      dst.template write<N, axis, false>(Position{0, i + 2 * N, N}, c);
      dst.template write<N, axis, false>(Position{0, i + 3 * N, N}, d);
    }
  }
  for (; i + N <= n; i += N) dst.template write<N, axis, false>(Position{0, i, N}, full(i));
  if (i < n) {
    const Position at{0, i, static_cast<int>(n - i)};
    dst.template write<N, axis, true>(
        at, plain(src.template read<N, axis, true>(at, EmptyEnvironment{})));
  }
}

template <int N, class Nested, class Src, class Dst>
void assign_rows(const Nested& nest, Src src, Dst dst) {
  const index_t n = nest.depth == 0 ? 1 : nest.extents[static_cast<std::size_t>(nest.depth - 1)];
  if (nest.depth <= 1) {
    assign_row<N>(src, dst, n);
  } else {
    const int outer = nest.depth - 1;
    walk(
        Src::rank - nest.depth, outer, nest.extents.data(),
        [&]() TENON_INLINE_LAMBDA { assign_row<N>(src, dst, n); }, src, dst);
  }
}

template <std::size_t R, class Src, class Dst>
void assign_nest(const std::array<index_t, R>& extents, Src src, Dst dst) {
  constexpr int lanes = lanes_for < Src::element_sizes | Dst::element_sizes > ;
  for (index_t e : extents)
    if (e == 0) return;
  const auto nest = merge_loops(extents, [&](int outer, int inner, index_t extent) {
    return src.mergeable(outer, inner, extent) && dst.mergeable(outer, inner, extent);
  });
  src.compact(nest);
  dst.compact(nest);
  constexpr int last = static_cast<int>(R) - 1;
  if (src.hints_hold(last) && dst.hints_hold(last))
    assign_rows<lanes>(nest, src, dst);
  else
    assign_rows<lanes>(nest, src.without_hints(), dst.without_hints());
}

// A row whose operands do not lie as their types guess: stretched at run time.
template <int N, class Src, class Dst>
[[gnu::noinline]] void assign_row_by_strides(const Src& src, const Dst& dst, index_t n) {
  constexpr int axis = Src::rank - 1;
  const auto by_strides = dst.without_hints();
  for (index_t i = 0; i < n; i += N) {
    const Position at{0, i, static_cast<int>(std::min<index_t>(N, n - i))};
    by_strides.template write<N, axis, true>(
        at, plain(src.template read<N, axis, true>(at, StridedEnvironment{})));
  }
}

}  // namespace detail

// Formula: dst(i…) = src(i…) for every index of `extents`. No allocation.
// Contract: dst is src's own memory at the same index, or overlaps nothing that src reads.
// Inlined: cursors handed over in memory cost short arrays more than their work, and long ones a reload
// after every store.
template <std::size_t R, class Src, class Dst>
TENON_INLINE void assign(const std::array<index_t, R>& extents, const Src& src, const Dst& dst) {
  if constexpr (R == 0) {
    assign(std::array<index_t, 1>{1}, src.template broadcast<1, 0U, 0U>(extents),
           dst.template broadcast<1, 0U, 0U>(extents));
  } else if constexpr (R == 1) {  // nothing to merge: straight to the loop, short ones matter most
    constexpr int lanes = lanes_for < Src::element_sizes | Dst::element_sizes > ;
    if (src.hints_hold(0) && dst.hints_hold(0))
      detail::assign_row<lanes>(src, dst, extents[0]);
    else
      detail::assign_row_by_strides<lanes>(src, dst, extents[0]);
  } else {
    detail::assign_nest(extents, src, dst);
  }
}

}  // namespace tenon::inline TENON_MODE::kernels
