#pragma once
// Running a contraction: its operands and its target as gemm reads and writes them.

#include <tenon/eval/axes.hpp>
#include <tenon/eval/cursors.hpp>

#include <tenon/kernels/gemm.hpp>

namespace tenon::detail::inline TENON_MODE {

// A cursor as the matrix that gemm reads: its last two axes.
template <class T, class Cursor>
class GemmSource {
 public:
  using value_type = T;
  constexpr explicit GemmSource(const Cursor& cursor) : cursor_(cursor) {}

  template <int Axis, int N>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> load(index_t i, index_t j) const {
    return kernels::detail::plain(cursor_.template read<N, Cursor::rank - 2 + Axis, false>(
        kernels::Position{i, j, N}, kernels::EmptyEnvironment{}));
  }
  template <int Axis, int N>
  [[nodiscard]] TENON_INLINE simd::Pack<T, N> load_partial(index_t i, index_t j, int count) const {
    return kernels::detail::plain(cursor_.template read<N, Cursor::rank - 2 + Axis, true>(
        kernels::Position{i, j, count}, kernels::EmptyEnvironment{}));
  }
  [[nodiscard]] constexpr int contiguous_axis() const {
    return cursor_.memory_axis() == Cursor::rank - 2 ? 0 : 1;
  }
  TENON_INLINE constexpr void step(int axis, index_t count) { cursor_.step(axis, count); }

  [[nodiscard]] TENON_INLINE auto rows(index_t i, index_t j) const
    requires requires(const Cursor& cursor) { cursor.rows(i, j); }
  {
    return cursor_.rows(i, j);
  }

  // Plain memory, which gemm may read in place.
  [[nodiscard]] constexpr const T* data() const noexcept
    requires kernels::detail::is_memory<Cursor>
  {
    return cursor_.pointer();
  }
  [[nodiscard]] constexpr index_t stride(int axis) const noexcept
    requires kernels::detail::is_memory<Cursor>
  {
    return cursor_.strides()[static_cast<std::size_t>(Cursor::rank - 2 + axis)];
  }

 private:
  Cursor cursor_;
};

template <class T, class Cursor>
[[nodiscard]] constexpr auto make_source(const Cursor& cursor) {
  return GemmSource<T, Cursor>(cursor);
}

// A target as the place where gemm puts its product.
template <class Target>
class GemmSink {
 public:
  constexpr explicit GemmSink(const Target& target) : target_(target) {}

  template <int N, class P>
  TENON_INLINE void store(index_t i, index_t j, const P& value) const {
    target_.template put<N, Target::rank - 1, false>(kernels::Position{i, j, N}, value);
  }
  template <int N, class P>
  TENON_INLINE void store_partial(index_t i, index_t j, const P& value, int count) const {
    target_.template put<N, Target::rank - 1, true>(kernels::Position{i, j, count}, value);
  }
  TENON_INLINE constexpr void step(int axis, index_t count) { target_.step(axis, count); }

  // Plain memory, which gemm may store whole tiles to.
  [[nodiscard]] constexpr auto data() const noexcept
    requires Target::stores_only
  {
    return target_.memory().pointer();
  }
  [[nodiscard]] constexpr index_t stride(int axis) const noexcept
    requires Target::stores_only
  {
    return target_.memory().strides()[static_cast<std::size_t>(Target::rank - 2 + axis)];
  }

 private:
  Target target_;
};

// The same where an axis of the product counts groups of rows of the target.
template <class Target>
class GroupSink : public GemmSink<Target> {
 public:
  constexpr GroupSink(const Target& target, index_t rows) : GemmSink<Target>(target), rows_(rows) {}
  TENON_INLINE constexpr void step(int axis, index_t count) {
    GemmSink<Target>::step(axis, axis == Target::rank - 3 ? count * rows_ : count);
  }

 private:
  index_t rows_;
};

// The place of a product whose columns are the last two axes of the target, in row-major order.
template <class Target>
class PlacesSink {
 public:
  // An axis of the product before the rows counts groups of `rows` of them where `grouped`.
  constexpr PlacesSink(const Target& target, index_t columns, bool grouped, index_t rows)
      : target_(target), columns_(columns), group_rows_(grouped ? rows : 1), grouped_(grouped) {}

  template <int N, class P>
  TENON_INLINE void store(index_t i, index_t j, const P& value) const {
    put<N, false>(i, j, value, N);
  }
  template <int N, class P>
  TENON_INLINE void store_partial(index_t i, index_t j, const P& value, int count) const {
    put<N, true>(i, j, value, count);
  }
  TENON_INLINE constexpr void step(int axis, index_t count) {
    target_.step(axis, grouped_ && axis == Target::rank - 4 ? count * group_rows_ : count);
  }

 private:
  template <int N, bool Partial, class P>
  TENON_INLINE void put(index_t i, index_t j, const P& value, int count) const {
    Target row = target_;
    row.step(Target::rank - 3, i);
    const index_t h = columns_.divide(j), w = j - h * columns_.value();
    if (w + count <= columns_.value()) [[likely]]
      row.template put<N, Target::rank - 1, Partial>(kernels::Position{h, w, count}, value);
    else
      put_pieces<N>(row, h, w, value, count);
  }

