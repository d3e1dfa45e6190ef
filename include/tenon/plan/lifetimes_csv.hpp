#pragma once
// Lifetimes of buffers as text, for planners elsewhere: the columns id, lower, upper, size and, for a
// solved problem, offset, as minimalloc reads and writes them.

#include <tenon/plan/lifetimes.hpp>
#include <tenon/plan/lifetimes_reader.hpp>

#include <tenon/core/config.hpp>

#include <cstddef>
#include <memory_resource>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

namespace tenon::inline TENON_MODE {

// What a file of lifetimes holds; offsets are empty where it has no such column.
struct LifetimeTable {
  std::pmr::vector<Lifetime> buffers;
  std::pmr::vector<std::size_t> offsets;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Rows that go to vectors.
struct LifetimeVectors {
  LifetimeTable& table;
  void add(const Lifetime& life) const { table.buffers.push_back(life); }
  void add_offset(std::size_t offset) const { table.offsets.push_back(offset); }
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// The table in a text: a first line that names the columns, then a line a buffer; times half open,
// [lower, upper). Other columns are passed over.
// Errors: FormatError with line and byte. Allocations: the table, from `resource`.
[[nodiscard]] inline LifetimeTable read_lifetimes(std::string_view text,
                                                  std::pmr::memory_resource* resource) {
  LifetimeTable table{std::pmr::vector<Lifetime>(resource),
                      std::pmr::vector<std::size_t>(resource)};
  detail::LifetimeVectors rows{table};
  detail::LifetimeReader(text, rows).read();
  return table;
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
