#pragma once
// What a benchmark program measured, as JSON: --json=FILE, the same for every program. bench/run reads it.
//
//   {"rows": [{"row": "f32 17", "contenders": [{"who": "tenon", "seconds": [2.5e-7, …],
//                                               "counters": {"flops": 9826, "bytes": 3468}}, …]}, …]}
//
// Seconds are those of one repetition, in the order of measuring; counters are amounts of one repetition.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::bench {

struct Measured {
  std::string who;
  std::vector<double> seconds;
  std::map<std::string, double> counters;
};

struct Record {
  std::string row;
  std::vector<Measured> contenders;
};

// Takes every argument that begins with `option` out; what follows it in the last one, empty if none does.
template <class Arguments>
[[nodiscard]] std::string take_option(Arguments& arguments, std::string_view option) {
  std::string value;
  std::erase_if(arguments, [&](std::string_view argument) {
    if (!argument.starts_with(option)) return false;
    value = argument.substr(option.size());
    return true;
  });
  return value;
}

namespace detail {

inline void write_string(std::FILE* file, const std::string& text) {
  std::fputc('"', file);
  for (const char c : text) {
    if (c == '"' || c == '\\') std::fputc('\\', file);
    std::fputc(c, file);
  }
  std::fputc('"', file);
}

// Calls write(item) for each, with commas between.
template <class Range, class F>
void write_list(std::FILE* file, const Range& range, const char* comma, const F& write) {
  bool is_first = true;
  for (const auto& item : range) {
    if (!is_first) std::fputs(comma, file);
    is_first = false;
    write(item);
  }
}

inline void write_measured(std::FILE* file, const Measured& measured) {
  std::fputs("{\"who\": ", file);
  write_string(file, measured.who);
  std::fputs(", \"seconds\": [", file);
  write_list(file, measured.seconds, ", ", [&](double s) { std::fprintf(file, "%.6g", s); });
  std::fputs("], \"counters\": {", file);
  write_list(file, measured.counters, ", ", [&](const auto& counter) {
    write_string(file, counter.first);
    std::fprintf(file, ": %.10g", counter.second);
  });
  std::fputs("}}", file);
}

}  // namespace detail

// Nothing where `path` is empty. Ends the program where the file cannot be written.
inline void write_json(const std::string& path, const std::vector<Record>& records) {
  if (path.empty()) return;
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    std::perror(path.c_str());
    std::exit(1);
  }
  std::fputs("{\"rows\": [\n", file);
  detail::write_list(file, records, ",\n", [&](const Record& record) {
    std::fputs("{\"row\": ", file);
    detail::write_string(file, record.row);
    std::fputs(", \"contenders\": [\n  ", file);
    detail::write_list(file, record.contenders, ",\n  ",
                       [&](const Measured& measured) { detail::write_measured(file, measured); });
    std::fputs("]}", file);
  });
  std::fputs("\n]}\n", file);
  if (std::fclose(file) != 0) {
    std::perror(path.c_str());
    std::exit(1);
  }
}

}  // namespace tenon::bench
