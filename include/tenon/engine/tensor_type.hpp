#pragma once
// TensorType: element type and extents as data, for tensors whose type is known when a program runs.

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/dtype.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <span>

namespace tenon {

// Element type and shape of a dense row-major tensor: float32[2, 3]. Rank 0 is a scalar.
class TensorType {
 public:
  TensorType() noexcept = default;  // a float32 scalar

  // Errors: ShapeError for more than max_rank extents, a negative one, or more bytes than std::size_t counts.
  TensorType(DType dtype, std::span<const index_t> extents) : dtype_(dtype) {
    if (extents.size() > extents_.size())
      detail::raise<ShapeError>("TensorType", "%zu extents; at most %d are supported",
                                extents.size(), max_rank);
    rank_ = static_cast<int>(extents.size());
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (extents[i] < 0)
        detail::raise<ShapeError>("TensorType", "extent %td of axis %zu is negative", extents[i],
                                  i);
      extents_[i] = extents[i];
      const auto size = checked_mul(size_, extents[i]);
      if (!size || !checked_mul(static_cast<std::size_t>(*size),
                                static_cast<std::size_t>(size_bytes(dtype))))
        detail::raise<ShapeError>("TensorType", "extent %td of axis %zu: too many bytes",
                                  extents[i], i);
      size_ = *size;
    }
  }
  TensorType(DType dtype, std::initializer_list<index_t> extents)
      : TensorType(dtype, std::span(extents.begin(), extents.size())) {}

  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] int rank() const noexcept { return rank_; }
  // Contract: 0 <= axis < rank().
  [[nodiscard]] index_t extent(int axis) const noexcept {
    return extents_[static_cast<std::size_t>(axis)];
  }
  [[nodiscard]] std::span<const index_t> shape() const noexcept {
    return {extents_.data(), static_cast<std::size_t>(rank_)};
  }
  [[nodiscard]] index_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_bytes(dtype_));
  }

  [[nodiscard]] friend bool operator==(const TensorType& a, const TensorType& b) noexcept {
    return a.dtype_ == b.dtype_ && std::ranges::equal(a.shape(), b.shape());
  }

 private:
  DType dtype_ = DType::float32;
  int rank_ = 0;
  index_t size_ = 1;
  std::array<index_t, max_rank> extents_{};
};

// "float32[2, 3]", for messages and tables; cut where a shape is longer than any of sensible size.
struct TensorTypeText {
  char text[192];
  explicit TensorTypeText(const TensorType& type) noexcept {
    int at = std::snprintf(text, sizeof(text), "%s[", name(type.dtype()));
    for (int i = 0; i < type.rank(); ++i)
      at += std::snprintf(text + at, sizeof(text) - static_cast<std::size_t>(at), "%s%td",
                          i == 0 ? "" : ", ", type.extent(i));
    std::snprintf(text + at, sizeof(text) - static_cast<std::size_t>(at), "]");
  }
};

}  // namespace tenon
