#pragma once
// AnyTensor: a tensor of its own memory whose type is known when a program runs.

#include <tenon/engine/any_view.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/dtype.hpp>
#include <tenon/core/error.hpp>
#include <tenon/tensor/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory_resource>
#include <span>
#include <utility>

namespace tenon {

// Elements of type().dtype() in row-major order, 64-byte aligned, in one block of a memory resource; move-only.
// Destroyed, it gives the block back. Default-constructed or moved from, it is an empty float32[0].
// Contract: the resource outlives the tensor. Thread rules: those of a std::vector and of its resource.
class AnyTensor {
 public:
  AnyTensor() : type_(DType::float32, {0}) {}
  // Elements are not initialised. Errors: what the resource raises. Allocations: one, of type.bytes().
  AnyTensor(const TensorType& type, std::pmr::memory_resource* resource)
      : type_(type), block_(shape(static_cast<index_t>(type.bytes())), resource) {}
  AnyTensor(AnyTensor&& other) noexcept  // leaves no type behind that has elements
      : type_(std::exchange(other.type_, empty_type())), block_(std::move(other.block_)) {}
  AnyTensor& operator=(AnyTensor&& other) noexcept {
    type_ = std::exchange(other.type_, empty_type());
    block_ = std::move(other.block_);
    return *this;
  }

  [[nodiscard]] const TensorType& type() const noexcept { return type_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return type_.bytes(); }
  // Null where there are no elements.
  [[nodiscard]] void* data() noexcept { return block_.data(); }
  [[nodiscard]] const void* data() const noexcept { return block_.data(); }
  // The resource that the block goes back to.
  [[nodiscard]] std::pmr::memory_resource* resource() const noexcept { return block_.resource(); }

  operator AnyView() & noexcept { return {type_, data()}; }
  operator ConstAnyView() const& noexcept { return {type_, data()}; }
  // A view of a temporary would dangle.
  operator AnyView() && = delete;
  operator ConstAnyView() const&& = delete;

  // Formula: the same elements, with element type and shape in the type: view<float, Shape<dyn, 3>>().
  // Errors: DTypeError, or ShapeError with both types. No allocation.
  template <Element T, ShapeLike S>
  [[nodiscard]] TensorView<T, S> view() & {
    return AnyView(*this).template view<T, S>();
  }
  template <Element T, ShapeLike S>
  [[nodiscard]] TensorView<const T, S> view() const& {
    return ConstAnyView(*this).template view<T, S>();
  }

  // All elements in row-major order. Errors: DTypeError where they are no T.
  template <Element T>
  [[nodiscard]] std::span<T> elements() & {
    check_elements(dtype_of<T>);
    return {static_cast<T*>(data()), static_cast<std::size_t>(type_.size())};
  }
  template <Element T>
  [[nodiscard]] std::span<const T> elements() const& {
    check_elements(dtype_of<T>);
    return {static_cast<const T*>(data()), static_cast<std::size_t>(type_.size())};
  }
  // Formula: every element = value. Errors: DTypeError.
  template <Element T>
  void fill(T value) {
    std::ranges::fill(elements<T>(), value);
  }
  // Formula: elements()[i] = values[i]. Errors: DTypeError; ShapeError for another number of values.
  template <Element T>
  void copy_from(std::span<const T> values) {
    const auto to = elements<T>();
    check_count(values.size());
    std::ranges::copy(values, to.begin());
  }
  template <Element T>
  void copy_from(std::initializer_list<T> values) {
    copy_from(std::span<const T>(values.begin(), values.size()));
  }
  // Formula: values[i] = elements()[i]. Errors: as copy_from.
  template <Element T>
  void copy_to(std::span<T> values) const {
    const auto from = elements<T>();
    check_count(values.size());
    std::ranges::copy(from, values.begin());
  }
  // Element (i, j, …): at<float>({1, 2}). Errors: DTypeError; ContractError with the numbers for an index that
  // is none.
  template <Element T>
  [[nodiscard]] T& at(std::initializer_list<index_t> index) {
    return elements<T>()[offset(index)];
  }
  template <Element T>
  [[nodiscard]] const T& at(std::initializer_list<index_t> index) const {
    return elements<T>()[offset(index)];
  }

 private:
  friend class TensorPool;
  using Block = Tensor<std::byte, Shape<dyn>>;

  // Contract: the block has type.bytes().
  AnyTensor(const TensorType& type, Block&& block) noexcept
      : type_(type), block_(std::move(block)) {}
  [[nodiscard]] Block release() && noexcept {
    type_ = empty_type();
    return std::move(block_);
  }
  static TensorType empty_type() noexcept { return {DType::float32, {0}}; }

  void check_elements(DType asked) const {
    if (type_.dtype() != asked)
      detail::raise<DTypeError>("AnyTensor", "%s has no elements of %s", TensorTypeText(type_).text,
                                name(asked));
  }
  void check_count(std::size_t count) const {
    if (count != static_cast<std::size_t>(type_.size()))
      detail::raise<ShapeError>("AnyTensor", "%s has %td elements, not %zu",
                                TensorTypeText(type_).text, type_.size(), count);
  }
  [[nodiscard]] std::size_t offset(std::initializer_list<index_t> index) const {
    const std::span at(index.begin(), index.size());
    index_t offset = 0;
    bool is_inside = static_cast<int>(at.size()) == type_.rank();
    for (std::size_t i = 0; is_inside && i < at.size(); ++i) {
      const index_t extent = type_.extent(static_cast<int>(i));
      is_inside = at[i] >= 0 && at[i] < extent;
      offset = offset * extent + at[i];
    }
    if (!is_inside) detail::refuse_index("AnyTensor::at", at, type_.shape());
    return static_cast<std::size_t>(offset);
  }

  TensorType type_;
  Block block_;
};

}  // namespace tenon
