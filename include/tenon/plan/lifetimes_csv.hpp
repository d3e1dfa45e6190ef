#pragma once
// Lifetimes of buffers as text, for planners elsewhere: the columns id, lower, upper, size and, for a
// solved problem, offset, as minimalloc reads and writes them.

#include <tenon/plan/lifetimes.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <ostream>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon::inline TENON_MODE {

// What a file of lifetimes holds; offsets are empty where it has no such column.
struct LifetimeTable {
  std::pmr::vector<Lifetime> buffers;
  std::pmr::vector<std::size_t> offsets;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Reads one table; `done` bytes of the text are read, `line` counts from 1.
class LifetimeReader {
 public:
  LifetimeReader(std::string_view text, std::pmr::memory_resource* resource)
      : text_(text),
        table_{std::pmr::vector<Lifetime>(resource), std::pmr::vector<std::size_t>(resource)} {}

  [[nodiscard]] LifetimeTable read() && {
    read_header();
    while (next_line()) read_row();
    check_sum();
    return std::move(table_);
  }

 private:
  static constexpr std::size_t column_count = 4;
  static constexpr std::array<std::string_view, column_count> names{"lower", "upper", "size",
                                                                    "offset"};

  // Moves on to the next line that is not empty; false at the end.
  bool next_line() {
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
  void for_each_field(const Visit& visit) const {
    std::size_t column = 0;
    for (std::size_t at = 0; at <= row_.size(); ++column) {
      const std::size_t end = std::min(row_.find(',', at), row_.size());
      visit(column, row_.substr(at, end - at), row_offset_ + at);
      at = end + 1;
    }
  }

  void read_header() {
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

  void read_row() {
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
    table_.buffers.push_back(life);
    if (place_[3] != absent) table_.offsets.push_back(static_cast<std::size_t>(values[3]));
  }

  // Digits alone, at most what index_t holds.
  [[nodiscard]] std::uint64_t number(const char* name, std::string_view field,
                                     std::size_t offset) const {
    std::uint64_t value = 0;
    const char* const end = field.data() + field.size();
    const auto [stop, error] = std::from_chars(field.data(), end, value);
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<index_t>::max());
    if (field.empty() || error != std::errc() || stop != end || value > most)
      raise<FormatError>("lifetimes", "line %zu (byte %zu): %s is '%.*s', not a number up to %llu",
                         line_, offset, name,
                         static_cast<int>(std::min<std::size_t>(field.size(), 40)), field.data(),
                         static_cast<unsigned long long>(most));
    return value;
  }

  // Planners add sizes up.
  void check_sum() const {
    std::size_t sum = 0;
    for (const Lifetime& b : table_.buffers) {
      const auto next = checked_add(sum, b.bytes);
      if (!next || *next > static_cast<std::size_t>(std::numeric_limits<index_t>::max()))
        raise<FormatError>("lifetimes", "the sizes add up to more than an address can count");
      sum = *next;
    }
  }

  static constexpr std::size_t absent = static_cast<std::size_t>(-1);

  std::string_view text_;
  LifetimeTable table_;
  std::size_t done_ = 0;
  std::size_t line_ = 0;
  std::string_view row_;
  std::size_t row_offset_ = 0;
  std::array<std::size_t, column_count> place_{absent, absent, absent, absent};
  std::size_t columns_ = 0;
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// The table in a text: a first line that names the columns, then a line a buffer; times half open,
// [lower, upper). Other columns are passed over.
// Errors: FormatError with line and byte. Allocations: the table, from `resource`.
[[nodiscard]] inline LifetimeTable read_lifetimes(std::string_view text,
                                                  std::pmr::memory_resource* resource) {
  return detail::LifetimeReader(text, resource).read();
}

// Writes the table that read_lifetimes reads; ids count from 0. With no offsets, no such column.
// Contract: no offsets, or one a buffer.
inline void write_lifetimes(std::ostream& out, std::span<const Lifetime> buffers,
                            std::span<const std::size_t> offsets = {}) {
  out << (offsets.empty() ? "id,lower,upper,size\n" : "id,lower,upper,size,offset\n");
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    out << i << ',' << buffers[i].lower << ',' << buffers[i].upper << ',' << buffers[i].bytes;
    if (!offsets.empty()) out << ',' << offsets[i];
    out << '\n';
  }
}

}  // namespace tenon::inline TENON_MODE
