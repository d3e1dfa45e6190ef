#pragma once
// The header of a .npy: read, and written.

#include <tenon/io/stored_tensor.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tenon::detail {

// What the bytes before the elements say.
struct NpyHeader {
  const char* type = "";
  std::optional<DType> dtype{};
  int rank = 0;
  std::array<index_t, max_rank> extents{};
  bool column_major = false;
  std::size_t data_bytes = 0;  // of all elements
};

inline constexpr std::size_t npy_prefix_bytes =
    12;  // magic, version and the longer of both lengths

// Bytes before the elements. `file` has the first npy_prefix_bytes, or all if that is less; `offset` is
// that of its first byte, for errors.
std::size_t npy_header_bytes(std::span<const std::byte> file, std::size_t offset);

// pre: `header` has npy_header_bytes(…) bytes.
NpyHeader read_npy_header(std::span<const std::byte> header, std::size_t offset);

// All that comes before the elements, a multiple of 64 bytes.
std::string npy_header_text(DType type, std::span<const index_t> shape);

}  // namespace tenon::detail
