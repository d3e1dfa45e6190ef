#pragma once
// The allocator for finding memory errors: a layer over any resource.

#include <tenon/memory/call_stack.hpp>
#include <tenon/memory/resource.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>

namespace tenon {

enum class MemoryFault : unsigned char {
  leak,                // a block was never freed
  double_free,         // freed before
  foreign_free,        // no block of this allocator
  size_mismatch,       // freed with other bytes than it was allocated with
  alignment_mismatch,  // freed with another alignment
  underrun,            // bytes before the block were written
  overrun,             // bytes behind the block were written
  use_after_free,      // bytes of a freed block were written
  stale_free,          // freed after upstream was cleared, reset or rewound
  stale_handle,        // a tensor used after that, or after its free; then StaleTensorError
};
[[nodiscard]] const char* fault_name(MemoryFault fault) noexcept;

// What a DebugAllocator found.
struct FaultReport {
  MemoryFault fault;
  const void* block;        // where the block begins, or the foreign pointer
  std::size_t bytes;        // of the block, as requested; 0 where it is unknown
  std::size_t alignment;    // of the block, as requested; 0 where it is unknown
  std::uint64_t serial;     // the how manyth allocation it was, from 1; 0 where it is unknown
  std::size_t given_bytes;  // by the free at fault
  std::size_t given_alignment;
  std::ptrdiff_t offset;       // from the block: of the first damaged byte, or of a pointer into it
  std::size_t damaged_bytes;   // from the first to the last damaged one
  const CallStack* allocated;  // null where unknown
  const CallStack* freed;      // null where it was not
  const CallStack* found;      // the free at fault; null in check() and at destruction

  // One line, then the call stacks with a line for each frame.
  [[nodiscard]] std::string text() const;
  // The line alone.
  [[nodiscard]] std::string summary() const;
};

using FaultHandler = void (*)(const FaultReport& report, void* context);

struct DebugOptions {
  std::size_t guard_bytes = 64;  // watched before and behind each block
  // Freed blocks are held back, filled with a pattern, until more than this is held.
  std::size_t quarantine_bytes = std::size_t{1} << 20;
  std::size_t remembered_frees = 1024;  // call stacks of blocks that left the quarantine
  bool call_stacks = true;
  // For its records, which must survive when upstream is cleared.
  std::pmr::memory_resource* records = std::pmr::new_delete_resource();
};

struct DebugStats {
  std::size_t live_bytes;  // as requested
  std::size_t live_count;
  std::size_t peak_bytes;
  std::uint64_t allocations;
  std::uint64_t deallocations;  // allocations - live_count: freed, or gone stale
  std::size_t quarantined_bytes;
  std::size_t quarantined_count;
  std::uint64_t stale_count;  // blocks that upstream took away while they were live
  std::uint64_t fault_count;
};

// Blocks of the resource below with guards around them, a call stack each, and a quarantine for what
// is freed. It finds: leaks (at destruction), double and foreign frees, wrong sizes and alignments,
// writes before and behind a block (at its free, by check() and at destruction), writes to freed
// blocks (when they leave the quarantine, by check() and at destruction), and the use of blocks that
// upstream took back (clear, reset, rewind). Under AddressSanitizer or Valgrind guards and freed
// blocks are poisoned, so that reads are found too, at once. Fresh blocks hold 0xAA, freed ones 0xDD.
//
// A fault goes to the handler. The first handler prints FaultReport::text() to stderr; then a free at
// fault raises ContractError (stale_free: StaleTensorError), check() a ContractError once all is
// reported, and the destructor nothing. With a handler of yours nothing is raised: a free at fault is
// ignored, and the program goes on. A fault of a block (overrun) does not keep it from being freed.
//
// Names: blocks lie behind their guard, so this layer stamps them itself; generation() is upstream's.
// Memory: a block takes bytes + guard_bytes + guard_bytes rounded up to its alignment from upstream;
// records, 512 B for each live or remembered block, come from DebugOptions::records. Where upstream
// refuses, the quarantine is given back and upstream asked once more.
// Cost: 3 us for an allocation and its free, most of it the call stacks (0.3 us without), and every
// byte is written twice and read once (1 MiB: 0.2 ms; Zen 4, GCC 12). Compiled part: link tenon::memory.
// Thread-safe: one lock around everything, upstream included.
class DebugAllocator final : public StampedResource {
 public:
  // Contract: upstream is not null and outlives the allocator, as does options.records.
  // Errors: OutOfMemory from options.records.
  explicit DebugAllocator(std::pmr::memory_resource* upstream, const DebugOptions& options = {});
  // Reports leaks and damage, and gives everything back upstream.
  ~DebugAllocator() override;

  // A block of `bytes` (0 is fine) at a multiple of max(64, alignment), every byte 0xAA.
  // Contract: alignment is a power of two. Errors: OutOfMemory; everything is as it was.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment);
  // Errors: ContractError, StaleTensorError; a block with the wrong size or alignment stays live.
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = block_alignment);

  // Looks at the guards of all live blocks and at all freed ones; returns the number of faults, each
  // of which is reported once. Errors: ContractError after the last report, with the first handler.
  // Cost: reads all guards and the whole quarantine.
  std::size_t check();

  // Null brings the first handler back. The handler must not use this allocator.
  void set_handler(FaultHandler handler, void* context = nullptr) noexcept;

  // Gives the quarantine back upstream, looking at each block first. Errors: as check().
  void flush();

  [[nodiscard]] DebugStats stats() const noexcept;
  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept;

  [[nodiscard]] std::uint64_t generation() const noexcept override;
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override;
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(const void* block,
                                                       std::uint64_t stamp) const noexcept override;
  // Reports the block of a stale handle, with its call stacks; a tensor calls it before it raises.
  void report_stale(const void* block, std::uint64_t stamp) const override;

 private:
  class State;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  State* state_;
};

}  // namespace tenon
