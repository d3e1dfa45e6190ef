#pragma once
// .npz: arrays of NumPy's by name, in a zip file; read where they lie or unpacked, and written.
// Source of the format: PKWARE APPNOTE 6.3.10, and numpy.savez.

#include <tenon/io/mapped_file.hpp>
#include <tenon/io/named_tensor.hpp>
#include <tenon/io/stored_tensor.hpp>

#include <tenon/tensor/tensor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

// An array of an .npz. `tensor.bytes` are empty where it is compressed.
struct NpzEntry {
  StoredTensor tensor;
  bool compressed = false;
  std::size_t header_bytes = 0;         // of the .npy, before the elements
  std::uint32_t checksum = 0;           // CRC-32 of the .npy
  std::span<const std::byte> packed{};  // what the file has of it
};

// The arrays of a file, which stays mapped as long as this lives. What is in the zip and no .npy is left
// aside. The directory and the headers of all arrays are checked when the file is opened: members that
// lie in each other, names that come twice or differ from those before their data, and sizes that the
// compressed bytes cannot justify are refused.
// Contract: views into the file do not outlive it.
// Allocations: the list of arrays, from `resource`. Thread rules: reading is for all threads.
class Npz {
 public:
  // Errors: FileError for a file that cannot be opened; FormatError with the byte.
  explicit Npz(const std::string& path,
               std::pmr::memory_resource* resource = std::pmr::get_default_resource());
  // The same from memory. Contract: `bytes` outlive this and its views.
  explicit Npz(std::span<const std::byte> bytes,
               std::pmr::memory_resource* resource = std::pmr::get_default_resource());

  // Sorted by name, which is without ".npy".
  [[nodiscard]] std::span<const NpzEntry> entries() const noexcept { return entries_; }
  // The array of that name, or null. Cost: O(log n).
  [[nodiscard]] const NpzEntry* find(std::string_view name) const noexcept;
  // The same. Errors: FileError where there is none.
  [[nodiscard]] const NpzEntry& at(std::string_view name) const;

  // The array where it lies in the file; see view(StoredTensor). No allocation.
  // Errors: FileError where there is none; FormatError where it is compressed, or lies unaligned (as
  // numpy.savez leaves it; save_npz does not): load it. Its checksum is not compared.
  template <Element T, ShapeLike S, LayoutTag Layout = row_major>
  [[nodiscard]] TensorView<const T, S, Layout> view(std::string_view name) const& {
    const NpzEntry& entry = at(name);
    check_in_place(entry);
    return tenon::view<T, S, Layout>(entry.tensor);
  }
  template <Element T, ShapeLike S, LayoutTag Layout = row_major,
            class Reason = detail::a_view_of_a_temporary_would_dangle>
  void view(std::string_view name) const&& = delete;

  // post: result = the array, in memory from `resource`, its checksum compared.
  // Errors: FileError where there is none; DTypeError and ShapeError as for views; FormatError where it
  // is in Fortran order, or its bytes are not what the directory says; those of the resource.
  // Allocations: the tensor; where it is compressed, what inflating takes, from the heap.
  template <Element T, ShapeLike S, class Resource>
  [[nodiscard]] Tensor<T, S> load(std::string_view name, Resource& resource) const {
    const NpzEntry& entry = at(name);
    detail::check_stored_type(entry.tensor, dtype_of<T>);
    detail::check_stored_shape(entry.tensor, S::pattern);
    detail::check_stored_order(entry.tensor, false);
    std::array<index_t, S::pattern.size()> extents{};
    for (std::size_t i = 0; i < extents.size(); ++i) extents[i] = entry.tensor.extents[i];
    Tensor<T, S> result(S::from_extents(extents), resource);
    read_elements(entry, std::as_writable_bytes(result.span()));
    return result;
  }

 private:
  static void check_in_place(const NpzEntry& entry);
  // Copies or inflates the elements; bools have been looked at then.
  static void read_elements(const NpzEntry& entry, std::span<std::byte> to);
  void read(std::span<const std::byte> bytes);

  std::optional<MappedFile> file_;
  std::pmr::vector<NpzEntry> entries_;
};

// post: Npz(path) has exactly these tensors, and so has numpy.load(path). They are not compressed, and
// lie at multiples of 64 bytes, so that they can be used in place. The file appears under its name only
// once it is whole.
// Errors: FileError with the system's reason; ContractError for a name that comes twice or has more
// than 60,000 characters, and for what needs more than 4 GiB; DTypeError for bfloat16, which NumPy lacks. Allocations: headers, from the heap.
void save_npz(const std::string& path, std::span<const NamedTensor> tensors);
inline void save_npz(const std::string& path, std::initializer_list<NamedTensor> tensors) {
  save_npz(path, std::span<const NamedTensor>(tensors.begin(), tensors.size()));
}

}  // namespace tenon
