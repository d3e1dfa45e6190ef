#pragma once
// The directory of a zip file, checked; and deflate, by zlib.

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

namespace tenon::detail {

// A file in the zip. Its packed bytes lie in the zip and in no other member.
struct ZipMember {
  std::string_view name;  // where it stands in the directory
  bool compressed = false;
  std::uint32_t checksum = 0;
  std::uint64_t bytes = 0;  // unpacked
  std::size_t offset = 0;   // of its header
  std::size_t data_offset = 0;
  std::span<const std::byte> packed;
};

// Errors: FormatError with the byte.
std::pmr::vector<ZipMember> read_zip_directory(std::span<const std::byte> file,
                                               std::pmr::memory_resource* resource);

[[nodiscard]] std::uint32_t crc32_of(std::uint32_t before,
                                     std::span<const std::byte> bytes) noexcept;

// Inflates piece after piece. Errors: FormatError, with the byte at which the data starts.
class Inflater {
 public:
  Inflater(std::span<const std::byte> packed, std::size_t offset);
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // post: `to` has the next to.size() bytes.
  void read(std::span<std::byte> to);
  // The data ends here, all of it used.
  void finish();

 private:
  [[noreturn]] void refuse() const;
  bool step(std::span<std::byte>& to);  // true at the end of the data

  struct Stream;
  Stream* stream_;
  std::size_t offset_;
};

}  // namespace tenon::detail
