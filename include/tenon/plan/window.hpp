#pragma once
// The expression that a region evaluates for one block of its rows.
//
// It is made anew for every block, on the stack, from the nodes of the region: leaves become views of
// the block, hoisted values views of their slots, operations the same operations with the block's
// extents. All blocks have the same type, so its plan is made once.

#include <tenon/plan/node_at.hpp>
#include <tenon/plan/regions.hpp>

#include <boost/hana/unpack.hpp>

#include <algorithm>
#include <cstdint>

namespace tenon::detail::inline TENON_MODE {

// Rows [begin, begin + count) of `rows`.
struct RowBlock {
  index_t begin = 0;
  index_t count = 0;
  index_t rows = 0;
};

// The pattern that the extents of a cut axis have: those of pattern `extent`, Rows of them at most (0:
// known at run time).
template <index_t Rows>
consteval index_t cut_extent(index_t extent) {
  if (Rows == 1) return 1;
  if (Rows == 0 || is_unbounded_extent(extent)) return dyn_block;
  if (is_static_extent(extent)) return block_of(Rows);
  return std::max(extent, -1 - Rows);  // the smaller bound
}

template <class S, int Axis, index_t Rows>
consteval auto cut_pattern() {
  auto pattern = S::pattern;
  if constexpr (Axis >= 0)
    pattern[static_cast<std::size_t>(Axis)] =
        cut_extent<Rows>(pattern[static_cast<std::size_t>(Axis)]);
  return pattern;
}

// The block's extents of a node; an extent that is not the rows' is 1, and is stretched over them.
template <int Axis, index_t Rows, class S>
[[nodiscard]] TENON_INLINE constexpr auto cut_shape(const S& shape, const RowBlock& block) {
  if constexpr (Axis < 0) {
    return shape;
  } else {
    auto extents = shape.extents();
    index_t& extent = extents[static_cast<std::size_t>(Axis)];
    extent = extent == block.rows ? block.count : extent;
    return shape_from_t<cut_pattern<S, Axis, Rows>()>::from_valid_extents(extents);
  }
}

// True where the block of a row-major view is in row-major order too.
template <class S, int Axis>
consteval bool stays_row_major() {
  for (int d = 0; d < Axis; ++d)
    if (S::pattern[static_cast<std::size_t>(d)] != 1) return false;
  return true;
}

// The view operation that cuts a block out.
template <int Axis, int Rank>
struct CutOp {
  static constexpr auto source = [] {
    std::array<int, static_cast<std::size_t>(Rank)> same{};
    for (std::size_t d = 0; d < same.size(); ++d) same[d] = static_cast<int>(d);
    return same;
  }();
  using type = Restride<source, ~0U, ~(1U << Axis), Offsets<Rank>>;
};

template <int Axis, class S>
[[nodiscard]] TENON_INLINE constexpr auto cut_op(const S& shape, const RowBlock& block) {
  Offsets<S::rank()> offsets;
  for (auto& step : offsets.stride) step = 1;
  offsets.first[Axis] = shape.extent(Axis) == block.rows ? block.begin : 0;
  return typename CutOp<Axis, S::rank()>::type{offsets};
}

// The block of rows of a view, as a view.
template <int Axis, index_t Rows, class T, class S, class Layout>
[[nodiscard]] constexpr auto cut_view(const TensorView<T, S, Layout>& view, const RowBlock& block) {
  const auto shape = cut_shape<Axis, Rows>(view.shape(), block);
  using To = std::remove_const_t<decltype(shape)>;
  if constexpr (std::same_as<Layout, row_major> && stays_row_major<S, Axis>()) {
    const index_t begin = view.shape().extent(Axis) == block.rows ? block.begin : 0;
    return TensorView<T, To>(view.data() + begin * view.strides()[Axis], shape);
  } else {
    return restride_view(cut_op<Axis>(view.shape(), block), shape, view);
  }
}

// The block of rows of a node that is not computed, or only where it is read.
template <int Axis, index_t Rows, class X>
[[nodiscard]] constexpr auto cut_node(const X& x, const RowBlock& block) {
  if constexpr (Axis < 0) {
    return x;
  } else {
    using S = shape_t<X>;
    if constexpr (X::kind == Kind::leaf) {
      if constexpr (std::same_as<typename X::layout_type, row_major> && stays_row_major<S, Axis>())
        return leaf_of_view(cut_view<Axis, Rows>(x.view(), block));
      else
        return make_node<typename CutOp<Axis, S::rank()>::type, value_t<X>>(
            cut_op<Axis>(x.shape(), block), cut_shape<Axis, Rows>(x.shape(), block), X(x));
    } else {
      return make_node<typename CutOp<Axis, S::rank()>::type, value_t<X>>(
          cut_op<Axis>(x.shape(), block), cut_shape<Axis, Rows>(x.shape(), block), X(x));
    }
  }
}

// Where the hoisted values of an evaluation lie.
template <class Evaluation>
struct HoistedValues {
  const Evaluation& evaluation;
  template <class E, int I>
  [[nodiscard]] constexpr std::byte* bytes_of() const noexcept {
    return evaluation.template bytes_of_value<I>();
  }
};
// Nowhere yet: for the extents of a block.
template <>
struct HoistedValues<void> {};

template <int Root, class E, class Hoisted>
class Cut {
 public:
  constexpr Cut(const E& e, const Hoisted& hoisted, const RowBlock& block)
      : e_(e), hoisted_(hoisted), block_(block) {}

