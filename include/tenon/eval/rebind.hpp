#pragma once
// Other operands for a prepared program: which leaf, which destination, and that they fit.

#include <tenon/eval/overlap.hpp>

#include <algorithm>

namespace tenon::inline TENON_MODE {

// "Operand I is x from now on", for Program::rebind. View is TensorView<const T, S, Layout>.
template <int I, class View>
struct OperandBinding {
  View view;
  detail::BlockGuard guard{};
};

// "The result goes to x from now on"; of several results, number Which.
template <class View, int Which = 0>
struct DestinationBinding {
  View view;
  detail::BlockGuard guard{};
};

// "What read `from` reads the same place of `to` from now on".
template <class View>
struct Replacement {
  View from;
  View to;
  detail::BlockGuard guard{};
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// The block behind a tensor, for the check that it is alive; nothing for a view.
template <class X>
[[nodiscard]] BlockGuard guard_of(const X& x) noexcept {
  if constexpr (checked_build && is_tensor_v<X>)
    return {x.stamped_resource(), x.data(), x.stamp()};
  else
    return {};
}

template <class X>
[[nodiscard]] constexpr auto const_view(const X& x) {
  const auto view = as_view<checked_build>(x);
  using View = std::remove_const_t<decltype(view)>;
  return TensorView<const typename View::value_type, typename View::shape_type,
                    typename View::layout_type>(view);
}

template <class X>
consteval void require_outliving() {
  static_assert(is_tensor_view_v<std::remove_cvref_t<X>> || std::is_lvalue_reference_v<X>,
                "A program reads and writes tensors of yours: this one would be gone after the "
                "statement. Give it a name.");
}

// The preorder indices of the leaves of an expression type, and how many there are.
template <class E>
inline constexpr auto leaf_nodes = [] {
  struct {
    std::array<int, static_cast<std::size_t>(node_count<E>)> at{};
    int count = 0;
  } leaves;
  for (int i = 0; i < node_count<E>; ++i)
    if (pattern_records<E>[static_cast<std::size_t>(i)].kind == Kind::leaf)
      leaves.at[static_cast<std::size_t>(leaves.count++)] = i;
  return leaves;
}();

// The leaves of E, an expression or several, by number from left to right.
template <class E>
struct LeavesOf {
  static constexpr int count = leaf_nodes<E>.count;
  template <int I>
  [[nodiscard]] static constexpr const auto& at(const E& e) noexcept {
    return node_at<leaf_nodes<E>.at[I]>(e);
  }
};
template <class E>
inline constexpr int operand_count_of = LeavesOf<E>::count;

// Leaf I of e, which is no constant.
template <int I, class E>
[[nodiscard]] constexpr auto& mutable_leaf(E& e) noexcept {
  using Leaf = std::remove_cvref_t<decltype(LeavesOf<E>::template at<I>(e))>;
  return const_cast<Leaf&>(LeavesOf<E>::template at<I>(e));  // e itself is not const
}

template <class Leaf>
inline constexpr bool reads_foreign_memory = false;
template <class T, class S, class Layout, class Guard>
inline constexpr bool reads_foreign_memory<ViewLeaf<T, S, Layout, Guard>> = true;

// `from` as a view of type To. Errors: does not compile, or ShapeError, where it does not fit.
template <class To, class From, class S>
[[nodiscard]] To fitting_view(const char* what, int index, const From& from, const S& shape) {
  static_assert(std::same_as<value_t<From>, value_t<To>>,
                "rebind needs the element type that the program was prepared with.");
  static_assert(
      std::is_const_v<typename To::element_type> || !std::is_const_v<typename From::element_type>,
      "rebind needs a destination with elements that are not const.");
  static_assert(shape_fit<shape_t<From>, shape_t<To>> != ShapeFit::never,
                "rebind needs the shape that the program was prepared with. Both shapes are named "
                "in the lines around this.");
  static_assert(std::same_as<typename From::layout_type, typename To::layout_type> ||
                    std::same_as<typename To::layout_type, dyn_strides>,
                "rebind needs the layout that the program was prepared with. Both layouts are "
                "named in the lines around this.");
  if (!(from.shape() == shape))
    raise<ShapeError>("rebind", "%s %d was prepared with shape %s, the new one has %s", what, index,
                      ShapeText(shape.extents()).text, ShapeText(from.shape().extents()).text);
  return To(from);
}

// The view of a leaf with its elements in another block, at the same place in it.
template <class View, class T>
[[nodiscard]] constexpr View moved_view(const View& view, const T* from, const T* to) noexcept {
  const T* const data = to + (view.data() - from);
  if constexpr (std::same_as<typename View::layout_type, dyn_strides>)
    return View(data, view.shape(), view.strides());
  else
    return View(data, view.shape());
}

template <class Guard>
[[nodiscard]] constexpr Guard guard_as(const BlockGuard& guard) noexcept {
  if constexpr (std::same_as<Guard, BlockGuard>)
    return guard;
  else
    return {};
}

// What leaf I of E (an expression, or several) reads, to be put back. A leaf that owns its tensor never
// changes.
template <int I, class E>
struct SavedLeaf {
  using Leaf = std::remove_cvref_t<decltype(mutable_leaf<I>(std::declval<E&>()))>;
  static constexpr bool rebinds = reads_foreign_memory<Leaf>;
  struct Nothing {
    explicit Nothing(const Leaf&) noexcept {}
  };
  std::conditional_t<rebinds, Leaf, Nothing> leaf;
  explicit SavedLeaf(E& e) noexcept : leaf(mutable_leaf<I>(e)) {}
  void restore(E& e) const noexcept {
    if constexpr (rebinds) mutable_leaf<I>(e).rebind(leaf);
  }
};
template <class E, class Indices = std::make_integer_sequence<int, operand_count_of<E>>>
struct SavedLeaves;
template <class E, int... I>
struct SavedLeaves<E, std::integer_sequence<int, I...>> : SavedLeaf<I, E>... {
  explicit SavedLeaves(E& e) noexcept : SavedLeaf<I, E>(e)... {}
  void restore(E& e) const noexcept { (SavedLeaf<I, E>::restore(e), ...); }
};

// Leaf I of e reads the binding's view.
template <class E, int I, class X>
void bind_operand(E& e, const OperandBinding<I, X>& binding) {
  static_assert(I >= 0 && I < operand_count_of<E>,
                "rebind names an operand that the program does not have: they count from 0, from "
                "left to right, numbers left out.");
  if constexpr (I >= 0 && I < operand_count_of<E>) {
    auto& leaf = mutable_leaf<I>(e);
    using Leaf = std::remove_cvref_t<decltype(leaf)>;
    static_assert(reads_foreign_memory<Leaf>,
                  "The program owns this operand, which was moved into its expression: only "
                  "operands that are views can be rebound.");
    if constexpr (reads_foreign_memory<Leaf>) {
      using To = std::remove_cvref_t<decltype(leaf.view())>;
      leaf.rebind(Leaf(fitting_view<To>("operand", I, binding.view, leaf.shape()),
                       guard_as<typename Leaf::guard_type>(binding.guard)));
    }
  }
}

// Every leaf of e that reads a part of one tensor reads that part of another.
template <class E, class X>
void bind_replacement(E& e, const Replacement<X>& replacement) {
  const auto whole = byte_range(replacement.from);
  int count = 0;
  const auto offer = [&](auto& leaf) {
    using Leaf = std::remove_cvref_t<decltype(leaf)>;
    if constexpr (reads_foreign_memory<Leaf> && std::same_as<value_t<Leaf>, value_t<X>>) {
      const auto part = byte_range(leaf.view());
      if (part.first == part.last || part.first < whole.first || part.last > whole.last) return;
      leaf.rebind(Leaf(moved_view(leaf.view(), replacement.from.data(), replacement.to.data()),
                       guard_as<typename Leaf::guard_type>(replacement.guard)));
      ++count;
    }
  };
  [&]<int... I>(std::integer_sequence<int, I...>) {
    (offer(mutable_leaf<I>(e)), ...);
  }(std::make_integer_sequence<int, operand_count_of<E>>{});
  if (count == 0)
    raise<ContractError>("rebind",
                         "replacing: no operand of the program lies in the tensor to be replaced");
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: program.rebind(operand<I>(x)): the I-th tensor of the expression, counted from left to right
// as it was written (numbers do not count), is x from now on.
// Contract: x outlives the program, or the next rebind.
template <int I, TensorLike X>
[[nodiscard]] auto operand(X&& x) {
  detail::require_outliving<X>();
  const auto view = detail::const_view(x);
  return OperandBinding<I, std::remove_const_t<decltype(view)>>{view, detail::guard_of(x)};
}

// Formula: program.rebind(destination(x)): run() writes to x from now on. destination<K>(x): the K-th of
// several results.
template <int Which = 0, TensorLike X>
[[nodiscard]] auto destination(X&& x) {
  detail::require_outliving<X>();
  if constexpr (is_tensor_view_v<std::remove_cvref_t<X>>)
    return DestinationBinding<std::remove_cvref_t<X>, Which>{x};
  else
    return DestinationBinding<decltype(x.view()), Which>{x.view(), detail::guard_of(x)};
}

// Formula: program.rebind(replacing(x, y)): every operand that is x, or a view of a part of x, becomes
// the same part of y.
// Errors: where x and y differ in element type or rank, it does not compile; ShapeError for other
// extents or strides.
template <TensorLike X, TensorLike Y>
[[nodiscard]] auto replacing(X&& x, Y&& y) {
  detail::require_outliving<X>();
  detail::require_outliving<Y>();
  const auto from = detail::const_view(x);
  const auto to = detail::const_view(y);
  using View = std::remove_const_t<decltype(from)>;
  static_assert(std::same_as<value_t<X>, value_t<Y>> && View::rank() == shape_t<Y>::rank(),
                "replacing(x, y) needs tensors of the same element type and rank.");
  const bool same = std::ranges::equal(from.shape().extents(), to.shape().extents()) &&
                    from.strides() == to.strides();
  if (!same)
    detail::raise<ShapeError>("replacing", "shapes %s and %s, or their strides, differ",
                              detail::ShapeText(from.shape().extents()).text,
                              detail::ShapeText(to.shape().extents()).text);
  using Dynamic = TensorView<typename View::element_type, shape_t<X>, dyn_strides>;
  return Replacement<Dynamic>{Dynamic(from.data(), from.shape(), from.strides()),
                              Dynamic(to.data(), from.shape(), from.strides()),
                              detail::guard_of(y)};
}

}  // namespace tenon::inline TENON_MODE
