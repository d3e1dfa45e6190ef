#pragma once
// .safetensors: tensors by name, read where they lie in the file, and written.
// Source of the format: huggingface/safetensors, README "Format" and src/tensor.rs.

#include <tenon/io/mapped_file.hpp>
#include <tenon/io/stored_tensor.hpp>

#include <tenon/tensor/traits.hpp>

#include <tenon/core/dtype.hpp>
#include <tenon/core/shape.hpp>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tenon {

// The longest header that is read; the limit of the reference implementation.
inline constexpr std::size_t safetensors_header_limit = 100'000'000;

struct MetadataEntry {
  std::pmr::string key, value;
};

// The tensors of a file, which stays mapped as long as this lives. Everything in the file is checked
// when it is opened, and nothing is believed: sizes and offsets by checked arithmetic; tensors lie one
// behind the other without holes or overlaps and fill the file; no name comes twice.
// Contract: views into the file do not outlive it.
// Allocations: the list of tensors, from `resource`, and what the JSON parser needs meanwhile: both at
// most a small multiple of the header that is in the file. The tensors themselves are not copied.
// Thread rules: reading is for all threads.
class Safetensors {
 public:
  // Errors: FileError for a file that cannot be opened; FormatError with the byte.
  explicit Safetensors(const std::string& path,
                       std::pmr::memory_resource* resource = std::pmr::get_default_resource());
  // The same from memory. Contract: `bytes` outlive this and its views.
  explicit Safetensors(std::span<const std::byte> bytes,
                       std::pmr::memory_resource* resource = std::pmr::get_default_resource());

  // Sorted by name.
  [[nodiscard]] std::span<const StoredTensor> tensors() const noexcept { return tensors_; }
  // The text that the file carries beside its tensors, sorted by key.
  [[nodiscard]] std::span<const MetadataEntry> metadata() const noexcept { return metadata_; }
  // The tensor of that name, or null. Cost: O(log n).
  [[nodiscard]] const StoredTensor* find(std::string_view name) const noexcept;
  // The same. Errors: FileError where there is none.
  [[nodiscard]] const StoredTensor& at(std::string_view name) const;

  // The tensor `name` where it lies in the file; see view(StoredTensor).
  // Errors: FileError where there is none, and those of view. No allocation.
  template <Element T, ShapeLike S>
  [[nodiscard]] TensorView<const T, S> view(std::string_view name) const& {
    return tenon::view<T, S>(at(name));
  }
  template <Element T, ShapeLike S, class Reason = detail::a_view_of_a_temporary_would_dangle>
  void view(std::string_view name) const&& = delete;

 private:
  void read(std::span<const std::byte> bytes);

  std::optional<MappedFile> file_;
  std::pmr::vector<StoredTensor> tensors_;
  std::pmr::vector<MetadataEntry> metadata_;
};

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

// post: Safetensors(path) has exactly these tensors and this metadata.
// Larger elements come first, so that every tensor is aligned for its type. The file appears under its
// name only once it is whole: an existing one is replaced, and who has mapped that keeps what was in it.
// Errors: FileError with the system's reason; ContractError for a name that comes twice, is
// "__metadata__" or is not UTF-8. Allocations: the header, from the heap.
void save_safetensors(const std::string& path, std::span<const NamedTensor> tensors,
                      std::span<const std::array<std::string_view, 2>> metadata = {});
inline void save_safetensors(const std::string& path, std::initializer_list<NamedTensor> tensors,
                             std::span<const std::array<std::string_view, 2>> metadata = {}) {
  save_safetensors(path, std::span<const NamedTensor>(tensors.begin(), tensors.size()), metadata);
}

}  // namespace tenon
