#pragma once
// .npy: one array of NumPy's, read where it lies in the file, and written.
// Source of the format: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".

#include <tenon/io/mapped_file.hpp>
#include <tenon/io/named_tensor.hpp>
#include <tenon/io/stored_tensor.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace tenon {

// The longest header that is read, for any version of the format. NumPy itself stops at 10,000.
inline constexpr std::size_t npy_header_limit = 65'535;

// The array of a file, which stays mapped as long as this lives. Structured and big-endian elements,
// and objects (which NumPy pickles), are refused.
// Contract: views into the file do not outlive it.
// Allocations: the name. Thread rules: reading is for all threads.
class Npy {
 public:
  // Errors: FileError for a file that cannot be opened; FormatError with the byte.
  explicit Npy(const std::string& path);
  // The same from memory. Contract: `bytes` outlive this and its views.
  explicit Npy(std::span<const std::byte> bytes);

  [[nodiscard]] const StoredTensor& tensor() const noexcept { return tensor_; }

  // The array where it lies in the file; see view(StoredTensor). One in Fortran order is asked for with
  // the layout column_major, or dyn_strides, which takes both. No allocation.
  template <Element T, ShapeLike S, LayoutTag Layout = row_major>
  [[nodiscard]] TensorView<const T, S, Layout> view() const& {
    return tenon::view<T, S, Layout>(tensor_);
  }
  template <Element T, ShapeLike S, LayoutTag Layout = row_major,
            class Reason = detail::a_view_of_a_temporary_would_dangle>
  void view() const&& = delete;

 private:
  std::optional<MappedFile> file_;
  StoredTensor tensor_;
};

namespace detail {
void save_npy(const std::string& path, const NamedTensor& tensor);
}  // namespace detail

// post: Npy(path) has this tensor, and so has numpy.load(path). The file appears under its name only
// once it is whole. Errors: FileError with the system's reason; DTypeError for bfloat16, which NumPy
// lacks. Allocations: the header, from the heap.
template <TensorLike X>
void save_npy(const std::string& path, const X& tensor) {
  detail::save_npy(path, NamedTensor("", tensor));
}

}  // namespace tenon
