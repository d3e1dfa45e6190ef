#include "solved_table.hpp"

#include <algorithm>
#include <vector>

namespace tenon::tools {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

std::string solved_table(std::string_view text, std::span<const std::size_t> offsets) {
  constexpr std::string_view title = "offset";
  std::string result;
  std::size_t column = 0, row = 0;
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    auto fields = split(line, ',');
    const bool is_header = result.empty();
    if (is_header)
      column = static_cast<std::size_t>(std::ranges::find(fields, title) - fields.begin());
    const std::string number = is_header ? std::string(title) : std::to_string(offsets[row++]);
    if (column == fields.size())
      fields.push_back(number);
    else
      fields[column] = number;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) result += ',';
      result += fields[i];
    }
    result += '\n';
  }
  return result;
}

}  // namespace tenon::tools