  [[nodiscard]] constexpr auto expression() const {
    return operation<Root, structure_of<E>.regions.along[static_cast<std::size_t>(Root)]>();
  }

 private:
  static constexpr auto& structure = structure_of<E>;
  static constexpr auto& records = pattern_records<E>;
  static constexpr index_t rows = block_bound<E, Root>;

  template <int I>
  [[nodiscard]] constexpr auto node() const {
    constexpr auto at = static_cast<std::size_t>(I);
    constexpr int axis = structure.regions.axis[at];
    if constexpr (structure.is_stage(I) || records[at].kind == Kind::leaf)
      return cut_node<axis, rows>(stored<I>(), block_);
    else if constexpr (records[at].kind == Kind::scalar)
      return node_at<I>(e_);
    else if constexpr (records[at].kind == Kind::bound)
      return name<I, I, axis>();
    else if constexpr (structure.regions.window[at] == Window::slice)
      return cut_node<axis, rows>(operation<I, -1>(), block_);
    else if constexpr (in_frames_apart &&
                       (records[at].kind == Kind::contract || records[at].kind == Kind::normalize))
      return operation_apart<I, axis>();
    else
      return operation<I, axis>();
  }

  // One frame with the nodes of all stages would be large, unless they are few; copies from frame to
  // frame take 50 ns for three layers.
  static constexpr bool in_frames_apart = [] {
    int bytes = 0;
    for (int i = Root; i < Root + records[static_cast<std::size_t>(Root)].subtree; ++i)
      bytes += bytes_in_block(records[static_cast<std::size_t>(i)]);
    return bytes > 448;
  }();
  template <int I, int Axis>
  [[gnu::noinline]] constexpr auto operation_apart() const {
    return operation<I, Axis>();
  }

  // The value of a stored node or a leaf, whole.
  template <int I>
  [[nodiscard]] constexpr auto stored() const {
    const auto& x = node_at<I>(e_);
    using X = std::remove_cvref_t<decltype(x)>;
    if constexpr (structure.is_stage(I)) {
      using T = const value_t<X>;
      T* p = nullptr;
      if constexpr (!std::same_as<Hoisted, HoistedValues<void>>)
        p = reinterpret_cast<T*>(hoisted_.template bytes_of<E, I>());
      return leaf_of_view(TensorView<T, shape_t<X>>(p, x.shape()));
    } else {
      return leaf_of_view(x.view());
    }
  }

  template <int User, int I, int Axis>
  [[nodiscard]] constexpr auto name() const {
    constexpr int bound = structure.let_of[static_cast<std::size_t>(I)] + 1;
    constexpr Kind kind = records[static_cast<std::size_t>(bound)].kind;
    const auto& user = node_at<User>(e_);
    using X = std::remove_cvref_t<decltype(user)>;
    if constexpr (structure.is_stage(bound) || kind == Kind::leaf) {
      return cut_node<Axis, rows>(stored<bound>(), block_);
    } else if constexpr (kind == Kind::scalar) {
      return node_at<bound>(e_);
    } else if constexpr (kind == Kind::bound) {
      return name<User, bound, Axis>();
    } else {
      const auto shape = cut_shape<Axis, rows>(user.shape(), block_);
      return BoundLeaf<typename X::tag, value_t<X>, std::remove_const_t<decltype(shape)>>(shape);
    }
  }

