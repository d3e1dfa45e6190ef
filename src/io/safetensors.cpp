#include <tenon/io/safetensors.hpp>

#include <tenon/core/checked.hpp>

#include "header_reader.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <utility>

namespace tenon {

namespace {

using detail::HeaderEntry;
using detail::QuotedText;
using detail::raise;

constexpr std::size_t length_bytes = 8;  // of the header's length, little-endian

std::uint64_t header_length(std::span<const std::byte> file) {
  if (file.size() < length_bytes)
    raise<FormatError>("safetensors",
                       "the file has %zu B, less than the length of a header (byte 0)",
                       file.size());
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  if (length > safetensors_header_limit)
    raise<FormatError>("safetensors",
                       "a header of %" PRIu64 " B is beyond the limit of %zu B (byte 0)", length,
                       safetensors_header_limit);
  if (length > file.size() - length_bytes)
    raise<FormatError>("safetensors",
                       "the header has %" PRIu64 " B, of which the file has %zu B (byte 0)", length,
                       file.size() - length_bytes);
  return length;
}

// Bytes of all elements, or nothing where they are beyond what memory can hold. An extent of 0 makes
// it 0, whatever the others are, but they must still fit together.
std::optional<std::size_t> tensor_bytes(const HeaderEntry& entry) {
  std::optional<index_t> bytes = static_cast<index_t>(entry.element_bytes);
  bool empty = false;
  for (const index_t e : entry.tensor.shape()) {
    empty = empty || e == 0;
    if (bytes) bytes = checked_mul(*bytes, e == 0 ? index_t{1} : e);
  }
  if (!bytes) return std::nullopt;
  return empty ? 0 : static_cast<std::size_t>(*bytes);
}

// Tensors lie one behind the other and fill the file; each has as many bytes as its shape says.
void place(std::span<HeaderEntry> entries, std::span<const std::byte> data,
           std::size_t data_offset) {
  std::ranges::sort(entries, {}, &HeaderEntry::range);
  std::uint64_t end = 0;
  for (HeaderEntry& entry : entries) {
    const QuotedText name(entry.tensor.name);
    const auto [first, last] = entry.range;
    const auto refuse = [&](const char* why) {
      raise<FormatError>("safetensors", "'%s' at [%" PRIu64 ", %" PRIu64 ") %s (byte %zu)",
                         name.text, first, last, why, entry.where);
    };
    if (first > last) refuse("ends before it starts");
    if (last > data.size()) refuse("reaches beyond the end of the file");
    if (first < end) refuse("overlaps the tensor before it");
    if (first > end) refuse("leaves a hole behind the tensor before it");
    const auto bytes = tensor_bytes(entry);
    if (!bytes) refuse("has a shape with more bytes than an index can count");
    if (*bytes != last - first) refuse("has another size than its shape and dtype");
    end = last;
    entry.tensor.offset = data_offset + first;
    entry.tensor.bytes = data.subspan(first, *bytes);
  }
  if (end != data.size())
    raise<FormatError>("safetensors", "the tensors end at byte %zu, the file at byte %zu",
                       data_offset + static_cast<std::size_t>(end), data_offset + data.size());
}

}  // namespace

Safetensors::Safetensors(const std::string& path, std::pmr::memory_resource* resource)
    : file_(path), tensors_(resource), metadata_(resource) {
  read(file_->bytes());
}

Safetensors::Safetensors(std::span<const std::byte> bytes, std::pmr::memory_resource* resource)
    : tensors_(resource), metadata_(resource) {
  read(bytes);
}

void Safetensors::read(std::span<const std::byte> bytes) {
  const auto length = static_cast<std::size_t>(header_length(bytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + length_bytes, length);
  if (!text.starts_with('{'))
    raise<FormatError>("safetensors", "the header does not start with '{' (byte %zu)",
                       length_bytes);
  if (const auto zero = text.find('\0'); zero != text.npos)  // where the parser would stop
    raise<FormatError>("safetensors", "the header is no JSON (byte %zu)", length_bytes + zero);
  detail::HeaderReader header(text, length_bytes, tensors_.get_allocator().resource());
  header.read();
  place(header.entries, bytes.subspan(length_bytes + length), length_bytes + length);

  std::ranges::sort(header.entries, {},
                    [](const HeaderEntry& e) -> const auto& { return e.tensor.name; });
  tensors_.reserve(header.entries.size());
  for (HeaderEntry& entry : header.entries) {
    if (!tensors_.empty() && tensors_.back().name == entry.tensor.name)
      raise<FormatError>("safetensors", "the name '%s' comes twice (byte %zu)",
                         QuotedText(entry.tensor.name).text, entry.where);
    tensors_.push_back(std::move(entry.tensor));
  }
  metadata_ = std::move(header.metadata);
  std::ranges::sort(metadata_, {}, &MetadataEntry::key);
  const auto twice = std::ranges::adjacent_find(metadata_, {}, &MetadataEntry::key);
  if (twice != metadata_.end())
    raise<FormatError>("safetensors", "the key '%s' comes twice in __metadata__ (byte %zu)",
                       QuotedText(twice->key).text, length_bytes);
}

const StoredTensor* Safetensors::find(std::string_view name) const noexcept {
  const auto by_name = [](const StoredTensor& t) { return std::string_view(t.name); };
  const auto at = std::ranges::lower_bound(tensors_, name, {}, by_name);
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

const StoredTensor& Safetensors::at(std::string_view name) const {
  const StoredTensor* tensor = find(name);
  if (tensor == nullptr)
    raise<FileError>("safetensors", "no tensor '%s' among the %zu of the file",
                     QuotedText(name).text, tensors_.size());
  return *tensor;
}

}  // namespace tenon
