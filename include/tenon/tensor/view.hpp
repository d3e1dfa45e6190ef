#pragma once
// TensorView: elements that somebody else owns, seen through a shape and a layout.

#include <tenon/tensor/layout.hpp>
#include <tenon/tensor/traits.hpp>
#include <tenon/tensor/walk.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>
#include <tenon/core/shape.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace tenon {

namespace detail {

[[noreturn]] TENON_COLD inline void refuse_index(const char* operation,
                                                 std::span<const index_t> index,
                                                 std::span<const index_t> extents) {
  raise<ContractError>(operation, "index %s is outside the shape %s", ShapeText(index).text,
                       ShapeText(extents).text);
}

[[noreturn]] TENON_COLD inline void refuse_item(std::span<const index_t> extents) {
  raise<ShapeError>("item", "needs exactly one element; the shape is %s", ShapeText(extents).text);
}

// How a shape of pattern `from` becomes one of pattern `to`.
enum class ShapeFit { never, checked, always };

[[nodiscard]] constexpr ShapeFit extent_fit(index_t from, index_t to) noexcept {
  if (to == dyn) return ShapeFit::always;
  if (is_static_extent(from)) {
    const bool fits = is_static_extent(to) ? from == to : from <= bound_of(to);
    return fits ? ShapeFit::always : ShapeFit::never;
  }
  const bool within = is_bounded_extent(from) && is_bounded_extent(to) && from >= to;
  return within ? ShapeFit::always : ShapeFit::checked;
}

template <class From, class To>
inline constexpr ShapeFit shape_fit = [] {
  if constexpr (From::rank() != To::rank()) {
    return ShapeFit::never;
  } else {
    auto fit = ShapeFit::always;
    for (std::size_t i = 0; i < From::pattern.size(); ++i) {
      const auto one = extent_fit(From::pattern[i], To::pattern[i]);
      if (one < fit) fit = one;
    }
    return fit;
  }
}();

template <class To, class From>
[[nodiscard]] constexpr To shape_cast(const From& from) noexcept(shape_fit<From, To> ==
                                                                 ShapeFit::always) {
  if constexpr (std::is_same_v<From, To>)
    return from;
  else
    return To::from_extents(from.extents());
}

// A view of U, S2, L2 may become one of T, S, L: const may be added, the shape may forget what its
// type knows, and any layout may store its strides.
template <class U, class S2, class L2, class T, class S, class L>
concept ViewConvertible = (std::is_same_v<U, T> || std::is_same_v<const U, T>) &&
                          (std::is_same_v<L2, L> || std::is_same_v<L, dyn_strides>) &&
                          shape_fit<S2, S> != ShapeFit::never;

// Stands in the message of the compiler where a view of a temporary is asked for.
struct a_view_of_a_temporary_would_dangle;

template <class Owner>
using view_of_t = decltype(std::declval<Owner&>().view());

}  // namespace detail

// Formula: element (i, j, …) is data()[i · strides()[0] + j · strides()[1] + …].
// Holds a pointer, the extents that are not static and, under dyn_strides only, the strides: a view
// of static shape is one pointer. Constness is shallow; a view of const elements is
// TensorView<const T, …>. Copying a view copies the handle; assigning to it writes elements.
// Contract: the elements outlive the view and every expression made of it.
// Allocations: none, except in clone. Thread rules: those of a pointer.
template <class T, class S, class Layout>
class TensorView {
  static_assert(std::is_object_v<T> && !std::is_volatile_v<T>, "TensorView needs an object type.");
  static_assert(ShapeLike<S>, "The second parameter of TensorView is a Shape<...>.");
  static_assert(LayoutTag<Layout>,
                "A layout is row_major, column_major, static_strides<...> or dyn_strides.");
  static constexpr auto R = static_cast<std::size_t>(S::rank());
  static constexpr bool stores_strides = std::is_same_v<Layout, dyn_strides>;

 public:
  using value_type = std::remove_const_t<T>;
  using element_type = T;
  using shape_type = S;
  using layout_type = Layout;

  // Contract: `data` points to all elements that shape and layout reach.
  constexpr TensorView(T* data, const S& shape) noexcept
    requires(!stores_strides)
      : data_(data), shape_(shape) {}
  constexpr TensorView(T* data, const S& shape, const std::array<index_t, R>& strides) noexcept
    requires stores_strides
      : data_(data), shape_(shape), strides_{strides} {}

  constexpr TensorView(const TensorView&) noexcept = default;

