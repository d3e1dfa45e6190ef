#include "table.hpp"

#include <tenon/memory/readable.hpp>

#include <algorithm>
#include <ostream>

namespace tenon::tools {

namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Characters of UTF-8.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !continues_character(c); }));
}

}  // namespace

std::string grouped(std::uint64_t number) { return detail::grouped(number).text; }
std::string readable(std::uint64_t bytes) { return detail::readable_bytes(bytes).text; }

std::string printable(std::string_view text) {
  constexpr std::size_t most = 120;
  std::string result;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!continues_character(text[i]) && ++characters > most) return result + "...";
    const bool is_second_control =  // U+0080 to U+009F
        c >= 0x80 && c < 0xA0 && i > 0 && text[i - 1] == '\xC2';
    if (c < 0x20 || c == 0x7F)
      result += '?';
    else if (is_second_control)
      result.back() = '?';
    else
      result += text[i];
  }
  return result;
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  std::vector<std::string> titles;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(width(column.title));
  }
  const bool has_titles = std::ranges::any_of(widths, [](std::size_t w) { return w > 0; });
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  const auto print_row = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width(row[i]), ' ');
      line += "  " + (columns_[i].right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  };
  if (has_titles) print_row(titles);
  std::ranges::for_each(rows_, print_row);
}

}  // namespace tenon::tools
