#pragma once
// The expression tree: leaves that say where values come from, and one n-ary node for every operation.
//
// A tree is a value. Its type holds the operations, element types and everything that is known of
// the shapes; what is left at run time is one pointer for each view, the extents that are not
// static, and the scalars. The shape precondition of an operation is checked where its node is built.

#include <tenon/memory/resource.hpp>
#include <tenon/tensor/static_tensor.hpp>
#include <tenon/tensor/tensor.hpp>
#include <tenon/tensor/view.hpp>

#include <tenon/core/dtype.hpp>
#include <tenon/core/shape.hpp>

#include <boost/hana/basic_tuple.hpp>
#include <boost/hana/unpack.hpp>

#include <type_traits>
#include <utility>

namespace tenon::inline TENON_MODE {

namespace hana = boost::hana;

enum class Kind : unsigned char {
  leaf,       // memory: a view, or a tensor that the tree owns
  scalar,     // one value
  bound,      // the name that `let` gives to a value
  map,        // a functor on every element, operands broadcast
  reduce,     // a fold over axes
  contract,   // a matrix product
  normalize,  // softmax and its kin along one axis
  view,       // other axes, offsets and steps over the same elements
  reshape,    // other extents over the same elements in row-major order
  join,       // operands one after another along an axis, or one within padding
  slide,      // the taps and the places of a window instead of the axis that it slides along
  windows,    // what a window sees at each of its places, as the columns of a matrix
  let         // a value computed once and used by name
};

// A node of an expression tree.
template <class E>
concept ExpressionNode = requires {
  typename std::remove_cvref_t<E>::expression_tag;
  { std::remove_cvref_t<E>::kind } -> std::convertible_to<Kind>;
};

// Anything that may stand in an expression beside a number: a tensor, a view, a node.
template <class E>
concept Expression = ExpressionNode<E> || TensorLike<E>;

template <class E>
using value_t = typename std::remove_cvref_t<E>::value_type;

template <class E>
using shape_t = typename std::remove_cvref_t<E>::shape_type;

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

template <class X>
inline constexpr bool is_stateless = std::is_empty_v<X> && std::is_default_constructible_v<X>;

// A member that takes no room when it is stateless. Owner keeps two of them apart, so that a node
// and its first operand, which begin at the same address, may hold the same functor. Without a default
// constructor, as a node is: std::pair and std::tuple ask for one, and asking hana's tuple of operands does not
// compile where leaves have none.
template <class X, class Owner, bool = is_stateless<X>>
struct Stored {
  X value;
  constexpr Stored(X x) : value(static_cast<X&&>(x)) {}
};
template <class X, class Owner>
struct Stored<X, Owner, true> {
  constexpr Stored(const X&) noexcept {}
};

template <int Slot, class Owner>
struct BaseTag {};

// Nothing to watch: foreign memory, views, and everything in builds without checks.
struct NoGuard {
  constexpr void check(const char*) const noexcept {}
};

// The block that a leaf reads, so that evaluation can tell when the tensor behind it has died.
struct BlockGuard {
  const StampedResource* resource = nullptr;
  const void* block = nullptr;
  std::uint64_t stamp = 0;

  void check(const char* operation) const {
    if (resource == nullptr || resource->is_live(block, stamp)) return;
    resource->report_stale(block, stamp);
    raise<StaleTensorError>(operation,
                            "an operand at %p is stale: its memory was freed, or its resource "
                            "cleared, after the expression was built",
                            block);
  }
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// A leaf that reads memory somebody else owns.
template <class T, class S, class Layout, class Guard = detail::NoGuard>
class ViewLeaf {
 public:
  using expression_tag = void;
  static constexpr Kind kind = Kind::leaf;
  using value_type = T;
  using shape_type = S;
  using layout_type = Layout;
  using guard_type = Guard;

  constexpr explicit ViewLeaf(const TensorView<const T, S, Layout>& view, Guard guard = {}) noexcept
      : view_(view), guard_(guard) {}

  [[nodiscard]] constexpr S shape() const noexcept { return view_.shape(); }
  [[nodiscard]] constexpr const TensorView<const T, S, Layout>& view() const noexcept {
    return view_;
  }
  // Errors: StaleTensorError where the memory has died since (checked builds).
  void check(const char* operation) const { guard_.check(operation); }

  // Makes this leaf read what `other` reads. Contract: the same extents, for nodes above know them.
  constexpr void rebind(const ViewLeaf& other) noexcept {
    view_.rebind(other.view_);
    guard_ = other.guard_;
  }

 private:
  TensorView<const T, S, Layout> view_;
  [[no_unique_address]] Guard guard_;
};

// A leaf that owns its tensor: an rvalue operand is moved in, so a stored expression never dangles.
template <class Owned>
class OwnedLeaf {
 public:
  using expression_tag = void;
  static constexpr Kind kind = Kind::leaf;
  using value_type = typename Owned::value_type;
  using shape_type = typename Owned::shape_type;
  using layout_type = row_major;

  constexpr explicit OwnedLeaf(Owned&& tensor) noexcept : tensor_(std::move(tensor)) {}