  // Formula: the same elements. Implicit where the shape always fits; otherwise explicit, and a
  // ShapeError where an extent does not fit the type.
  template <class U, class S2, class L2>
    requires detail::ViewConvertible<U, S2, L2, T, S, Layout>
  constexpr explicit(detail::shape_fit<S2, S> != detail::ShapeFit::always)
      TensorView(const TensorView<U, S2, L2>& other)
      : data_(other.data()), shape_(detail::shape_cast<S>(other.shape())) {
    if constexpr (stores_strides) strides_.values = other.strides();
  }

  // A tensor that has a name converts as its view does. In checked builds a stale one raises
  // StaleTensorError.
  template <class Owner, bool Checked = checked_build>
    requires OwningTensor<Owner> && std::is_constructible_v<TensorView, detail::view_of_t<Owner>>
  constexpr explicit(!std::is_convertible_v<detail::view_of_t<Owner>, TensorView>)
      TensorView(Owner& owner)
      : TensorView(owner.template view<Checked>()) {}
  template <OwningTensor Owner, class Reason = detail::a_view_of_a_temporary_would_dangle>
  TensorView(const Owner&&) = delete;

  // Formula: (*this)(i, …) = rhs(i, …), broadcast: assignment writes elements, rebind() moves the
  // view. Needs the eval layer; errors and workspace are those of its assignment.
  // Always inlined: a copy assignment cannot name its build mode, so it must not leave a symbol.
  TENON_INLINE const TensorView& operator=(const TensorView& rhs) const
    requires(!std::is_const_v<T>)
  {
    assign_expression(*this, rhs);
    return *this;
  }
  template <class E, class Mode = build_mode>
    requires(!std::is_const_v<T>)
  const TensorView& operator=(E&& rhs) const {
    assign_expression(*this, std::forward<E>(rhs));
    return *this;
  }

  // Formula: (*this)(i, …) = (*this)(i, …) ∘ rhs(i, …), broadcast. Needs the expr and eval layers.
  template <class E, class Mode = build_mode>
    requires(!std::is_const_v<T>)
  const TensorView& operator+=(E&& rhs) const {
    assign_expression(*this, *this + std::forward<E>(rhs));
    return *this;
  }
  template <class E, class Mode = build_mode>
    requires(!std::is_const_v<T>)
  const TensorView& operator-=(E&& rhs) const {
    assign_expression(*this, *this - std::forward<E>(rhs));
    return *this;
  }
  template <class E, class Mode = build_mode>
    requires(!std::is_const_v<T>)
  const TensorView& operator*=(E&& rhs) const {
    assign_expression(*this, *this * std::forward<E>(rhs));
    return *this;
  }
  template <class E, class Mode = build_mode>
    requires(!std::is_const_v<T>)
  const TensorView& operator/=(E&& rhs) const {
    assign_expression(*this, *this / std::forward<E>(rhs));
    return *this;
  }

  // Makes this handle see what `other` sees. Elements stay as they are.
  constexpr void rebind(const TensorView& other) noexcept {
    data_ = other.data_;
    shape_ = other.shape_;
    strides_ = other.strides_;
  }

  [[nodiscard]] static constexpr int rank() noexcept { return S::rank(); }
  [[nodiscard]] constexpr const S& shape() const noexcept { return shape_; }
  [[nodiscard]] constexpr index_t extent(int axis) const noexcept { return shape_.extent(axis); }
  [[nodiscard]] constexpr index_t size() const noexcept { return shape_.size(); }
  [[nodiscard]] constexpr T* data() const noexcept { return data_; }

  // In elements, outermost axis first.
  [[nodiscard]] constexpr std::array<index_t, R> strides() const noexcept {
    if constexpr (stores_strides)
      return strides_.values;
    else
      return detail::LayoutStrides<Layout>::of(shape_.extents());
  }

