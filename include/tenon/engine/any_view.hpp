#pragma once
// AnyView, ConstAnyView: tensors of somebody else's whose type is known when a program runs.

#include <tenon/engine/tensor_type.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/dtype.hpp>
#include <tenon/core/error.hpp>
#include <tenon/core/shape.hpp>
#include <tenon/tensor/view.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace tenon {

namespace detail {

// A tensor or view whose elements lie densely in row-major order.
template <class X>
concept DenseTensor = TensorLike<X> && Element<typename std::remove_cvref_t<X>::value_type> &&
                      std::same_as<typename std::remove_cvref_t<X>::layout_type, row_major>;

template <class S>
[[nodiscard]] TensorType type_of(DType dtype, const S& shape) {
  const auto extents = shape.extents();
  return TensorType(dtype, std::span<const index_t>(extents));
}

// The shape S of a tensor of that type with elements of T.
// Errors: DTypeError for other elements, ShapeError for another rank or other extents.
template <Element T, ShapeLike S>
[[nodiscard]] S typed_shape(const TensorType& type) {
  if (type.dtype() != dtype_of<T>)
    raise<DTypeError>("view", "%s has no elements of %s", TensorTypeText(type).text,
                      name(dtype_of<T>));
  if (type.rank() != S::rank())
    raise<ShapeError>("view", "%s has rank %d, %s has %d", TensorTypeText(type).text, type.rank(),
                      ShapeText(S::pattern, ExtentsOf::type).text, S::rank());
  std::array<index_t, S::pattern.size()> extents{};
  std::ranges::copy(type.shape(), extents.begin());
  return S::from_extents(extents);
}

// Refuses memory that is not exactly a tensor of that type.
inline void check_memory(const TensorType& type, const void* data, std::size_t bytes) {
  if (bytes != type.bytes())
    raise<ShapeError>("view", "%s needs %zu B; the memory has %zu B", TensorTypeText(type).text,
                      type.bytes(), bytes);
  const auto alignment = static_cast<std::size_t>(size_bytes(type.dtype()));
  if (bytes != 0 && reinterpret_cast<std::uintptr_t>(data) % alignment != 0)
    raise<ContractError>("view", "elements of %s at %p are not aligned to %zu B",
                         name(type.dtype()), data, alignment);
}

// What AnyView (Byte = std::byte) and ConstAnyView (const std::byte) are.
template <class Byte>
class BasicAnyView {
  static constexpr bool is_const = std::is_const_v<Byte>;
  template <class X>
  using at_const = std::conditional_t<is_const, const X, X>;

 public:
  // Contract: data points to a tensor of that type.
  BasicAnyView(const TensorType& type, at_const<void>* data) noexcept : type_(type), data_(data) {}
  // Errors: ShapeError where there are not exactly as many bytes, ContractError where they are not
  // aligned for the elements. A tensor of a file: {{*tensor.dtype, tensor.shape()}, tensor.bytes}.
  BasicAnyView(const TensorType& type, std::span<Byte> bytes) : BasicAnyView(type, bytes.data()) {
    check_memory(type, bytes.data(), bytes.size());
  }
  // A tensor that has a name, or a view. In checked builds a stale one raises StaleTensorError.
  template <DenseTensor X, bool Checked = checked_build>
    requires(is_tensor_view_v<std::remove_cvref_t<X>> || std::is_lvalue_reference_v<X>) &&
                (is_const || !std::is_const_v<std::remove_pointer_t<
                                 decltype(std::declval<std::remove_reference_t<X>&>().data())>>)
  BasicAnyView(X&& x)
      : type_(type_of(dtype_of<typename std::remove_cvref_t<X>::value_type>, x.shape())),
        data_(x.data()) {
    if constexpr (is_tensor_v<std::remove_cvref_t<X>>)
      static_cast<void>(x.template view<Checked>());
  }
  template <std::same_as<std::byte> Writable>
    requires is_const
  BasicAnyView(const BasicAnyView<Writable>& other) noexcept
      : type_(other.type()), data_(other.data()) {}

  [[nodiscard]] const TensorType& type() const noexcept { return type_; }
  [[nodiscard]] at_const<void>* data() const noexcept { return data_; }
  [[nodiscard]] std::span<Byte> bytes() const noexcept {
    return {static_cast<Byte*>(data_), type_.bytes()};
  }

  // Formula: the same elements, with element type and shape in the type: view<float, Shape<dyn, 3>>().
  // Errors: DTypeError, or ShapeError with both types. No allocation.
  template <Element T, ShapeLike S>
  [[nodiscard]] TensorView<at_const<T>, S> view() const {
    return {static_cast<at_const<T>*>(data_), typed_shape<T, S>(type_)};
  }

 private:
  TensorType type_;
  at_const<void>* data_;
};

}  // namespace detail

// Type and place of dense row-major elements that may be written. Copying copies the handle.
// Contract: the elements outlive the view.
using AnyView = detail::BasicAnyView<std::byte>;
// The same for elements that are read. An AnyView converts to it.
using ConstAnyView = detail::BasicAnyView<const std::byte>;

}  // namespace tenon
