#include <tenon/io/npz.hpp>

#include <tenon/io/npy.hpp>

#include "npy_header.hpp"
#include "zip.hpp"

#include <algorithm>
#include <cstring>

namespace tenon {

namespace {

using detail::QuotedText;
using detail::raise;
using detail::ZipMember;

constexpr std::string_view extension = ".npy";

// The header of a member, unpacked; `buffer` where it has to be.
std::span<const std::byte> header_of(const ZipMember& member, std::string& buffer) {
  if (!member.compressed) {
    const std::size_t bytes = detail::npy_header_bytes(member.packed, member.data_offset);
    if (bytes > member.packed.size())
      raise<FormatError>("npz", "the header of '%s' is cut off (byte %zu)",
                         QuotedText(member.name).text, member.data_offset);
    return member.packed.first(bytes);
  }
  detail::Inflater inflater(member.packed, member.data_offset);
  const auto read_up_to = [&](std::size_t size) {
    const std::size_t before = buffer.size();
    buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size, member.bytes)));
    inflater.read(std::as_writable_bytes(std::span(buffer)).subspan(before));
  };
  read_up_to(detail::npy_prefix_bytes);
  const std::size_t bytes =
      detail::npy_header_bytes(std::as_bytes(std::span(buffer)), member.data_offset);
  read_up_to(bytes);
  if (bytes > buffer.size())
    raise<FormatError>("npz", "the header of '%s' is cut off (byte %zu)",
                       QuotedText(member.name).text, member.data_offset);
  return std::as_bytes(std::span(buffer)).first(bytes);
}

NpzEntry read_entry(const ZipMember& member, std::pmr::memory_resource* resource) {
  std::string buffer;
  const auto header_bytes = header_of(member, buffer);
  const detail::NpyHeader header = detail::read_npy_header(header_bytes, member.data_offset);
  const std::size_t start = header_bytes.size();
  if (header.data_bytes != member.bytes - start)
    raise<FormatError>("npz", "'%s' needs %zu B behind its header, and has %llu B (byte %zu)",
                       QuotedText(member.name).text, header.data_bytes,
                       static_cast<unsigned long long>(member.bytes - start), member.data_offset);
  const auto name = member.name.substr(0, member.name.size() - extension.size());
  NpzEntry entry{.tensor = {.name = std::pmr::string(name, resource),
                            .type = header.type,
                            .dtype = header.dtype,
                            .rank = header.rank,
                            .extents = header.extents,
                            .column_major = header.column_major,
                            .offset = member.data_offset + (member.compressed ? 0 : start)},
                 .compressed = member.compressed,
                 .header_bytes = start,
                 .checksum = member.checksum,
                 .packed = member.packed};
  if (!member.compressed) entry.tensor.bytes = member.packed.subspan(start);
  return entry;
}

}  // namespace

Npz::Npz(const std::string& path, std::pmr::memory_resource* resource)
    : file_(path), entries_(resource) {
  read(file_->bytes());
}

Npz::Npz(std::span<const std::byte> bytes, std::pmr::memory_resource* resource)
    : entries_(resource) {
  read(bytes);
}

void Npz::read(std::span<const std::byte> bytes) {
  auto* const resource = entries_.get_allocator().resource();
  for (const ZipMember& member : detail::read_zip_directory(bytes, resource))
    if (member.name.ends_with(extension)) entries_.push_back(read_entry(member, resource));
  std::ranges::sort(entries_, {}, [](const NpzEntry& e) -> const auto& { return e.tensor.name; });
}

const NpzEntry* Npz::find(std::string_view name) const noexcept {
  const auto by_name = [](const NpzEntry& e) { return std::string_view(e.tensor.name); };
  const auto at = std::ranges::lower_bound(entries_, name, {}, by_name);
  return at != entries_.end() && at->tensor.name == name ? &*at : nullptr;
}

const NpzEntry& Npz::at(std::string_view name) const {
  const NpzEntry* entry = find(name);
  if (entry == nullptr)
    raise<FileError>("npz", "no array '%s' among the %zu of the file", QuotedText(name).text,
                     entries_.size());
  return *entry;
}

void Npz::check_in_place(const NpzEntry& entry) {
  if (entry.compressed)
    raise<FormatError>("view", "'%s' (byte %zu) is compressed: load it",
                       QuotedText(entry.tensor.name).text, entry.tensor.offset);
}

void Npz::read_elements(const NpzEntry& entry, std::span<std::byte> to) {
  std::uint32_t checksum = 0;
  if (entry.compressed) {
    detail::Inflater inflater(entry.packed, entry.tensor.offset);
    std::string header(entry.header_bytes, '\0');
    inflater.read(std::as_writable_bytes(std::span(header)));
    inflater.read(to);
    inflater.finish();
    checksum = detail::crc32_of(checksum, std::as_bytes(std::span(header)));
    checksum = detail::crc32_of(checksum, to);
  } else {
    if (!to.empty()) std::memcpy(to.data(), entry.tensor.bytes.data(), to.size());
    checksum = detail::crc32_of(checksum, entry.packed);
  }
  if (checksum != entry.checksum)
    raise<FormatError>("npz", "'%s' (byte %zu) has another checksum than the directory says",
                       QuotedText(entry.tensor.name).text, entry.tensor.offset);
  if (entry.tensor.dtype == DType::boolean) {
    StoredTensor loaded{.name = entry.tensor.name, .offset = entry.tensor.offset, .bytes = to};
    detail::check_stored_bools(loaded);
  }
}

}  // namespace tenon
