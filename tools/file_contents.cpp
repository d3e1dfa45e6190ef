#include "file_contents.hpp"

#include <tenon/io/npy.hpp>
#include <tenon/io/npz.hpp>
#include <tenon/io/safetensors.hpp>

#include <tenon/core/dtype.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace tenon::tools {

namespace {

enum class Format : unsigned char { unknown, safetensors, npy, npz };

// The length of a safetensors header and the brace behind it.
bool starts_as_safetensors(std::string_view text) {
  if (text.size() < 9 || text[8] != '{') return false;
  std::size_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(text[i]);
  return length <= safetensors_header_limit;
}

Format recognise(std::span<const std::byte> bytes, std::string_view path) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\x93NUMPY")) return Format::npy;
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return Format::npz;
  if (starts_as_safetensors(text) || path.ends_with(".safetensors")) return Format::safetensors;
  if (path.ends_with(".npy")) return Format::npy;
  if (path.ends_with(".npz")) return Format::npz;
  return Format::unknown;
}

std::size_t element_count(std::span<const index_t> shape) {
  std::size_t count = 1;
  if (std::ranges::find(shape, 0) != shape.end()) return 0;
  for (const index_t extent : shape)
    count *= static_cast<std::size_t>(extent);  // checked when read
  return count;
}

// Of a type of NumPy's: what stands behind its letter, "<c16".
std::size_t numpy_element_bytes(const char* type) { return std::strtoul(type + 2, nullptr, 10); }

TensorEntry entry_of(const StoredTensor& tensor) {
  constexpr std::size_t page_bytes = 4096;
  TensorEntry entry;
  entry.name = tensor.name;
  entry.type = tensor.type;
  if (tensor.dtype) entry.dtype = name(*tensor.dtype);
  entry.shape.assign(tensor.shape().begin(), tensor.shape().end());
  entry.element_count = element_count(tensor.shape());
  entry.bytes = entry.stored_bytes = tensor.bytes.size();
  entry.offset = tensor.offset;
  entry.alignment = (tensor.offset | page_bytes) & ~((tensor.offset | page_bytes) - 1);
  entry.column_major = tensor.column_major;
  entry.in_place =
      tensor.dtype && entry.alignment % static_cast<std::size_t>(size_bytes(*tensor.dtype)) == 0;
  return entry;
}

TensorEntry entry_of(const NpzEntry& stored) {
  TensorEntry entry = entry_of(stored.tensor);
  if (!stored.compressed) return entry;
  entry.compressed = true;
  entry.in_place = false;
  entry.bytes = entry.element_count * numpy_element_bytes(stored.tensor.type);
  entry.stored_bytes = stored.packed.size();
  return entry;
}

}  // namespace

FileContents read_contents(const std::string& path) {
  const MappedFile file(path);
  FileContents contents;
  contents.file_bytes = file.bytes().size();
  switch (recognise(file.bytes(), path)) {
    case Format::safetensors: {
      contents.format = "safetensors";
      const Safetensors read(file.bytes());
      for (const auto& [key, value] : read.metadata()) contents.metadata.emplace_back(key, value);
      for (const StoredTensor& t : read.tensors()) contents.tensors.push_back(entry_of(t));
      break;
    }
    case Format::npy:
      contents.format = "npy";
      contents.tensors.push_back(entry_of(Npy(file.bytes()).tensor()));
      break;
    case Format::npz: {
      contents.format = "npz";
      const Npz read(file.bytes());
      for (const NpzEntry& e : read.entries()) contents.tensors.push_back(entry_of(e));
      break;
    }
    case Format::unknown:
      detail::raise<FormatError>(
          "info", "neither content nor name is that of a safetensors, npy or npz file (byte 0)");
  }
  return contents;
}

}  // namespace tenon::tools
