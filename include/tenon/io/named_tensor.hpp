#pragma once
// NamedTensor: what is written into a file.

#include <tenon/tensor/traits.hpp>
#include <tenon/tensor/view.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/dtype.hpp>
#include <tenon/core/shape.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

namespace tenon {

// A tensor to be written: anything row-major, by name.
// Contract: name and elements outlive it.
class NamedTensor {
 public:
  template <TensorLike X>
    requires std::is_same_v<typename std::remove_cvref_t<X>::layout_type, row_major>
  NamedTensor(std::string_view name, const X& tensor)
      : name_(name), dtype_(dtype_of<typename X::value_type>), rank_(X::rank()) {
    const auto v = detail::as_view<checked_build>(tensor);
    for (int i = 0; i < rank_; ++i) extents_[static_cast<std::size_t>(i)] = v.extent(i);
    bytes_ = std::as_bytes(v.span());
  }

  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] std::span<const index_t> shape() const noexcept {
    return {extents_.data(), static_cast<std::size_t>(rank_)};
  }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::string_view name_;
  DType dtype_;
  int rank_;
  std::array<index_t, max_rank> extents_{};
  std::span<const std::byte> bytes_;
};

}  // namespace tenon
