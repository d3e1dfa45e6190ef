#pragma once
// Tables for people: aligned columns, sizes to read and exact bytes.

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::tools {

// 1234567 -> "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
// "1.18 MiB".
[[nodiscard]] std::string readable(std::uint64_t bytes);
// Text of a file as it may go to a terminal: no control characters, at most 120 characters.
[[nodiscard]] std::string printable(std::string_view text);

// Rows of cells. Columns are as wide as their widest cell; numbers stand to the right.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Contract: one cell a column.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // The titles, unless all are empty, then the rows, each line behind two spaces.
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tenon::tools
