#pragma once
// Reading a table of lifetimes from text, when compiling or when running, into any container of rows.

#include <tenon/plan/lifetimes.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace tenon::detail::inline TENON_MODE {

// Reads one table; `done` bytes of the text are read, `line` counts from 1. Rows go to
// table.add(lifetime), offsets, where there is such a column, to table.add_offset(bytes).
template <class Table>
class LifetimeReader {
 public:
  constexpr LifetimeReader(std::string_view text, Table& table) : text_(text), table_(table) {}

  constexpr void read() {
    read_header();
    while (next_line()) read_row();
  }

 private:
  static constexpr std::size_t column_count = 4;
  static constexpr std::array<std::string_view, column_count> names{"lower", "upper", "size",
                                                                    "offset"};

  // Moves on to the next line that is not empty; false at the end.
  constexpr bool next_line() {
    while (done_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', done_), text_.size());
      row_ = text_.substr(done_, end - done_);
      if (!row_.empty() && row_.back() == '\r') row_.remove_suffix(1);
      row_offset_ = done_;
      done_ = end + 1;
      ++line_;
      if (!row_.empty()) return true;
    }
    return false;
  }

  template <class Visit>
  constexpr void for_each_field(const Visit& visit) const {
    std::size_t column = 0;
    for (std::size_t at = 0; at <= row_.size(); ++column) {
      const std::size_t end = std::min(row_.find(',', at), row_.size());
      visit(column, row_.substr(at, end - at), row_offset_ + at);
      at = end + 1;
    }
  }

  constexpr void read_header() {
    if (!next_line()) raise<FormatError>("lifetimes", "the text is empty (byte 0)");
    for_each_field([&](std::size_t column, std::string_view name, std::size_t) {
      for (std::size_t i = 0; i < column_count; ++i)
        if (name == names[i]) place_[i] = column;
      columns_ = column + 1;
    });
    for (std::size_t i = 0; i + 1 < column_count; ++i)
      if (place_[i] == absent)
        raise<FormatError>("lifetimes", "the first line has no column '%s' (byte 0)",
                           names[i].data());
  }

  constexpr void read_row() {
    std::array<std::uint64_t, column_count> values{};
    std::size_t fields = 0;
    for_each_field([&](std::size_t column, std::string_view field, std::size_t offset) {
      for (std::size_t i = 0; i < column_count; ++i)
        if (place_[i] == column) values[i] = number(names[i].data(), field, offset);
      ++fields;
    });
    if (fields != columns_)
      raise<FormatError>("lifetimes", "line %zu (byte %zu) has %zu fields, the first line %zu",
                         line_, row_offset_, fields, columns_);
    const Lifetime life{static_cast<index_t>(values[0]), static_cast<index_t>(values[1]),
                        static_cast<std::size_t>(values[2])};
    if (life.lower >= life.upper)
      raise<FormatError>("lifetimes", "line %zu (byte %zu): lower %td is not below upper %td",
                         line_, row_offset_, life.lower, life.upper);
    const auto sum = checked_add(sum_, life.bytes);  // planners add sizes up
    if (!sum || *sum > static_cast<std::size_t>(std::numeric_limits<index_t>::max()))
      raise<FormatError>("lifetimes", "the sizes add up to more than an address can count");
    sum_ = *sum;
    table_.add(life);
    if (place_[3] != absent) table_.add_offset(static_cast<std::size_t>(values[3]));
  }

  // Digits alone, at most what index_t holds.
  [[nodiscard]] constexpr std::uint64_t number(const char* name, std::string_view field,
                                               std::size_t offset) const {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<index_t>::max());
    std::uint64_t value = 0;
    bool is_number = !field.empty();
    for (const char c : field) {
      is_number = is_number && c >= '0' && c <= '9';
      if (!is_number) break;
      const auto digit = static_cast<std::uint64_t>(c - '0');
      is_number = value <= (most - digit) / 10;
      value = value * 10 + digit;
    }
    if (!is_number)
      raise<FormatError>("lifetimes", "line %zu (byte %zu): %s is '%.*s', not a number up to %llu",
                         line_, offset, name,
                         static_cast<int>(std::min<std::size_t>(field.size(), 40)), field.data(),
                         static_cast<unsigned long long>(most));
    return value;
  }

  static constexpr std::size_t absent = static_cast<std::size_t>(-1);

  std::string_view text_;
  Table& table_;
  std::size_t done_ = 0;
  std::size_t line_ = 0;
  std::string_view row_;
  std::size_t row_offset_ = 0;
  std::array<std::size_t, column_count> place_{absent, absent, absent, absent};
  std::size_t columns_ = 0;
  std::size_t sum_ = 0;
};

}  // namespace tenon::detail::inline TENON_MODE
