#pragma once
// Several results in one pass: a cursor that yields a tuple of packs, a destination that takes one, and
// a reduction with several accumulators.

#include <tenon/kernels/elementwise.hpp>
#include <tenon/kernels/fold.hpp>
#include <tenon/kernels/map_cursor.hpp>
#include <tenon/kernels/reduce.hpp>

#include <boost/hana/at.hpp>
#include <boost/hana/basic_tuple.hpp>
#include <boost/hana/unpack.hpp>

#include <array>

namespace tenon::inline TENON_MODE::kernels {

namespace hana = boost::hana;

// The functor that keeps its operands: map_cursor<T>(Join{}, c…) reads a tuple of packs.
struct Join {
  static constexpr int weight = 0;
  static constexpr bool takes_masks = true;
  template <class... P>
  TENON_INLINE auto operator()(const P&... packs) const noexcept {
    return hana::basic_tuple<decltype(detail::plain(packs))...>{detail::plain(packs)...};
  }
};

// The cursor of several values at one index. The cursors have one rank.
template <class First, class... Rest>
[[nodiscard]] constexpr auto join(const First& first, const Rest&... rest) {
  return map_cursor<typename First::value_type>(Join{}, first, rest...);
}

// Stores a tuple of packs, one part to each destination. D: StridedCursors, or Targets, of one rank.
template <class... D>
class JointTarget {
  using Parts = hana::basic_tuple<D...>;
  using First = std::remove_cvref_t<decltype(hana::at_c<0>(std::declval<const Parts&>()))>;

 public:
  static constexpr int rank = First::rank;
  static constexpr int unit_axis =
      ((D::unit_axis == First::unit_axis) && ...) ? First::unit_axis : -1;
  static constexpr unsigned element_sizes = (D::element_sizes | ...);
  static constexpr bool sure = (D::sure && ...);
  static constexpr bool stores_only = false;

  constexpr explicit JointTarget(const D&... parts) : parts_{parts...} {}

  template <int N, int Axis, bool Partial, class Values>
  TENON_INLINE void write(const Position& at, const Values& values) const {
    each([&](const auto& part, const auto& value)
             TENON_INLINE_LAMBDA { part.template write<N, Axis, Partial>(at, value); },
         values);
  }
  template <int N, int Axis, bool Partial, class Values>
  TENON_INLINE void put(const Position& at, const Values& values) const {
    each([&](const auto& part, const auto& value)
             TENON_INLINE_LAMBDA { part.template put<N, Axis, Partial>(at, value); },
         values);
  }
  TENON_INLINE constexpr void step(int axis, index_t count) noexcept {
    hana::unpack(parts_, [&](auto&... d) TENON_INLINE_LAMBDA { (d.step(axis, count), ...); });
  }
  [[nodiscard]] constexpr bool mergeable(int outer, int inner, index_t extent) const noexcept {
    return hana::unpack(
        parts_, [&](const auto&... d) { return (d.mergeable(outer, inner, extent) && ...); });
  }
  constexpr void compact(const Nest<rank>& nest) noexcept {
    hana::unpack(parts_, [&](auto&... d) { (d.compact(nest), ...); });
  }
  [[nodiscard]] constexpr bool hints_hold(int axis) const noexcept {
    return hana::unpack(parts_, [&](const auto&... d) { return (d.hints_hold(axis) && ...); });
  }
  [[nodiscard]] constexpr auto without_hints() const {
    return rebuild([](const auto& d) { return d.without_hints(); });
  }
  template <auto Source, unsigned UnitAxes, class Starts, class Steps>
  [[nodiscard]] constexpr auto remap(const Starts& starts, const Steps& steps) const {
    return rebuild(
        [&](const auto& d) { return d.template remap<Source, UnitAxes>(starts, steps); });
  }

 private:
  template <class F, class Values>
  TENON_INLINE void each(const F& f, const Values& values) const {
    [&]<std::size_t... K>(std::index_sequence<K...>) TENON_INLINE_LAMBDA {
      (f(hana::at_c<K>(parts_), hana::at_c<K>(values)), ...);
    }(std::make_index_sequence<sizeof...(D)>{});
  }
  template <class Change>
  [[nodiscard]] constexpr auto rebuild(const Change& change) const {
    return hana::unpack(parts_, [&](const auto&... d) {
      return JointTarget<decltype(change(d))...>(change(d)...);
    });
  }

