#pragma once
// How close a name is to another, for messages about one that is unknown.

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace tenon::detail {

// How many letters have to be put in, left out or replaced to make b of a (Levenshtein), case aside; of names of
// up to 63 letters, else the longer one's length.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) noexcept {
  std::array<std::size_t, 64> row{};
  if (b.size() >= row.size()) return std::max(a.size(), b.size());
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace tenon::detail
