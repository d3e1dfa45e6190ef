#pragma once
// Bytes and files for the tests of the file layer.

#include "catch.hpp"

#include <tenon/core/error.hpp>

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace files {

// A path of this process that is removed at the end.
class TemporaryPath {
 public:
  explicit TemporaryPath(const char* name) {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/tenon." +
            std::to_string(::getpid()) + "." + name;
  }
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  ~TemporaryPath() { std::remove(path_.c_str()); }
  operator const std::string&() const { return path_; }
  [[nodiscard]] const std::string& text() const { return path_; }

 private:
  std::string path_;
};

inline void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
inline std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Bytes at an address that is a multiple of 64, as those of a mapped file are. The byte behind the
// last one is outside of the block, so that AddressSanitizer sees a read of it.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::string_view bytes)
      : size_(bytes.size()),
        block_(static_cast<std::byte*>(::operator new(size_, std::align_val_t{64}))) {
    for (std::size_t i = 0; i < size_; ++i) block_[i] = static_cast<std::byte>(bytes[i]);
  }
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  ~AlignedBytes() { ::operator delete(block_, std::align_val_t{64}); }
  operator std::span<const std::byte>() const { return {block_, size_}; }

 private:
  std::size_t size_;
  std::byte* block_;
};

template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

// The message of the error E that f raises.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was raised";
}

}  // namespace files
