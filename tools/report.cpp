#include "command.hpp"
#include "json.hpp"
#include "table.hpp"

#include <tenon/memory/memory_report.hpp>

#include <unistd.h>

#include <cstddef>
#include <ostream>

namespace tenon::tools {

namespace {

struct Line {
  const char* title;
  const char* key;
  std::size_t MemoryReport::* bytes;
};

constexpr Line lines[] = {
    {"virtual", "virtual_bytes", &MemoryReport::virtual_bytes},
    {"resident", "resident_bytes", &MemoryReport::resident_bytes},
    {"peak resident", "peak_resident_bytes", &MemoryReport::peak_resident_bytes},
    {"in huge pages", "huge_page_bytes", &MemoryReport::huge_page_bytes},
    {"swapped", "swapped_bytes", &MemoryReport::swapped_bytes},
    {"stack", "stack_bytes", &MemoryReport::stack_bytes},
    {"data", "data_bytes", &MemoryReport::data_bytes},
    {"heap, held", "heap_bytes", &MemoryReport::heap_bytes},
};
// What malloc knows of itself alone.
constexpr Line own_line{"heap, used", "heap_used_bytes", &MemoryReport::heap_used_bytes};

}  // namespace

int report(const ReportOptions& options, std::ostream& out) {
  const bool own = !options.pid;
  const MemoryReport memory = own ? memory_report() : memory_report(*options.pid);
  const int pid = own ? static_cast<int>(::getpid()) : *options.pid;
  if (options.json) {
    Json json;
    json["pid"] = pid;
    for (const Line& line : lines) json[line.key] = memory.*line.bytes;
    json[own_line.key] = own ? Json(memory.*own_line.bytes) : Json();
    print(json, out);
    return exit_code::success;
  }
  out << "process " << pid << "\n\n";
  Table table({{"memory"}, {"size", true}, {"bytes", true}});
  const auto add = [&](const Line& line) {
    const std::size_t bytes = memory.*line.bytes;
    table.add({line.title, readable(bytes), grouped(bytes)});
  };
  for (const Line& line : lines) add(line);
  if (own) add(own_line);
  table.print(out);
  return exit_code::success;
}

}  // namespace tenon::tools
