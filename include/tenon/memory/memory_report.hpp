#pragma once
// How much memory the process has, and how much of it lies in which resource.

#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace tenon {

// What a resource says of itself.
struct ResourceUse {
  std::size_t live_bytes = 0;  // as requested
  std::size_t live_count = 0;  // blocks
  std::size_t peak_bytes = 0;  // the highest live_bytes ever
  std::size_t held_bytes = 0;  // taken from upstream, free memory included; live_bytes for layers
};

// A resource with statistics: everything of this library, and whatever has a stats() like theirs.
template <class R>
concept ReportsUse = requires(const R& resource) {
  { resource.stats().live_bytes } -> std::convertible_to<std::size_t>;
  { resource.stats().live_count } -> std::convertible_to<std::size_t>;
  { resource.stats().peak_bytes } -> std::convertible_to<std::size_t>;
};

// Formula: the four numbers from resource.stats(). No allocation.
template <ReportsUse R>
[[nodiscard]] ResourceUse resource_use(const R& resource) {
  const auto s = resource.stats();
  ResourceUse use{s.live_bytes, s.live_count, s.peak_bytes, s.live_bytes};
  if constexpr (requires { s.owned_bytes; })
    use.held_bytes = s.owned_bytes;
  else if constexpr (requires { s.capacity_bytes; })
    use.held_bytes = s.capacity_bytes;
  return use;
}

struct MemoryReport;

// A resource's line in memory_report(), for as long as this object lives. Not copied, not moved: it
// is its own place in the list, so registering needs no memory. Thread-safe: making and destroying.
class ResourceRegistration {
 public:
  static constexpr std::size_t name_capacity = 48;
  using Read = ResourceUse (*)(const void* resource);

  // Names longer than name_capacity - 1 are cut. Contract: the resource outlives the registration.
  ResourceRegistration(const char* name, const void* resource, Read read) noexcept;
  ResourceRegistration(const ResourceRegistration&) = delete;
  ResourceRegistration& operator=(const ResourceRegistration&) = delete;
  ~ResourceRegistration();

 private:
  friend MemoryReport memory_report();

  char name_[name_capacity];
  const void* resource_;
  Read read_;
  ResourceRegistration* next_ = nullptr;
  ResourceRegistration* previous_ = nullptr;
};

// Formula: auto line = register_resource("weights", weights); shows it until `line` ends.
// Allocations: none. Thread-safe. Contract: as ResourceRegistration.
template <ReportsUse R>
[[nodiscard]] ResourceRegistration register_resource(const char* name, const R& resource) {
  return ResourceRegistration(
      name, &resource, [](const void* r) { return resource_use(*static_cast<const R*>(r)); });
}

struct MemoryReport {
  struct Line {
    std::string name;
    ResourceUse use;
  };

  // Of the process, from /proc; 0 where the system does not tell.
  std::size_t virtual_bytes = 0;        // mapped
  std::size_t resident_bytes = 0;       // in physical memory
  std::size_t peak_resident_bytes = 0;  // the most ever
  std::size_t stack_bytes = 0;          // of the main thread
  std::size_t data_bytes = 0;           // private and writable: heap, mapped blocks, thread stacks
  std::size_t swapped_bytes = 0;
  std::size_t huge_page_bytes = 0;  // resident in transparent huge pages
  std::size_t heap_bytes = 0;       // what glibc's malloc holds from the system
  std::size_t heap_used_bytes = 0;  // what of it is allocated
  std::vector<Line> resources;      // in the order of registration
};

// The numbers of now. Statistics are read in the calling thread: nobody may use a registered
// resource meanwhile, unless it is thread-safe. Thread-safe otherwise.
// Allocations: the list, on the heap. Cost: reads two files of /proc, about 0.1 ms.
// Compiled part: link tenon::memory.
[[nodiscard]] MemoryReport memory_report();

// The same of another process, as far as the system lets this one see: heap_bytes are those of its
// "[heap]" mapping, heap_used_bytes are 0, and there are no resources.
// Errors: FileError with the number where there is no such process.
// Allocations: none. Cost: reads three files of /proc.
[[nodiscard]] MemoryReport memory_report(int pid);

// A table: the process, then a line for each resource.
std::ostream& operator<<(std::ostream& out, const MemoryReport& report);

}  // namespace tenon
