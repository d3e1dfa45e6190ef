#pragma once
// What a file of tensors holds, the same for every format.

#include <tenon/io/mapped_file.hpp>

#include <tenon/core/config.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tenon::tools {

struct TensorEntry {
  std::string name;
  std::string type;   // in the words of the format
  std::string dtype;  // Tenon's element type; empty where there is none
  std::vector<index_t> shape;
  std::size_t element_count = 0;
  std::size_t bytes = 0;         // of the elements
  std::size_t stored_bytes = 0;  // what the file has of them: fewer where compressed
  std::size_t offset = 0;        // of the first, in the file
  std::size_t alignment = 0;     // of the first, in the mapped file: a power of two, at most a page
  bool column_major = false;
  bool compressed = false;
  bool in_place = false;  // a view of it needs no copy
};

struct FileContents {
  const char* format = "";
  std::size_t file_bytes = 0;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<TensorEntry> tensors;  // sorted by name
};

// The format is recognised by the first bytes, or else by the name.
// Errors: those of the library's readers; FormatError where the format is unknown.
[[nodiscard]] FileContents read_contents(const std::string& path);

}  // namespace tenon::tools