  [[nodiscard]] constexpr shape_type shape() const noexcept { return tensor_.shape(); }
  [[nodiscard]] constexpr TensorView<const value_type, shape_type> view() const noexcept {
    return tensor_.view();
  }
  void check(const char* operation) const {
    if constexpr (checked_build && is_tensor_v<Owned>) {
      if (tensor_.resource() == nullptr || !tensor_.is_live())
        detail::raise<StaleTensorError>(
            operation,
            "the expression's own tensor is gone: it was moved from, or "
            "its resource cleared, after the expression was built");
    }
  }

 private:
  Owned tensor_;
};

// A number beside tensors; it has the tensors' element type.
template <class T>
class ScalarLeaf {
 public:
  using expression_tag = void;
  static constexpr Kind kind = Kind::scalar;
  using value_type = T;
  using shape_type = Shape<>;

  constexpr explicit ScalarLeaf(T value) noexcept : value_(value) {}
  [[nodiscard]] constexpr Shape<> shape() const noexcept { return {}; }
  [[nodiscard]] constexpr T value() const noexcept { return value_; }

 private:
  T value_;
};

// The name of a value that a `let` further out computes. Tag names that `let`.
template <class Tag, class T, class S>
class BoundLeaf {
 public:
  using expression_tag = void;
  static constexpr Kind kind = Kind::bound;
  using tag = Tag;
  using value_type = T;
  using shape_type = S;

  constexpr explicit BoundLeaf(const S& shape) : shape_(shape) {}
  [[nodiscard]] constexpr S shape() const noexcept { return shape_; }

 private:
  [[no_unique_address]] S shape_;
};

// An operation on operands. Op says which kind it is and holds what the operation needs at run time.
// An aggregate, for detail::make_node to fill: a program has many types of nodes, and what is not there
// need not be compiled.
template <class Op, class T, class S, class... Operands>
struct Node : detail::Stored<Op, detail::BaseTag<0, Node<Op, T, S, Operands...>>>,
              detail::Stored<S, detail::BaseTag<1, Node<Op, T, S, Operands...>>> {
  using StoredOp = detail::Stored<Op, detail::BaseTag<0, Node>>;
  using StoredShape = detail::Stored<S, detail::BaseTag<1, Node>>;
  using expression_tag = void;
  static constexpr Kind kind = Op::kind;
  using op_type = Op;
  using value_type = T;
  using shape_type = S;
  using operand_types = hana::basic_tuple<Operands...>;
  static constexpr int operand_count = static_cast<int>(sizeof...(Operands));

  operand_types operands_;

  [[nodiscard]] constexpr decltype(auto) op() const noexcept {
    if constexpr (detail::is_stateless<Op>)
      return Op{};
    else
      return (StoredOp::value);
  }
  [[nodiscard]] constexpr S shape() const noexcept {
    if constexpr (detail::is_stateless<S>)
      return S{};
    else
      return StoredShape::value;
  }
  [[nodiscard]] constexpr const operand_types& operands() const noexcept { return operands_; }
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Stops the compiler where an argument cannot go into a tree.
template <class X>
struct EntersTree {
  static_assert(!std::is_lvalue_reference_v<X> ||
                    std::is_copy_constructible_v<std::remove_cvref_t<X>>,
                "This expression owns a tensor, so it can only be moved into a larger one: "
                "write std::move(e), or share its value with let(std::move(e), ...).");
  static constexpr bool value = true;
};

// The node of op over operands that are nodes already. (static_cast is std::forward, without a function
// to compile for every type of node.)
template <class Op, class T, class S, class... X>
[[nodiscard]] constexpr auto make_node(Op op, const S& shape, X&&... operands) {
  static_assert((EntersTree<X>::value && ...));
  using N = Node<Op, T, S, std::remove_cvref_t<X>...>;
  using Operands = typename N::operand_types;
  return N{{std::move(op)}, {shape}, Operands{static_cast<X&&>(operands)...}};
}

template <class X>
[[nodiscard]] constexpr auto leaf_of_view(const X& view) noexcept {
  return ViewLeaf<typename X::value_type, typename X::shape_type, typename X::layout_type>(view);
}

// What an argument becomes inside a tree: views by value, lvalue tensors as views, rvalue tensors
// moved in, nodes copied or moved.
template <Expression X>
[[nodiscard]] constexpr auto as_operand(X&& x) {
  using E = std::remove_cvref_t<X>;
  if constexpr (ExpressionNode<E>) {
    static_assert(EntersTree<X>::value);
    return E(std::forward<X>(x));
  } else if constexpr (is_tensor_view_v<E>) {
    return leaf_of_view(x);
  } else if constexpr (!std::is_lvalue_reference_v<X>) {
    if constexpr (is_static_tensor_v<E>) {
      return OwnedLeaf<E>(E(x));
    } else {
      static_assert(!std::is_const_v<X>,
                    "A const temporary tensor cannot be moved into an expression: return it "
                    "without const, or give it a name.");
      return OwnedLeaf<E>(std::move(x));
    }
  } else if constexpr (is_tensor_v<E> && checked_build) {
    return ViewLeaf<typename E::value_type, typename E::shape_type, row_major, BlockGuard>(
        x.view(), BlockGuard{x.stamped_resource(), x.data(), x.stamp()});
  } else {
    return leaf_of_view(x.view());
  }
}

template <class X>
using operand_t = decltype(as_operand(std::declval<X>()));

}  // namespace tenon::detail::inline TENON_MODE