  Parts parts_;
};

template <class... D>
[[nodiscard]] constexpr auto join_targets(const D&... parts) {
  return JointTarget<D...>(parts...);
}

// What one part of a joint fold does: an associative operation, in elements of Acc.
template <class Op, class Acc>
struct JointPart {
  using operation = Op;
  using value_type = Acc;
};

// Several folds over the same elements. Each follows the order of its own FoldReducer, bit for bit.
template <class... Part>
struct JointFolds {
  static constexpr std::size_t count = sizeof...(Part);
  template <int N>
  using Packs = hana::basic_tuple<simd::Pack<typename Part::value_type, N>...>;
  using Totals = hana::basic_tuple<
      detail::PairwiseFold<typename Part::operation, typename Part::value_type>...>;
  template <std::size_t K>
  using part = std::remove_cvref_t<decltype(hana::at_c<K>(
      std::declval<const hana::basic_tuple<Part...>&>()))>;
  template <std::size_t K>
  using acc = typename part<K>::value_type;
  template <std::size_t K>
  using op = typename part<K>::operation;

  // f(integral constant K) for every part.
  template <class F>
  TENON_INLINE static void each(const F& f) {
    [&]<std::size_t... K>(std::index_sequence<K...>) TENON_INLINE_LAMBDA {
      (f(std::integral_constant<std::size_t, K>{}), ...);
    }(std::make_index_sequence<count>{});
  }
  template <int N>
  TENON_INLINE static Packs<N> none() {
    return Packs<N>{simd::Pack<typename Part::value_type, N>(
        Part::operation::template identity<typename Part::value_type>())...};
  }
  template <int N, class Values>
  TENON_INLINE static void combine(Packs<N>& a, const Values& values) {
    each([&](auto k) TENON_INLINE_LAMBDA {
      constexpr std::size_t K = decltype(k)::value;
      auto& to = hana::at_c<K>(a);
      to = op<K>::combine(to, simd::convert<acc<K>>(hana::at_c<K>(values)));
    });
  }

  template <int N, class Src>
  TENON_INLINE static void row(const Src& src, index_t n, Totals& totals) {
    constexpr index_t block = FoldReducer<SumOp, float>::block;
    constexpr int axis = Src::rank - 1;
    const auto at = [&](index_t i) TENON_INLINE_LAMBDA {
      return src.template read<N, axis, false>(Position{0, i, N}, EmptyEnvironment{});
    };
    for (index_t begin = 0; begin < n; begin += block) {
      const index_t end = n - begin < block ? n : begin + block;
      Packs<N> a = none<N>(), b = a, c = a, d = a;
      index_t i = begin;
      for (; i + 4 * N <= end; i += 4 * N) {
        combine<N>(a, at(i));
        combine<N>(b, at(i + N));
        combine<N>(c, at(i + 2 * N));
        combine<N>(d, at(i + 3 * N));
      }
      for (; i + N <= end; i += N) combine<N>(a, at(i));
      const int rest = static_cast<int>(end - i);
      if (rest > 0) {
        const auto tail =
            src.template read<N, axis, true>(Position{0, i, rest}, EmptyEnvironment{});
        each([&](auto k) TENON_INLINE_LAMBDA {
          constexpr std::size_t K = decltype(k)::value;
          using P = simd::Pack<acc<K>, N>;
          auto& to = hana::at_c<K>(b);
          const P value = simd::convert<acc<K>>(hana::at_c<K>(tail));
          const P nothing(op<K>::template identity<acc<K>>());
          to = op<K>::combine(to, simd::select(first_lanes<acc<K>, N>(rest), value, nothing));
        });
      }
      each([&](auto k) TENON_INLINE_LAMBDA {
        constexpr std::size_t K = decltype(k)::value;
        hana::at_c<K>(totals).push(
            op<K>::fold(op<K>::combine(op<K>::combine(hana::at_c<K>(a), hana::at_c<K>(b)),
                                       op<K>::combine(hana::at_c<K>(c), hana::at_c<K>(d)))));
      });
    }
  }

