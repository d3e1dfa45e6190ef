#include <tenon/io/npy.hpp>

#include "new_file.hpp"
#include "npy_header.hpp"

#include <algorithm>

namespace tenon {

namespace {

StoredTensor read(std::span<const std::byte> file) {
  const std::size_t start = detail::npy_header_bytes(file, 0);
  if (start > file.size())
    detail::raise<FormatError>("npy", "the header has %zu B, the file %zu B (byte 8)", start,
                               file.size());
  const detail::NpyHeader header = detail::read_npy_header(file.first(start), 0);
  if (header.data_bytes != file.size() - start)
    detail::raise<FormatError>(
        "npy", "the shape needs %zu B behind the header, the file has %zu B (byte %zu)",
        header.data_bytes, file.size() - start, start);
  return {.name = "array",
          .type = header.type,
          .dtype = header.dtype,
          .rank = header.rank,
          .extents = header.extents,
          .column_major = header.column_major,
          .offset = start,
          .bytes = file.subspan(start)};
}

}  // namespace

Npy::Npy(const std::string& path) : file_(path), tensor_(read(file_->bytes())) {}
Npy::Npy(std::span<const std::byte> bytes) : tensor_(read(bytes)) {}

void detail::save_npy(const std::string& path, const NamedTensor& tensor) {
  NewFile file("save_npy", path);
  file.write(npy_header_text(tensor.dtype(), tensor.shape()));
  file.write(tensor.bytes());
  file.finish();
}

}  // namespace tenon
