#pragma once
// The closest of some names to one that is none of them, for messages.

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace tenon::detail {

// Letters to insert, remove or change until a is b (Levenshtein), of the first 63 of each.
[[nodiscard]] inline std::size_t letters_changed(std::string_view a, std::string_view b) noexcept {
  constexpr std::size_t most = 63;
  a = a.substr(0, most);
  b = b.substr(0, most);
  std::array<std::size_t, most + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace tenon::detail
