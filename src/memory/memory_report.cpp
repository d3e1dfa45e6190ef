#include <tenon/memory/memory_report.hpp>

#include <tenon/memory/readable.hpp>

#include <tenon/core/error.hpp>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <ostream>

namespace tenon {

namespace {

// The registrations, linked through themselves. Never destroyed: static objects may register.
struct Registry {
  std::mutex lock;
  ResourceRegistration* first = nullptr;
  ResourceRegistration* last = nullptr;
};

Registry& registry() {
  static Registry* const one = new Registry;
  return *one;
}

// A small file of /proc, read without the heap that it reports on.
class ProcFile {
 public:
  explicit ProcFile(const char* path) noexcept {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    std::size_t used = 0;
    for (ssize_t got = 1; got > 0 && used + 1 < sizeof text_;) {
      got = ::read(file, text_ + used, sizeof text_ - 1 - used);
      if (got > 0) used += static_cast<std::size_t>(got);
    }
    ::close(file);
  }
  [[nodiscard]] bool empty() const noexcept { return text_[0] == '\0'; }
  // The bytes of a line "name:   123 kB"; 0 where there is none.
  [[nodiscard]] std::size_t bytes(const char* name) const noexcept {
    const std::size_t length = std::strlen(name);
    for (const char* line = text_; *line != '\0';) {
      if (std::strncmp(line, name, length) == 0 && line[length] == ':')
        return static_cast<std::size_t>(std::strtoull(line + length + 1, nullptr, 10)) * 1024;
      const char* end = std::strchr(line, '\n');
      if (end == nullptr) break;
      line = end + 1;
    }
    return 0;
  }

 private:
  char text_[8192] = {};
};

void read_heap(MemoryReport& report) noexcept {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  const struct mallinfo2 info = ::mallinfo2();
  report.heap_bytes = info.arena + info.hblkhd;
  report.heap_used_bytes = info.uordblks + info.hblkhd;
#else
  static_cast<void>(report);
#endif
}

// False where the process, a number or "self", is not there.
bool read_process(MemoryReport& report, const char* process) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%s/status", process);
  const ProcFile status(path);
  report.virtual_bytes = status.bytes("VmSize");
  report.resident_bytes = status.bytes("VmRSS");
  report.peak_resident_bytes = status.bytes("VmHWM");
  report.stack_bytes = status.bytes("VmStk");
  report.data_bytes = status.bytes("VmData");
  report.swapped_bytes = status.bytes("VmSwap");
  std::snprintf(path, sizeof path, "/proc/%s/smaps_rollup", process);
  report.huge_page_bytes = ProcFile(path).bytes("AnonHugePages");
  return !status.empty();
}

// Of the mapping that grows by brk; 0 where maps may not be read.
std::size_t heap_mapping_bytes(const char* process) noexcept {
  char line[512];
  std::snprintf(line, sizeof line, "/proc/%s/maps", process);
  std::FILE* maps = std::fopen(line, "re");
  if (maps == nullptr) return 0;
  std::size_t bytes = 0;
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    if (std::strstr(line, "[heap]") == nullptr) continue;
    char* end = nullptr;
    const std::size_t first = std::strtoull(line, &end, 16);
    if (*end == '-') bytes += std::strtoull(end + 1, nullptr, 16) - first;
  }
  std::fclose(maps);
  return bytes;
}

}  // namespace

ResourceRegistration::ResourceRegistration(const char* name, const void* resource,
                                           Read read) noexcept
    : resource_(resource), read_(read) {
  std::snprintf(name_, sizeof name_, "%s", name);
  Registry& all = registry();
  const std::lock_guard guard(all.lock);
  previous_ = all.last;
  (all.last != nullptr ? all.last->next_ : all.first) = this;
  all.last = this;
}

ResourceRegistration::~ResourceRegistration() {
  Registry& all = registry();
  const std::lock_guard guard(all.lock);
  (previous_ != nullptr ? previous_->next_ : all.first) = next_;
  (next_ != nullptr ? next_->previous_ : all.last) = previous_;
}

MemoryReport memory_report() {
  MemoryReport report;
  read_heap(report);  // before this function's own strings
  read_process(report, "self");
  Registry& all = registry();
  const std::lock_guard guard(all.lock);
  for (const ResourceRegistration* one = all.first; one != nullptr; one = one->next_)
    report.resources.push_back({one->name_, one->read_(one->resource_)});
  return report;
}

MemoryReport memory_report(int pid) {
  char process[16];
  std::snprintf(process, sizeof process, "%d", pid);
  MemoryReport report;
  if (pid <= 0 || !read_process(report, process))
    detail::raise<FileError>("memory_report", "no process %d", pid);
  report.heap_bytes = heap_mapping_bytes(process);
  return report;
}

std::ostream& operator<<(std::ostream& out, const MemoryReport& report) {
  char line[256];
  const auto process = [&](const char* name, std::size_t bytes) {
    std::snprintf(line, sizeof line, "  %-16s %18s B\n", name, detail::grouped(bytes).text);
    out << line;
  };
  out << "process\n";
  process("virtual", report.virtual_bytes);
  process("resident", report.resident_bytes);
  process("peak resident", report.peak_resident_bytes);
  process("in huge pages", report.huge_page_bytes);
  process("swapped", report.swapped_bytes);
  process("stack", report.stack_bytes);
  process("data", report.data_bytes);
  process("heap, held", report.heap_bytes);
  process("heap, used", report.heap_used_bytes);
  if (report.resources.empty()) return out << "no resource is registered\n";

  int width = 8;
  for (const auto& one : report.resources)
    if (static_cast<int>(one.name.size()) > width) width = static_cast<int>(one.name.size());
  const auto row = [&](const char* name, const char* live, const char* blocks, const char* peak,
                       const char* held) {
    std::snprintf(line, sizeof line, "%-*s %18s %12s %18s %18s\n", width, name, live, blocks, peak,
                  held);
    out << line;
  };
  row("resource", "live B", "blocks", "peak B", "held B");
  for (const auto& [name, use] : report.resources)
    row(name.c_str(), detail::grouped(use.live_bytes).text, detail::grouped(use.live_count).text,
        detail::grouped(use.peak_bytes).text, detail::grouped(use.held_bytes).text);
  return out;
}

}  // namespace tenon
