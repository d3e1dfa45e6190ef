#pragma once
// MappedFile: the bytes of a file, read-only, where the system's page cache has them.

#include <cstddef>
#include <span>
#include <string>

namespace tenon {

// Formula: bytes()[i] = byte i of the file, paged in when it is first read.
// Contract: nobody shortens the file while it is mapped (reading beyond its new end ends the program by
// SIGBUS; a file that is replaced, as save_safetensors replaces it, stays as it was mapped).
// Allocations: none of memory; pages of the file, which every process that maps it shares.
// Thread rules: reading is for all threads.
class MappedFile {
 public:
  // Errors: FileError with the system's reason, and for what is no regular file.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  // All bytes; the first lies on a page boundary. Valid, at the same address, until the file that owns
  // them dies: moving a MappedFile moves no bytes.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace tenon
