#include "zip.hpp"

#include <tenon/io/stored_tensor.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>

namespace tenon::detail {

namespace {

constexpr std::uint32_t local_mark = 0x04034b50, member_mark = 0x02014b50, end_mark = 0x06054b50,
                        end64_mark = 0x06064b50, locator_mark = 0x07064b50;
constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;

[[noreturn]] void refuse(const char* why, std::size_t at) {
  raise<FormatError>("npz", "%s (byte %zu)", why, at);
}

// Little-endian numbers of a file that may end anywhere.
class ZipBytes {
 public:
  explicit ZipBytes(std::span<const std::byte> file) : file_(file) {}

  [[nodiscard]] std::size_t size() const { return file_.size(); }

  std::span<const std::byte> part(std::uint64_t at, std::uint64_t count) const {
    if (at > file_.size() || count > file_.size() - at)
      refuse("a part of the zip reaches beyond the end of the file",
             static_cast<std::size_t>(std::min<std::uint64_t>(at, file_.size())));
    return file_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
  }
  template <class T>
  T number(std::uint64_t at) const {
    T value = 0;
    const auto bytes = part(at, sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(bytes[i])) << (8 * i));
    return value;
  }
  std::string_view text(std::uint64_t at, std::uint64_t count) const {
    const auto bytes = part(at, count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  std::span<const std::byte> file_;
};

struct Directory {
  std::uint64_t offset, bytes, count;
};

// The record at the end of the file, behind which there is nothing but its comment.
Directory find_directory(const ZipBytes& zip) {
  constexpr std::size_t record = 22, longest_comment = 65'535;
  if (zip.size() < record) refuse("the file is shorter than a zip without members", 0);
  const std::size_t last = zip.size() - record;
  for (std::size_t back = 0; back <= std::min(last, longest_comment); ++back) {
    const std::size_t at = last - back;
    if (zip.number<std::uint32_t>(at) != end_mark || zip.number<std::uint16_t>(at + 20) != back)
      continue;
    Directory directory{zip.number<std::uint32_t>(at + 16), zip.number<std::uint32_t>(at + 12),
                        zip.number<std::uint16_t>(at + 10)};
    std::size_t end = at;
    if (at >= 20 && zip.number<std::uint32_t>(at - 20) == locator_mark) {
      const auto record64 = zip.number<std::uint64_t>(at - 12);
      if (record64 > at || zip.number<std::uint32_t>(record64) != end64_mark)
        refuse("the zip64 record is not where it should be", at - 12);
      directory = {zip.number<std::uint64_t>(record64 + 48),
                   zip.number<std::uint64_t>(record64 + 40),
                   zip.number<std::uint64_t>(record64 + 32)};
      end = static_cast<std::size_t>(record64);
    }
    const auto stop = checked_add(directory.offset, directory.bytes);
    if (!stop || *stop != end)
      refuse("the directory of the zip does not end where its end stands", at);
    return directory;
  }
  refuse("the zip has no end record", last);
}

// The sizes and the place of a member that do not fit 32 bits stand in an extra field, in this order.
void read_zip64(const ZipBytes& zip, std::uint64_t at, std::uint64_t end,
                std::uint64_t* const (&fields)[3]) {
  while (end - at >= 4) {
    const auto id = zip.number<std::uint16_t>(at), bytes = zip.number<std::uint16_t>(at + 2);
    at += 4;
    if (bytes > end - at)
      refuse("an extra field is longer than all of them", static_cast<std::size_t>(at));
    if (id == 1) {
      std::uint64_t from = at;
      for (std::uint64_t* field : fields) {
        if (*field != in_zip64) continue;
        if (from + 8 > at + bytes) refuse("a zip64 field is missing", static_cast<std::size_t>(at));
        *field = zip.number<std::uint64_t>(from);
        from += 8;
      }
    }
    at += bytes;
  }
}

// The member whose entry of the directory starts at `at`; at: that of the next one.
ZipMember read_member(const ZipBytes& zip, const Directory& directory, std::uint64_t& at) {
  const auto here = static_cast<std::size_t>(at);
  if (zip.number<std::uint32_t>(at) != member_mark) refuse("the directory has no entry here", here);
  const auto flags = zip.number<std::uint16_t>(at + 8), method = zip.number<std::uint16_t>(at + 10);
  std::uint64_t packed = zip.number<std::uint32_t>(at + 20),
                bytes = zip.number<std::uint32_t>(at + 24),
                offset = zip.number<std::uint32_t>(at + 42);
  const std::uint64_t name = at + 46, extra = name + zip.number<std::uint16_t>(at + 28),
                      comment = extra + zip.number<std::uint16_t>(at + 30);
  ZipMember member;
  member.checksum = zip.number<std::uint32_t>(at + 16);
  at = comment + zip.number<std::uint16_t>(at + 32);
  if (at > directory.offset + directory.bytes) refuse("an entry leaves the directory", here);
  member.name = zip.text(name, extra - name);
  read_zip64(zip, extra, comment, {&bytes, &packed, &offset});

  if ((flags & 1) != 0) refuse("a member is encrypted", here);
  if (method != 0 && method != 8) refuse("a member is neither stored nor deflated", here);
  member.compressed = method == 8;
  if (!member.compressed && packed != bytes) refuse("a stored member has two sizes", here);
  // Deflate makes at most 1,032 bytes of one.
  if (packed < bytes / 1032) refuse("a member is larger than its packed bytes can make it", here);
  member.bytes = bytes;

  if (offset > directory.offset || zip.number<std::uint32_t>(offset) != local_mark)
    refuse("a member is not where the directory says", here);
  member.offset = static_cast<std::size_t>(offset);
  const std::uint64_t local_name = zip.number<std::uint16_t>(offset + 26);
  if (zip.text(offset + 30, local_name) != member.name ||
      zip.number<std::uint16_t>(offset + 8) != method)
    refuse("a member says something else of itself than the directory", member.offset);
  const std::uint64_t data = offset + 30 + local_name + zip.number<std::uint16_t>(offset + 28);
  if (data > directory.offset || packed > directory.offset - data)
    refuse("a member reaches into the directory", member.offset);
  member.data_offset = static_cast<std::size_t>(data);
  member.packed = zip.part(data, packed);
  return member;
}

}  // namespace

std::pmr::vector<ZipMember> read_zip_directory(std::span<const std::byte> file,
                                               std::pmr::memory_resource* resource) {
  const ZipBytes zip(file);
  const Directory directory = find_directory(zip);
  std::pmr::vector<ZipMember> members(resource);
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.count; ++i)
    members.push_back(read_member(zip, directory, at));
  if (at != directory.offset + directory.bytes)
    refuse("the directory has more than its entries", static_cast<std::size_t>(at));

  std::ranges::sort(members, {}, &ZipMember::offset);
  std::size_t end = 0;
  for (const ZipMember& m : members) {
    if (m.offset < end) refuse("a member lies in another one", m.offset);
    end = m.data_offset + m.packed.size();
  }
  std::ranges::sort(members, {}, &ZipMember::name);
  const auto twice = std::ranges::adjacent_find(members, {}, &ZipMember::name);
  if (twice != members.end())
    raise<FormatError>("npz", "the name '%s' comes twice (byte %zu)", QuotedText(twice->name).text,
                       std::next(twice)->offset);
  return members;
}

}  // namespace tenon::detail