  // Contract: 0 <= i < extent(0), …; a checked build raises ContractError with the numbers.
  template <bool Checked = checked_build, ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] constexpr T& operator()(I... index) const {
    return element<Checked>("operator()", {detail::as_index(index)...});
  }

  // The same element. Errors: ContractError with the numbers where an index is out of range.
  template <ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] constexpr T& at(I... index) const {
    return element<true>("at", {detail::as_index(index)...});
  }

  // All elements in row-major order.
  [[nodiscard]] constexpr std::span<T> span() const noexcept
    requires std::is_same_v<Layout, row_major>
  {
    return {data_, static_cast<std::size_t>(size())};
  }

  // The only element. Errors: ShapeError where size() != 1; a compile error where the type says so.
  [[nodiscard]] constexpr value_type item() const {
    if constexpr (S::is_static) {
      static_assert(S{}.size() == 1, "item() needs a tensor with exactly one element.");
    } else if (size() != 1) {
      detail::refuse_item(shape_.extents());
    }
    return *data_;
  }

  // Formula: result(i, …) = (*this)(i, …), row-major, in one allocation from `resource` (a memory
  // resource or a pointer to one). Errors: those of the resource. Needs <tenon/tensor/tensor.hpp>.
  template <class Resource>
  [[nodiscard]] Tensor<value_type, S> clone(Resource&& resource) const {
    Tensor<value_type, S> copy(shape_, std::forward<Resource>(resource));
    value_type* out = copy.data();
    detail::walk(shape_.extents(), [&](index_t offset) { *out++ = data_[offset]; }, strides());
    return copy;
  }

 private:
  template <bool Checked>
  constexpr T& element(const char* operation, const std::array<index_t, R>& index) const {
    if constexpr (Checked) {
      const auto extents = shape_.extents();
      for (std::size_t d = 0; d != R; ++d)
        if (index[d] < 0 || index[d] >= extents[d]) detail::refuse_index(operation, index, extents);
    }
    const auto steps = strides();
    index_t offset = 0;
    for (std::size_t d = 0; d != R; ++d) offset += index[d] * steps[d];
    return data_[offset];
  }

  T* data_;
  [[no_unique_address]] S shape_;
  [[no_unique_address]] detail::StoredStrides<Layout, R> strides_{};
};

template <class T, class S>
TensorView(T*, S) -> TensorView<T, S>;
template <class T, class S>
TensorView(T*, S, std::array<index_t, S::pattern.size()>) -> TensorView<T, S, dyn_strides>;
template <class T, class S>
TensorView(Tensor<T, S>&) -> TensorView<T, S>;
template <class T, class S>
TensorView(const Tensor<T, S>&) -> TensorView<const T, S>;
template <class T, index_t... E>
TensorView(StaticTensor<T, E...>&) -> TensorView<T, Shape<E...>>;
template <class T, index_t... E>
TensorView(const StaticTensor<T, E...>&) -> TensorView<const T, Shape<E...>>;

namespace detail {

// Any TensorLike as a view; in checked builds a stale one raises StaleTensorError.
template <bool Checked, TensorLike X>
[[nodiscard]] constexpr auto as_view(const X& x) {
  if constexpr (is_tensor_view_v<X>)
    return x;
  else
    return x.template view<Checked>();
}

template <class X>
inline constexpr bool is_span = false;
template <class T, std::size_t N>
inline constexpr bool is_span<std::span<T, N>> = true;

}  // namespace detail

// Memory to look at: a pointer, a span, or a contiguous container or array that has a name.
template <class X>
concept ViewSource =
    std::is_pointer_v<std::remove_cvref_t<X>> || detail::is_span<std::remove_cvref_t<X>> ||
    (std::is_lvalue_reference_v<X> && requires(X x) { std::span(x); });

// Formula: result(i, j, …) = memory[(i · extent(1) + j) · …], row-major. No allocation.
// Contract: a pointer points to shape.size() elements.
// Errors: ShapeError where a span or container has another number of elements.
template <ViewSource Memory, ShapeLike S>
[[nodiscard]] constexpr auto view(Memory&& memory, const S& shape) {
  if constexpr (std::is_pointer_v<std::remove_cvref_t<Memory>>) {
    return TensorView(memory, shape);
  } else {
    const auto elements = std::span(memory);
    if (elements.size() != static_cast<std::size_t>(shape.size()))
      detail::raise<ShapeError>("view", "the shape %s needs %td elements; the memory has %zu",
                                detail::ShapeText(shape.extents()).text, shape.size(),
                                elements.size());
    return TensorView(elements.data(), shape);
  }
}

// Formula: result(i, j, …) = data[i · strides[0] + j · strides[1] + …]; strides count elements and
// may be negative or zero. No allocation.
// Contract: every element that shape and strides reach exists.
template <class T, ShapeLike S>
[[nodiscard]] constexpr TensorView<T, S, dyn_strides> view(
    T* data, const S& shape, const std::array<index_t, S::pattern.size()>& strides) noexcept {
  return {data, shape, strides};
}

}  // namespace tenon
