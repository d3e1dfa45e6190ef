#pragma once
// The resource interface that handles rely on, and the report of handles that outlive their memory.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory_resource>

// GCC takes a const void* for memory that is read and warns where a fresh block is asked about; the
// attribute says that only the address counts. Clang has neither.
#if defined(__GNUC__) && !defined(__clang__)
#define TENON_DETAIL_ADDRESS_ONLY [[gnu::access(none, 2)]]
#else
#define TENON_DETAIL_ADDRESS_ONLY
#endif

namespace tenon {

// What ended the life of blocks without a free, since the resource was made.
struct Endings {
  std::uint64_t generation = 0;     // changes when all blocks die at once (clear, reset)
  std::uint64_t rewound_count = 0;  // blocks that a rewind ended
  std::size_t rewound_bytes = 0;    // as requested
};

// A memory resource whose blocks have names that are never used twice, so that a handle can tell
// whether its block is still its own. A name is the pair of an address and a stamp.
// Contract: stamps of one resource strictly increase and are never 0; is_live reads no memory of
// the block, so it may be asked about blocks that went back to the system long ago. A pool that trusts
// its callers (BufferPool::check_frees) gives all blocks between two clears one stamp.
// Not thread-safe unless the resource says so.
class StampedResource : public std::pmr::memory_resource {
 public:
  // Changes whenever all blocks issued so far die (clear, reset). No allocation, O(1).
  [[nodiscard]] virtual std::uint64_t generation() const noexcept = 0;
  // The same with what rewinds ended, for layers that count. No allocation, O(1).
  [[nodiscard]] virtual Endings endings() const noexcept { return {generation(), 0, 0}; }
  // The stamp of a live block of this resource; 0 if it is none. Whoever asks is taken to hold a
  // handle, which must not outlive the resource. No allocation, O(1) for the block issued last.
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY virtual std::uint64_t stamp(
      const void* block) const noexcept = 0;
  // True iff the block was issued under this stamp and neither freed, cleared, reset nor rewound
  // since. No allocation.
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY virtual bool is_live(
      const void* block, std::uint64_t stamp) const noexcept = 0;
  // Handles call it before they raise StaleTensorError for this name. A resource that remembers dead
  // blocks (DebugAllocator) tells what it was and who allocated it; others do nothing.
  virtual void report_stale(const void* block, std::uint64_t stamp) const {
    static_cast<void>(block);
    static_cast<void>(stamp);
  }

 protected:
  StampedResource() = default;
  StampedResource(const StampedResource&) = delete;
  StampedResource& operator=(const StampedResource&) = delete;
};

// What a resource says when it is destroyed while handles to its blocks are alive.
struct LeakReport {
  const char* resource;  // the class, a string literal
  std::size_t block_count;
  std::size_t live_bytes;  // as requested
};

using LeakHandler = void (*)(const LeakReport&) noexcept;

namespace detail {

inline void print_leak_report(const LeakReport& report) noexcept {
  std::fprintf(stderr, "tenon: %s destroyed with %zu live blocks, %zu B\n", report.resource,
               report.block_count, report.live_bytes);
}

inline LeakHandler& leak_handler() noexcept {
  static LeakHandler handler = print_leak_report;
  return handler;
}

// part / whole, 0 where the whole is 0: what rates in statistics are.
[[nodiscard]] constexpr double share(std::size_t part, std::size_t whole) noexcept {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

}  // namespace detail

// Sets what happens when a resource made in a checked build dies before its handles; returns the
// handler before. The first handler prints a line to stderr. Not thread-safe: set it at start.
// Contract: handler is not null.
inline LeakHandler set_leak_handler(LeakHandler handler) noexcept {
  LeakHandler before = detail::leak_handler();
  detail::leak_handler() = handler;
  return before;
}

// Blocks of every Tenon resource start at a multiple of this unless more is asked.
inline constexpr std::size_t block_alignment = 64;

}  // namespace tenon
