#include <tenon/io/npz.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include "new_file.hpp"
#include "npy_header.hpp"
#include "zip.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace tenon {

namespace {

using detail::raise;

struct Member {
  std::string name, header;
  std::span<const std::byte> data;
  std::uint32_t checksum = 0, bytes = 0, offset = 0;
};

// Numbers of a zip, little-endian.
void put16(std::string& to, std::size_t value) {
  to += {static_cast<char>(value & 0xFF), static_cast<char>(value >> 8 & 0xFF)};
}
void put32(std::string& to, std::size_t value) {
  put16(to, value & 0xFFFF);
  put16(to, value >> 16);
}

std::uint32_t fits32(std::size_t value) {
  if (value >= std::numeric_limits<std::uint32_t>::max())
    raise<ContractError>("save_npz", "the file would have more than 4 GiB");
  return static_cast<std::uint32_t>(value);
}

// What both headers of a member have, from the version needed on; the first of January 1980.
void put_common(std::string& to, const Member& m) {
  put16(to, 20);
  put16(to, 0x800);  // the name is UTF-8
  put16(to, 0);      // stored
  put32(to, 0x00210000);
  put32(to, m.checksum);
  put32(to, m.bytes);
  put32(to, m.bytes);
  put16(to, m.name.size());
}

// Bytes before the .npy, so that it starts at a multiple of 64: an extra field fills up.
std::string local_header(const Member& m) {
  std::string text = "PK\3\4";
  put_common(text, m);
  const std::size_t start = m.offset + 30 + m.name.size() + 4;
  const std::size_t padding = align_up(start, workspace_alignment) - start;
  put16(text, 4 + padding);
  text += m.name;
  put16(text, 0xD935);  // the field that Android's zipalign uses for this
  put16(text, padding);
  return text + std::string(padding, '\0');
}

std::string directory_of(std::span<const Member> members, std::size_t offset) {
  std::string text;
  for (const Member& m : members) {
    text += "PK\1\2";
    put16(text, 20);
    put_common(text, m);
    for (int field = 0; field < 4; ++field) put16(text, 0);  // no extra, no comment, disk 0, bytes
    put32(text, 0);
    put32(text, m.offset);
    text += m.name;
  }
  const std::size_t bytes = text.size();
  text += "PK\5\6";
  put32(text, 0);
  put16(text, members.size());
  put16(text, members.size());
  put32(text, fits32(bytes));
  put32(text, fits32(offset));
  put16(text, 0);
  return text;
}

std::vector<Member> members_of(std::span<const NamedTensor> tensors) {
  std::vector<Member> members;
  for (const NamedTensor& t : tensors) {
    if (t.name().size() > 60'000)
      raise<ContractError>("save_npz", "a name has %zu characters", t.name().size());
    Member m{std::string(t.name()) + ".npy", detail::npy_header_text(t.dtype(), t.shape()),
             t.bytes()};
    m.bytes = fits32(m.header.size() + m.data.size());
    m.checksum = detail::crc32_of(detail::crc32_of(0, std::as_bytes(std::span(m.header))), m.data);
    members.push_back(std::move(m));
  }
  if (members.size() >= 65'535) raise<ContractError>("save_npz", "%zu arrays", members.size());
  std::vector<std::string_view> names;
  for (const Member& m : members) names.push_back(m.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end())
    raise<ContractError>("save_npz", "the name '%s' comes twice",
                         detail::QuotedText(twice->substr(0, twice->size() - 4)).text);
  return members;
}

}  // namespace

void save_npz(const std::string& path, std::span<const NamedTensor> tensors) {
  std::vector<Member> members = members_of(tensors);
  detail::NewFile file("save_npz", path);
  std::size_t offset = 0;
  for (Member& m : members) {
    m.offset = fits32(offset);
    const std::string header = local_header(m);
    file.write(header);
    file.write(m.header);
    file.write(m.data);
    offset += header.size() + m.bytes;
  }
  file.write(directory_of(members, offset));
  file.finish();
}

}  // namespace tenon
