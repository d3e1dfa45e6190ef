#pragma once
// Tensor: elements in one block of a memory resource, owned by one handle.

#include <tenon/tensor/traits.hpp>
#include <tenon/tensor/view.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>
#include <tenon/core/shape.hpp>
#include <tenon/memory/resource.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace tenon {

// Where a tensor gets its memory: a memory resource that has a name, or a pointer to one.
template <class R>
concept ResourceArgument = (std::is_lvalue_reference_v<R> &&
                            std::derived_from<std::remove_cvref_t<R>, std::pmr::memory_resource>) ||
                           std::is_convertible_v<R, std::pmr::memory_resource*>;

namespace detail {

[[noreturn]] TENON_COLD inline void refuse_stale(const char* operation,
                                                 std::span<const index_t> extents, bool empty) {
  if (empty)
    raise<StaleTensorError>(operation,
                            "the tensor of shape %s is empty: default-constructed or moved from",
                            ShapeText(extents).text);
  raise<StaleTensorError>(operation,
                          "the tensor of shape %s is stale: its memory resource was cleared or "
                          "reset, or its block given back, since it was made",
                          ShapeText(extents).text);
}

// The bytes of `count` elements. Errors: OutOfMemory where no address space has as many.
[[nodiscard]] constexpr std::size_t block_bytes(index_t count, std::size_t element_bytes) {
  constexpr auto limit = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
  const auto bytes = checked_mul(static_cast<std::size_t>(count), element_bytes);
  if (!bytes || *bytes > limit)
    raise<OutOfMemory>("Tensor", "%td elements of %zu B do not fit the address space", count,
                       element_bytes);
  return *bytes;
}

}  // namespace detail

