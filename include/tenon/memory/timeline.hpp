#pragma once
// A log of memory events as a table of text.

#include <tenon/memory/event_log.hpp>
#include <tenon/memory/readable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ostream>
#include <span>

namespace tenon {

struct TimelineText {
  bool times = true;               // a column of times since the log was made
  bool labels = true;              // a line of its own wherever the label changes
  std::size_t bar_columns = 32;    // of the bar that shows live bytes; 0: none
  std::size_t full_bar_bytes = 0;  // what fills the bar; 0: the peak of these events
};

namespace detail {

// A bar of `eighths` eighths of a column.
inline void print_bar(std::ostream& out, std::size_t eighths) {
  constexpr const char* parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  for (; eighths >= 8; eighths -= 8) out << "█";
  out << parts[eighths];
}

inline void print_padded(std::ostream& out, const char* text, std::size_t columns) {
  for (std::size_t n = std::strlen(text); n < columns; ++n) out << ' ';
  out << text;
}

[[nodiscard]] inline const char* name_of(MemoryEventKind kind) noexcept {
  switch (kind) {
    case MemoryEventKind::allocate:
      return "allocate";
    case MemoryEventKind::deallocate:
      return "free";
    case MemoryEventKind::clear:
      return "clear";
    case MemoryEventKind::refuse:
      return "refused";
  }
  return "";
}

}  // namespace detail

// One line an event: number, time in µs, event, bytes, live bytes, and a bar of the live bytes.
//
//     2      1.204 µs  allocate   24 B    live   48 B  ████████▏
//
// A part of a log prints as well, with its own numbers: log.events().subspan(3).
// No allocation but the stream's.
inline void print_timeline(std::ostream& out, std::span<const MemoryEvent> events,
                           const TimelineText& options = {}) {
  std::size_t peak_bytes = options.full_bar_bytes;
  std::size_t number_columns = 3, bytes_columns = 5, live_columns = 5, time_columns = 8;
  for (const MemoryEvent& e : events) {
    if (options.full_bar_bytes == 0) peak_bytes = std::max(peak_bytes, e.live_bytes);
    number_columns = std::max(number_columns, std::strlen(detail::grouped(e.number).text));
    if (e.kind != MemoryEventKind::refuse)  // often an absurd number
      bytes_columns = std::max(bytes_columns, 2 + std::strlen(detail::grouped(e.bytes).text));
    live_columns = std::max(live_columns, 2 + std::strlen(detail::grouped(e.live_bytes).text));
    time_columns = std::max(time_columns, std::strlen(detail::grouped(e.time_ns / 1000).text) + 4);
  }
  const char* label = nullptr;
  for (const MemoryEvent& e : events) {
    const char* const named = e.label != nullptr ? e.label
                              : label != nullptr ? "(no phase)"
                                                 : nullptr;
    if (options.labels && named != nullptr &&
        (label == nullptr || std::strcmp(named, label) != 0)) {
      label = named;
      out << label << '\n';
    }
    detail::print_padded(out, detail::grouped(e.number).text, number_columns);
    out << "  ";
    if (options.times) {
      char fraction[8];
      std::snprintf(fraction, sizeof fraction, ".%03u", static_cast<unsigned>(e.time_ns % 1000));
      detail::print_padded(out, detail::grouped(e.time_ns / 1000).text, time_columns - 4);
      out << fraction << " µs  ";
    }
    const char* name = detail::name_of(e.kind);
    out << name;
    for (std::size_t n = std::strlen(name); n < 8; ++n) out << ' ';
    detail::print_padded(out, detail::grouped(e.bytes).text, bytes_columns);
    out << " B    live";
    detail::print_padded(out, detail::grouped(e.live_bytes).text, live_columns);
    out << " B";
    if (options.bar_columns > 0 && e.live_bytes > 0 && peak_bytes > 0) {
      const double full = static_cast<double>(e.live_bytes) / static_cast<double>(peak_bytes);
      const auto eighths =
          static_cast<std::size_t>(full * 8 * static_cast<double>(options.bar_columns) + 0.5);
      out << "  ";
      detail::print_bar(out, std::clamp(eighths, std::size_t{1}, 8 * options.bar_columns));
    }
    out << '\n';
  }
}

}  // namespace tenon