  // One output of each fold, into lane `lane` of its pack.
  template <int N, class Src>
  TENON_INLINE static void along(Src src, const index_t* extents, int depth, int lane,
                                 Packs<N>& out) {
    Totals totals;
    const index_t n = extents[depth - 1];
    walk(
        Src::rank - depth, depth - 1, extents,
        [&]() TENON_INLINE_LAMBDA { row<N>(src, n, totals); }, src);
    each([&](auto k) TENON_INLINE_LAMBDA {
      constexpr std::size_t K = decltype(k)::value;
      hana::at_c<K>(out).set_lane(lane, hana::at_c<K>(totals).result());
    });
  }

  template <int N, int Axis, bool Partial, class Src>
  TENON_INLINE static Packs<N> across(Src src, const index_t* extents, int depth, index_t col,
                                      int lanes) {
    constexpr int rows_per_block = 256, blocks_per_total = 256;
    Packs<N> grand = none<N>(), total = grand, part_sum = grand;
    int rows = 0, blocks = 0;
    walk(
        Axis + 1, depth, extents,
        [&]() TENON_INLINE_LAMBDA {
          combine<N>(part_sum, read_column<N, Axis, Partial>(src, col, lanes));
          if (++rows == rows_per_block) {
            combine<N>(total, part_sum);
            part_sum = none<N>();
            rows = 0;
            if (++blocks == blocks_per_total) {
              combine<N>(grand, total);
              total = none<N>();
              blocks = 0;
            }
          }
        },
        src);
    combine<N>(total, part_sum);
    combine<N>(grand, total);
    return grand;
  }
};

namespace detail {

template <class Folds, int N, int Kept, class Src, class Out>
TENON_INLINE void reduce_jointly_along(const Src& src, const Out& out, index_t columns,
                                       const index_t* reduced, int depth) {
  for (index_t col = 0; col < columns; col += N) {
    const int count = static_cast<int>(columns - col < N ? columns - col : N);
    auto values = Folds::template none<N>();
    for (int j = 0; j < count; ++j) {
      Src row = src;
      if constexpr (Kept > 0) row.step(Kept - 1, col + j);
      Folds::template along<N>(row, reduced, depth, j, values);
    }
    const Position at{0, col, count};
    if (count == N)
      out.template put<N, Out::rank - 1, false>(at, values);
    else
      out.template put<N, Out::rank - 1, true>(at, values);
  }
}

template <class Folds, int N, int Kept, class Src, class Out>
TENON_INLINE void reduce_jointly_across(const Src& src, const Out& out, index_t columns,
                                        const index_t* reduced, int depth) {
  constexpr int axis = Kept - 1;
  index_t col = 0;
  for (; col + N <= columns; col += N)
    out.template put<N, axis, false>(
        Position{0, col, N}, Folds::template across<N, axis, false>(src, reduced, depth, col, N));
  if (col < columns) {
    const int count = static_cast<int>(columns - col);
    out.template put<N, axis, true>(Position{0, col, count}, Folds::template across<N, axis, true>(
                                                                 src, reduced, depth, col, count));
  }
}

}  // namespace detail

// Formula: out_k(kept…) = fold k over reduced… of src_k(kept…, reduced…), all k in one pass; as reduce().
// Lanes: the pack size of each fold alone, which is to be the same for all.
// Contract: src reads a tuple with one pack for each fold, out takes one. No allocation.
template <class Folds, int Lanes, bool Along, int Kept, std::size_t R, class Src, class Out>
void reduce_jointly(const std::array<index_t, R>& extents, const Src& src, const Out& out) {
  detail::reduce_rows<Along, Kept>(extents, src, out,
                                   [](const auto& source, const auto& target, index_t columns,
                                      const index_t* reduced, int depth) TENON_INLINE_LAMBDA {
                                     if constexpr (Along)
                                       detail::reduce_jointly_along<Folds, Lanes, Kept>(
                                           source, target, columns, reduced, depth);
                                     else
                                       detail::reduce_jointly_across<Folds, Lanes, Kept>(
                                           source, target, columns, reduced, depth);
                                   });
}

}  // namespace tenon::inline TENON_MODE::kernels