// Formula: element (i, j, …) is data()[(i · extent(1) + j) · …]; row-major, 64-byte aligned.
// Owns one block of its resource and cannot be copied; clone() copies. Destroyed, it gives the
// block back, or does nothing where the resource says that the block is no longer this tensor's. A
// tensor of size 0 owns no block. Default-constructed or moved from it is empty: size() == 0.
// Contract: the resource outlives the tensor.
// Errors: what the resource raises; nothing is held then. In checked builds, access to the elements
// of a stale or empty tensor raises StaleTensorError.
// Allocations: one, in the constructor. Thread rules: those of a std::vector and of its resource.
template <class T, class S>
class Tensor {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && std::is_trivially_copyable_v<T> &&
                    std::is_trivially_destructible_v<T>,
                "Tensor<T, S> needs a trivially copyable element type that is not const.");
  static_assert(ShapeLike<S>, "The second parameter of Tensor is a Shape<...>.");
  static constexpr auto R = static_cast<std::size_t>(S::rank());

 public:
  using value_type = T;
  using element_type = T;
  using shape_type = S;
  using layout_type = row_major;

  Tensor() noexcept = default;

  // Elements are uninitialised where T is trivial, value-initialised otherwise.
  // The static type of the resource is kept, so that the call of a `final` one is direct.
  template <ResourceArgument Resource>
  Tensor(const S& shape, Resource&& resource) : shape_(shape) {
    if constexpr (std::is_convertible_v<Resource, std::pmr::memory_resource*>)
      acquire(*static_cast<std::pmr::memory_resource*>(resource));
    else
      acquire(resource);
  }

  // Hand-written: the block has one owner.
  Tensor(Tensor&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        shape_(std::exchange(other.shape_, S{})),
        resource_(std::exchange(other.resource_, nullptr)),
        stamped_(std::exchange(other.stamped_, nullptr)),
        stamp_(std::exchange(other.stamp_, 0)) {}
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(shape_, taken.shape_);
    std::swap(resource_, taken.resource_);
    std::swap(stamped_, taken.stamped_);
    std::swap(stamp_, taken.stamp_);
    return *this;
  }
  Tensor(const Tensor&) = delete;  // a copy would hide an allocation: use clone(resource)
  Tensor& operator=(const Tensor&) = delete;
  ~Tensor() {
    if (data_ != nullptr && is_live())
      resource_->deallocate(data_, static_cast<std::size_t>(shape_.size()) * sizeof(T),
                            workspace_alignment);
  }

  // Formula: (*this)(i, …) = (*this)(i, …) ∘ rhs(i, …), broadcast. Needs the expr and eval layers.
  template <class E, class Mode = build_mode>
  Tensor& operator+=(E&& rhs) {
    view() += std::forward<E>(rhs);
    return *this;
  }
  template <class E, class Mode = build_mode>
  Tensor& operator-=(E&& rhs) {
    view() -= std::forward<E>(rhs);
    return *this;
  }
  template <class E, class Mode = build_mode>
  Tensor& operator*=(E&& rhs) {
    view() *= std::forward<E>(rhs);
    return *this;
  }
  template <class E, class Mode = build_mode>
  Tensor& operator/=(E&& rhs) {
    view() /= std::forward<E>(rhs);
    return *this;
  }

  [[nodiscard]] static constexpr int rank() noexcept { return S::rank(); }
  [[nodiscard]] const S& shape() const noexcept { return shape_; }
  [[nodiscard]] index_t extent(int axis) const noexcept { return shape_.extent(axis); }
  [[nodiscard]] index_t size() const noexcept { return data_ == nullptr ? 0 : shape_.size(); }
  [[nodiscard]] std::array<index_t, R> strides() const noexcept {
    return row_major_strides(shape_.extents());
  }
  // Null where size() == 0. Never checked: a stale tensor still tells where its block was.
  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }

  // The members of TensorView, on elements that are const in a const tensor.
  template <bool Checked = checked_build, ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] T& operator()(I... index) {
    return live<Checked>("operator()").template operator()<Checked>(index...);
  }
  template <bool Checked = checked_build, ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] const T& operator()(I... index) const {
    return live<Checked>("operator()").template operator()<Checked>(index...);
  }
  template <ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] T& at(I... index) {
    return live<true>("at").at(index...);
  }
  template <ExtentArgument... I>
    requires(sizeof...(I) == R)
  [[nodiscard]] const T& at(I... index) const {
    return live<true>("at").at(index...);
  }
  template <bool Checked = checked_build>
  [[nodiscard]] std::span<T> span() {
    return {live<Checked>("span").data(), static_cast<std::size_t>(size())};
  }
  template <bool Checked = checked_build>
  [[nodiscard]] std::span<const T> span() const {
    return {live<Checked>("span").data(), static_cast<std::size_t>(size())};
  }
  template <bool Checked = checked_build>
  [[nodiscard]] T item() const {
    return live<Checked>("item").item();
  }
  template <class Resource, bool Checked = checked_build>
  [[nodiscard]] Tensor clone(Resource&& resource) const {
    return live<Checked>("clone").clone(std::forward<Resource>(resource));
  }

  // All elements, not owned. A tensor that has a name also converts implicitly.
  template <bool Checked = checked_build>
  [[nodiscard]] TensorView<T, S> view() & {
    return live<Checked>("view");
  }
  template <bool Checked = checked_build>
  [[nodiscard]] TensorView<const T, S> view() const& {
    return live<Checked>("view");
  }
  template <bool = false, class Reason = detail::a_view_of_a_temporary_would_dangle>
  void view() && = delete;
  template <bool = false, class Reason = detail::a_view_of_a_temporary_would_dangle>
  void view() const&& = delete;

  // The resource that the block goes back to; null in an empty tensor.
  [[nodiscard]] std::pmr::memory_resource* resource() const noexcept { return resource_; }
  // The same where it can tell stale handles, else null.
  [[nodiscard]] const StampedResource* stamped_resource() const noexcept { return stamped_; }
  // The name of the block at stamped_resource(), else 0.
  [[nodiscard]] std::uint64_t stamp() const noexcept { return stamp_; }
  // False where the block is known to be no longer this tensor's, and in an empty tensor whose type
  // promises elements. Foreign resources cannot tell: true. No access to the elements.
  [[nodiscard]] bool is_live() const noexcept {
    if (data_ == nullptr) return shape_.size() == 0;
    return stamped_ == nullptr || stamped_->is_live(data_, stamp_);
  }

 private:
  template <class Resource>
  void acquire(Resource& resource) {
    resource_ = &resource;
    if (shape_.size() == 0) return;
    const auto bytes = detail::block_bytes(shape_.size(), sizeof(T));
    void* block = resource.allocate(bytes, workspace_alignment);
    if constexpr (std::derived_from<Resource, StampedResource>) {
      stamped_ = &resource;
      stamp_ = resource.stamp(block);
    } else {
      stamped_ = dynamic_cast<const StampedResource*>(&resource);
      if (stamped_ != nullptr) stamp_ = stamped_->stamp(block);
    }
    if (stamp_ == 0) stamped_ = nullptr;  // a layer over a resource that cannot tell
    data_ = static_cast<T*>(block);
    if constexpr (!std::is_trivially_default_constructible_v<T>) {
      static_assert(std::is_nothrow_default_constructible_v<T>);
      for (index_t i = 0; i < shape_.size(); ++i) ::new (static_cast<void*>(data_ + i)) T();
    }
  }

  template <bool Checked>
  TensorView<T, S> live(const char* operation) {
    if constexpr (Checked)
      if (!is_live()) refuse_stale(operation);
    return {data_, shape_};
  }
  template <bool Checked>
  TensorView<const T, S> live(const char* operation) const {
    if constexpr (Checked)
      if (!is_live()) refuse_stale(operation);
    return {data_, shape_};
  }

  [[noreturn]] TENON_COLD void refuse_stale(const char* operation) const {
    if (stamped_ != nullptr) stamped_->report_stale(data_, stamp_);
    detail::refuse_stale(operation, shape_.extents(), data_ == nullptr);
  }

  T* data_ = nullptr;
  [[no_unique_address]] S shape_{};
  std::pmr::memory_resource* resource_ = nullptr;
  const StampedResource* stamped_ = nullptr;
  std::uint64_t stamp_ = 0;
};

}  // namespace tenon
