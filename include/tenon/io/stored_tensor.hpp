#pragma once
// What a file says about one tensor, and the tensor where it lies in the file.

#include <tenon/tensor/view.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/dtype.hpp>
#include <tenon/core/error.hpp>
#include <tenon/core/shape.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

namespace tenon {

// One tensor of a file. All of it has been checked: `bytes` lie in the file and are as many as the
// extents say.
struct StoredTensor {
  std::pmr::string name;
  const char* type = "";         // in the words of the format: "F32", "<f4"
  std::optional<DType> dtype{};  // nothing where Tenon has no such element type
  int rank = 0;
  std::array<index_t, max_rank> extents{};  // the first `rank`
  bool column_major = false;                // .npy in Fortran order
  std::size_t offset = 0;                   // of the first byte, in the file
  std::span<const std::byte> bytes{};

  [[nodiscard]] std::span<const index_t> shape() const noexcept {
    return {extents.data(), static_cast<std::size_t>(rank)};
  }
};

namespace detail {

// Text of a file as it may stand in a message: no control characters, and not too long.
struct QuotedText {
  char text[72];
  explicit QuotedText(std::string_view raw) noexcept;
};

// Refuse what `asked` (a type's pattern) does not fit, elements that are not aligned for their type,
// and bytes of a bool that are neither 0 nor 1.
void check_stored_type(const StoredTensor& tensor, DType asked);
void check_stored_shape(const StoredTensor& tensor, std::span<const index_t> asked);
void check_stored_order(const StoredTensor& tensor, bool column_major);
void check_stored_alignment(const StoredTensor& tensor, std::size_t alignment);
void check_stored_bools(const StoredTensor& tensor);

}  // namespace detail

// Formula: result(i, j, …) = element (i, j, …) of the tensor, where it lies in the file.
// S is what the program needs: Shape<128, dyn> takes any second extent, upto<n> those up to n.
// A column_major or dyn_strides layout is for tensors in Fortran order.
// Errors: DTypeError where the elements are not T, ShapeError where the extents do not fit S,
// FormatError with the byte where elements lie unaligned, are bool but neither 0 nor 1, or are in the
// other order. No allocation.
template <Element T, ShapeLike S, LayoutTag Layout = row_major>
  requires std::is_same_v<Layout, row_major> || std::is_same_v<Layout, column_major> ||
           std::is_same_v<Layout, dyn_strides>
[[nodiscard]] TensorView<const T, S, Layout> view(const StoredTensor& tensor) {
  detail::check_stored_type(tensor, dtype_of<T>);
  detail::check_stored_shape(tensor, S::pattern);
  detail::check_stored_alignment(tensor, alignof(T));
  if constexpr (std::is_same_v<T, bool>) detail::check_stored_bools(tensor);
  std::array<index_t, S::pattern.size()> extents{};
  for (std::size_t i = 0; i < extents.size(); ++i) extents[i] = tensor.extents[i];
  const S shape = S::from_extents(extents);
  const auto* elements = reinterpret_cast<const T*>(tensor.bytes.data());
  if constexpr (std::is_same_v<Layout, dyn_strides>) {
    return {elements, shape,
            tensor.column_major ? column_major_strides(extents) : row_major_strides(extents)};
  } else {
    detail::check_stored_order(tensor, std::is_same_v<Layout, column_major>);
    return {elements, shape};
  }
}

}  // namespace tenon