  // The operation of node I on the blocks of its operands.
  template <int I, int Axis>
  [[nodiscard]] constexpr auto operation() const {
    const auto& x = node_at<I>(e_);
    using X = std::remove_cvref_t<decltype(x)>;
    if constexpr (X::kind == Kind::let && !keeps_let(I))
      return node<operand_index<E>(I, 1)>();
    else
      return [&]<std::size_t... K>(std::index_sequence<K...>) {
        return make_node<typename X::op_type, value_t<X>>(typename X::op_type(x.op()),
                                                          cut_shape<Axis, rows>(x.shape(), block_),
                                                          node<operand_index<E>(I, K)>()...);
      }(std::make_index_sequence<static_cast<std::size_t>(X::operand_count)>{});
  }

  // Lets of memory and of hoisted values are taken apart.
  static consteval bool keeps_let(int let) {
    const Kind bound = records[static_cast<std::size_t>(let + 1)].kind;
    return !structure.is_stage(let + 1) && bound != Kind::leaf && bound != Kind::scalar &&
           bound != Kind::bound;
  }

  const E& e_;
  const Hoisted& hoisted_;
  const RowBlock& block_;
};

// The expression of one block of the region with root Root.
template <int Root, class E, class Hoisted>
[[nodiscard]] constexpr auto cut(const E& e, const Hoisted& hoisted, const RowBlock& block) {
  return Cut<Root, E, Hoisted>(e, hoisted, block).expression();
}

template <int Root, class E>
using cut_t = decltype(cut<Root>(std::declval<const E&>(), HoistedValues<void>{},
                                 std::declval<const RowBlock&>()));

// What the estimate reads of the Count nodes from Root on, from the extents of a run.
template <int Root, int Count>
struct SizesNow {
  static constexpr index_t most = index_t{1} << 30;
  std::array<std::uint32_t, static_cast<std::size_t>(Count)> elements{}, last{};

  [[nodiscard]] constexpr index_t row_elements(int i) const {
    return elements[static_cast<std::size_t>(i - Root)];
  }
  [[nodiscard]] constexpr index_t last_extent(int i) const {
    return last[static_cast<std::size_t>(i - Root)];
  }

  // Node e is number i of its tree. Returns the number of the one after it.
  template <class Regions, class E>
  constexpr int fill(const Regions& regions, int i, const E& e) {
    const auto at = static_cast<std::size_t>(i);
    const int cut = i == Root ? regions.along[at] : regions.axis[at];
    const auto extents = e.shape().extents();
    index_t n = 1, end = 1;
    for (std::size_t d = 0; d < extents.size(); ++d) {
      end = std::min(extents[d], most);
      if (static_cast<int>(d) != cut) n = std::min(n * end, most);
    }
    elements[at - static_cast<std::size_t>(Root)] = static_cast<std::uint32_t>(n);
    last[at - static_cast<std::size_t>(Root)] = static_cast<std::uint32_t>(end);
    ++i;
    if constexpr (node_count<E> > 1)
      hana::unpack(e.operands(), [&](const auto&... x) { ((i = fill(regions, i, x)), ...); });
    return i;
  }
};

// The most rows of a block for the extents that e has now. A frame of its own, for its tables.
template <int Root, class E>
[[nodiscard, gnu::noinline]] constexpr index_t block_rows_now(const E& e) {
  constexpr auto& records = pattern_records<E>;
  constexpr auto& regions = structure_of<E>.regions;
  SizesNow<Root, records[static_cast<std::size_t>(Root)].subtree> sizes;
  sizes.fill(regions, Root, node_at<Root>(e));
  return BlockEstimate(records, regions, Root, sizes).rows();
}

// The first of the blocks that a region's rows are cut into; `count` is that of all but the last.
template <int Root, class E>
[[nodiscard]] TENON_INLINE constexpr RowBlock first_block(const E& e) {
  constexpr auto& regions = structure_of<E>.regions;
  const index_t rows =
      node_at<Root>(e).shape().extent(regions.along[static_cast<std::size_t>(Root)]);
  index_t most = regions.rows[static_cast<std::size_t>(Root)];
  if constexpr (is_sized_at_run_time<E, Root>)
    most = rows <= least_block_rows ? rows : block_rows_now<Root>(e);
  return {0, rows <= most ? rows : rows_of_block(rows, most), rows};
}

}  // namespace tenon::detail::inline TENON_MODE
