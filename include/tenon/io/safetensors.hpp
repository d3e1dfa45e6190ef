#pragma once
// .safetensors: tensors by name, read where they lie in the file, and written.
// Source of the format: huggingface/safetensors, README "Format" and src/tensor.rs.

#include <tenon/io/mapped_file.hpp>
#include <tenon/io/named_tensor.hpp>
#include <tenon/io/stored_tensor.hpp>

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
