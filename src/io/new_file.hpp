#pragma once
// NewFile: a file that appears under its name once it is whole.

#include <cstddef>
#include <span>
#include <string>

namespace tenon::detail {

// Written beside its place and renamed to it by finish(); without that, removed.
// Errors: FileError with the system's reason.
class NewFile {
 public:
  NewFile(const char* operation, const std::string& path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  void write(std::span<const std::byte> bytes);
  void write(const std::string& text);
  void finish();

 private:
  [[noreturn]] void refuse() const;

  const char* operation_;
  std::string path_, temporary_;
  int number_ = -1;
};

}  // namespace tenon::detail
