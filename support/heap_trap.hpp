#pragma once
// A trap for heap calls: counts them, or aborts at the first, while it is armed.
//
//   HeapTrap trap;
//   work();
//   const auto calls = trap.stop();  // before CHECK(calls == 0): Catch2 itself allocates
//
// Linking tenon_support replaces malloc, calloc, realloc, reallocarray, aligned_alloc,
// posix_memalign, memalign, valloc, pvalloc, every operator new, mmap and free in the whole
// program, shared libraries included. glibc's own use of mmap and brk inside malloc is not seen:
// the malloc that led there is.
//
// Under a sanitizer that owns malloc the trap hears of allocations through the sanitizer's hook.
// All then count as HeapCall::malloc, and some are not heard of: mmap, and under ThreadSanitizer
// the memalign family. `HeapTrap::sees(kind)` tells; a test that needs an unseen kind says so and
// skips.

#include <cstddef>

namespace tenon::support {

enum class HeapCall : unsigned char {
  malloc,
  calloc,
  realloc,  // and reallocarray
  aligned_alloc,
  posix_memalign,
  memalign,      // and valloc, pvalloc
  operator_new,  // every form; the malloc beneath it is not counted again
  mmap,          // and mmap64; anonymous or not
  release,       // free, and operator delete through it; not part of calls()
};
inline constexpr std::size_t heap_call_kinds = 9;

[[nodiscard]] const char* name(HeapCall kind) noexcept;

// Counts heap calls from construction to stop() or destruction. Traps nest; each has its own count.
// Thread rule: a trap belongs to the thread that made it. Scope::thread sees that thread alone,
// Scope::process every thread. Counting costs two additions per heap call while any trap is armed.
class HeapTrap {
 public:
  enum class Mode : unsigned char {
    count,
    abort  // the first call in scope (a release is none) prints its kind and size, then aborts
  };
  enum class Scope : unsigned char { thread, process };

  struct Counts {
    std::size_t of_kind[heap_call_kinds] = {};
  };

  explicit HeapTrap(Mode mode = Mode::count, Scope scope = Scope::thread) noexcept;
  explicit HeapTrap(Scope scope) noexcept : HeapTrap(Mode::count, scope) {}
  ~HeapTrap() { stop(); }
  HeapTrap(const HeapTrap&) = delete;  // the counters know this trap only as "one more armed"
  HeapTrap& operator=(const HeapTrap&) = delete;

  // Disarms the trap; later calls no longer count. Returns calls(). Stopping twice is fine.
  std::size_t stop() noexcept;

  // Allocating calls so far, mmap included, releases not.
  [[nodiscard]] std::size_t calls() const noexcept;
  // Calls of one kind so far.
  [[nodiscard]] std::size_t calls(HeapCall kind) const noexcept;

  // Whether calls of this kind count in this build, and whether each counts under its own name.
  [[nodiscard]] static bool sees(HeapCall kind) noexcept;
  [[nodiscard]] static bool tells_kinds_apart() noexcept;

 private:
  [[nodiscard]] Counts now() const noexcept;

  Mode mode_;
  Scope scope_;
  bool armed_ = true;
  Counts start_;
  Counts end_;
};

}  // namespace tenon::support