  // What goes on in the next row of places.
  template <int N, class P>
  [[gnu::noinline]] void put_pieces(const Target& row, index_t h, index_t w, const P& value,
                                    int count) const {
    typename P::value_type lanes[N];
    value.store(lanes);
    for (int done = 0; done < count; ++h, w = 0) {
      const int some = static_cast<int>(std::min<index_t>(count - done, columns_.value() - w));
      row.template put<N, Target::rank - 1, true>(kernels::Position{h, w, some},
                                                  P::load_partial(lanes + done, some));
      done += some;
    }
  }

  Target target_;
  kernels::Divisor columns_;
  index_t group_rows_;
  bool grouped_;
};

// Where a guess of the memory order may fail at run time, reads that look at the strides.
template <class Cursor>
[[nodiscard]] constexpr auto settled(const Cursor& cursor) {
  if constexpr (Cursor::sure)
    return cursor;
  else
    return cursor.without_hints();
}

// The batch axes of a product followed by a row and a column axis, where vectors lack one.
template <int Rank, bool NoRow, bool NoColumn>
consteval auto matrix_axes() {
  std::array<int, static_cast<std::size_t>(Rank + (NoRow ? 1 : 0) + (NoColumn ? 1 : 0))> axes{};
  std::size_t d = 0;
  int c = 0;
  const std::size_t batch = axes.size() - 2;
  while (d < batch) axes[d++] = c++;
  axes[d++] = NoRow ? -1 : c++;
  axes[d] = NoColumn ? -1 : c;
  return axes;
}

// The extents of a cursor's node after matrix_axes.
template <bool NoRow, bool NoColumn, std::size_t R>
[[nodiscard]] constexpr auto matrix_extents(const std::array<index_t, R>& extents) {
  constexpr auto axes = matrix_axes<static_cast<int>(R), NoRow, NoColumn>();
  std::array<index_t, axes.size()> result{};
  for (std::size_t d = 0; d < axes.size(); ++d)
    result[d] = axes[d] < 0 ? 1 : extents[static_cast<std::size_t>(axes[d] < 0 ? 0 : axes[d])];
  return result;
}

// The axes of a convolution's target as the product has them: batch, the channels (as groups of rows and
// rows, both of them steps of channels, where they are grouped), the places.
template <int Rank, int PlacesAxes, bool Grouped>
consteval auto convolution_axes() {
  std::array<int, static_cast<std::size_t>(Rank + (Grouped ? 1 : 0))> axes{};
  for (std::size_t d = 0; d < axes.size(); ++d)
    axes[d] = static_cast<int>(d) - (Grouped && d + PlacesAxes + 1 >= axes.size() ? 1 : 0);
  return axes;
}

// The sink of product N: its target, with the axes of its operands' batches, rows and columns.
template <class N, class Target>
[[nodiscard]] constexpr auto make_sink(const Target& target, [[maybe_unused]] index_t rows,
                                       [[maybe_unused]] index_t columns) {
  using Op = typename N::op_type;
  constexpr int rank = shape_t<N>::rank();
  if constexpr (is_convolution<Op>) {
    const auto out =
        settled(with_axes<convolution_axes<rank, Op::places_axes, Op::grouped>()>(target));
    using Out = std::remove_const_t<decltype(out)>;
    if constexpr (Op::places_axes == 2)
      return PlacesSink<Out>(out, std::max<index_t>(columns, 1), Op::grouped, rows);
    else if constexpr (Op::grouped)
      return GroupSink<Out>(out, rows);
    else
      return GemmSink<Out>(out);
  } else {
    const auto out =
        settled(with_axes<matrix_axes<rank, Op::left_vector, Op::right_vector>()>(target));
    return GemmSink<std::remove_const_t<decltype(out)>>(out);
  }
}

// The extents of product N: batch axes, rows, columns; from its own and those of its operands with all axes.
template <class N, std::size_t C, std::size_t A, std::size_t B>
[[nodiscard]] constexpr auto product_extents(const std::array<index_t, C>& result,
                                             const std::array<index_t, A>& a,
                                             const std::array<index_t, B>& b) {
  using Op = typename N::op_type;
  if constexpr (is_convolution<Op>) {
    auto extents = b;
    extents[B - 2] = a[A - 2];
    return extents;
  } else {
    return matrix_extents<Op::left_vector, Op::right_vector>(result);
  }
}

// For parallel evaluations, see parallel_stages.hpp.
template <int Core, int Stage, class Eval, std::size_t R, class A, class B, class C, class Whole>
void multiply_in_parts(const Eval& x, const std::array<index_t, R>& extents, index_t k, const A& a,
                       const B& b, const C& c, std::byte* scratch, const Whole& whole);

// f(extents of the product, K, sources of its operands, its sink): a contraction as gemm sees it.
template <int Core, int Stage, class Eval, class Target, class F>
TENON_INLINE auto with_product(const Eval& x, const Target& target, const F& f) {
  const auto& node = node_at<Core>(x.expression);
  using N = std::remove_cvref_t<decltype(node)>;
  using E = std::remove_cvref_t<decltype(x.expression)>;
  using Op = typename N::op_type;
  using T = value_t<N>;
  constexpr int left = operand_index<E>(Core, 0), right = operand_index<E>(Core, 1);
  const auto& a_node = node_at<left>(x.expression);
  const auto& b_node = node_at<right>(x.expression);
  constexpr int a_rank = shape_t<decltype(a_node)>::rank();
  constexpr int b_rank = shape_t<decltype(b_node)>::rank();
  const auto ea = matrix_extents<Op::left_vector, false>(a_node.shape().extents());
  const auto eb = matrix_extents<false, Op::right_vector>(b_node.shape().extents());
  const auto ec = product_extents<N>(node.shape().extents(), ea, eb);
  constexpr int rank = static_cast<int>(ec.size());
  // Batch axes of extent 1 stand still; rows, columns and depth never stretch.
  const auto matrix = [&]<auto Axes>(const auto& cursor, const auto& extents) {
    auto open = extents;
    open[open.size() - 1] = open[open.size() - 2] = 2;
    return settled(with_axes<Axes>(cursor).template broadcast<rank, 0U, 0U>(open));
  };
  auto a = make_source<T>(matrix.template operator()<matrix_axes<a_rank, Op::left_vector, false>()>(
      cursor_of<left, Stage, false>(x), ea));
  auto b =
      make_source<T>(matrix.template operator()<matrix_axes<b_rank, false, Op::right_vector>()>(
          cursor_of<right, Stage, false>(x), eb));
  index_t row_of_places = 1;
  if constexpr (shape_t<N>::rank() > 0) row_of_places = node.shape().extent(-1);
  auto c = make_sink<N>(target, ec[rank - 2], row_of_places);
  return f(ec, ea[ea.size() - 1], a, b, c);
}

// A contraction of any kind.
template <int Core, int Stage, class Eval, class Target>
[[gnu::noinline]] void run_products(const Eval& x, const Target& target, std::byte* scratch) {
  using E = std::remove_cvref_t<decltype(x.expression)>;
  using N = std::remove_cvref_t<decltype(node_at<Core>(x.expression))>;
  using Op = typename N::op_type;
  using T = value_t<N>;
  using Left = shape_t<decltype(node_at<operand_index<E>(Core, 0)>(x.expression))>;
  using Right = shape_t<decltype(node_at<operand_index<E>(Core, 1)>(x.expression))>;
  with_product<Core, Stage>(x, target, [&](const auto& ec, index_t k, auto& a, auto& b, auto& c) {
    constexpr int rank = static_cast<int>(std::tuple_size_v<std::remove_cvref_t<decltype(ec)>>);
    const index_t m = ec[rank - 2], n = ec[rank - 1];
    const auto multiply = [&] {
      if constexpr (Left::is_static && Right::is_static) {
        constexpr auto sa = Left::pattern;
        constexpr auto sb = Right::pattern;
        constexpr index_t rows = Op::left_vector ? 1 : sa[sa.size() - 2],
                          columns = Op::right_vector ? 1 : sb[sb.size() - 1],
                          depth = sa[sa.size() - 1];
        kernels::gemm<T, rows, columns, depth>(a, b, c, scratch);
      } else {
        kernels::gemm<T>(m, n, k, a, b, c, scratch);
      }
    };
    const auto multiply_all = [&] {
      if constexpr (rank == 2)
        multiply();
      else
        kernels::walk(0, rank - 2, ec.data(), multiply, a, b, c);
    };
    if constexpr (Eval::runs_in_parallel)
      multiply_in_parts<Core, Stage>(x, ec, k, a, b, c, scratch, multiply_all);
    else
      multiply_all();
  });
}

// target(b…, i, j) = sum_k a(b…, i, k) · b(b…, k, j), through the elementwise work around it. A small product
// of memory is code of the caller's, where extents and addresses are at hand in registers.
template <int Core, int Stage, class Eval, class Target>
TENON_INLINE void run_contraction(const Eval& x, const Target& target, std::byte* scratch) {
  using N = std::remove_cvref_t<decltype(node_at<Core>(x.expression))>;
  if constexpr (!Eval::runs_in_parallel && !N::shape_type::is_static) {
    const bool done = with_product<Core, Stage>(
        x, target, [&](const auto& ec, index_t k, const auto& a, const auto& b, const auto& c) {
          if constexpr (std::tuple_size_v<std::remove_cvref_t<decltype(ec)>> == 2)
            return kernels::detail::multiply_memory<value_t<N>>(ec[0], ec[1], k, a, b, c, scratch);
          else
            return false;
        });
    if (done) return;
  }
  run_products<Core, Stage>(x, target, scratch);
}

}  // namespace tenon::detail::inline TENON_MODE
