#include "new_file.hpp"

#include <tenon/core/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace tenon::detail {

NewFile::NewFile(const char* operation, const std::string& path)
    : operation_(operation), path_(path) {
  static std::atomic<unsigned> count = 0;  // names for threads that write the same file
  do {
    temporary_ = path + "." + std::to_string(::getpid()) + "." + std::to_string(++count);
    number_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (number_ < 0 && errno == EEXIST);
  if (number_ < 0) refuse();
}

NewFile::~NewFile() {
  if (number_ < 0) return;
  ::close(number_);
  ::unlink(temporary_.c_str());
}

void NewFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(number_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse();
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void NewFile::write(const std::string& text) { write(std::as_bytes(std::span(text))); }

void NewFile::finish() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) refuse();
  ::close(number_);
  number_ = -1;
}

void NewFile::refuse() const {
  raise<FileError>(operation_, "'%.160s': %s", path_.c_str(), std::strerror(errno));
}

}  // namespace tenon::detail
