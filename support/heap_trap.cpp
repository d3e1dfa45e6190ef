#include "heap_trap.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define TENON_HOOK_MISSES_MEMALIGN 1
#define TENON_SANITIZER_OWNS_MALLOC 1
#elif defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TENON_SANITIZER_OWNS_MALLOC 1
#endif

namespace tenon::support {
namespace {

// Constant-initialised and trivially destroyed, so that they work before main and after it.
std::atomic<int> armed_traps{0};
std::atomic<int> aborting_process_traps{0};
std::atomic<std::size_t> process_counts[heap_call_kinds]{};
thread_local std::size_t thread_counts[heap_call_kinds]{};
thread_local int aborting_thread_traps = 0;

[[noreturn, gnu::cold]] void spring(HeapCall kind, std::size_t bytes) noexcept {
  armed_traps.store(0, std::memory_order_relaxed);  // so that printing cannot spring it again
  char text[96];
  const int used = std::snprintf(text, sizeof text, "heap trap: %s of %zu B\n", name(kind), bytes);
  if (used > 0) [[maybe_unused]]
    const auto written = write(2, text, static_cast<std::size_t>(used));
  std::abort();
}

void record(HeapCall kind, std::size_t bytes) noexcept {
  if (armed_traps.load(std::memory_order_relaxed) == 0) [[likely]]
    return;
  const auto i = static_cast<std::size_t>(kind);
  ++thread_counts[i];
  process_counts[i].fetch_add(1, std::memory_order_relaxed);
  if (kind == HeapCall::release) return;
  if (aborting_thread_traps > 0 || aborting_process_traps.load(std::memory_order_relaxed) > 0)
    spring(kind, bytes);
}

}  // namespace

const char* name(HeapCall kind) noexcept {
  constexpr const char* names[heap_call_kinds] = {"malloc",        "calloc",         "realloc",
                                                  "aligned_alloc", "posix_memalign", "memalign",
                                                  "operator new",  "mmap",           "release"};
  return names[static_cast<std::size_t>(kind)];
}

HeapTrap::HeapTrap(Mode mode, Scope scope) noexcept : mode_(mode), scope_(scope), start_(now()) {
  if (mode_ == Mode::abort) {
    if (scope_ == Scope::thread)
      ++aborting_thread_traps;
    else
      aborting_process_traps.fetch_add(1, std::memory_order_relaxed);
  }
  armed_traps.fetch_add(1, std::memory_order_relaxed);
}

std::size_t HeapTrap::stop() noexcept {
  if (armed_) {
    end_ = now();
    armed_ = false;
    armed_traps.fetch_sub(1, std::memory_order_relaxed);
    if (mode_ == Mode::abort) {
      if (scope_ == Scope::thread)
        --aborting_thread_traps;
      else
        aborting_process_traps.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  return calls();
}

std::size_t HeapTrap::calls() const noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < heap_call_kinds; ++i)
    if (static_cast<HeapCall>(i) != HeapCall::release) sum += calls(static_cast<HeapCall>(i));
  return sum;
}

std::size_t HeapTrap::calls(HeapCall kind) const noexcept {
  const auto i = static_cast<std::size_t>(kind);
  return (armed_ ? now() : end_).of_kind[i] - start_.of_kind[i];
}

HeapTrap::Counts HeapTrap::now() const noexcept {
  Counts counts;
  for (std::size_t i = 0; i < heap_call_kinds; ++i)
    counts.of_kind[i] = scope_ == Scope::thread ? thread_counts[i]
                                                : process_counts[i].load(std::memory_order_relaxed);
  return counts;
}

bool HeapTrap::sees([[maybe_unused]] HeapCall kind) noexcept {
#ifdef TENON_HOOK_MISSES_MEMALIGN
  if (kind == HeapCall::aligned_alloc || kind == HeapCall::posix_memalign ||
      kind == HeapCall::memalign)
    return false;
#endif
#ifdef TENON_SANITIZER_OWNS_MALLOC
  return kind != HeapCall::mmap;
#else
  return true;
#endif
}

bool HeapTrap::tells_kinds_apart() noexcept {
#ifdef TENON_SANITIZER_OWNS_MALLOC
  return false;
#else
  return true;
#endif
}

}  // namespace tenon::support

using tenon::support::HeapCall;
using tenon::support::record;

#ifdef TENON_SANITIZER_OWNS_MALLOC

extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             std::size_t),
                                                         void (*free_hook)(const volatile void*));

namespace {

// Before any trap can exist, and once: the sanitizer keeps every hook that it is given.
[[gnu::constructor]] void hear_from_the_sanitizer() {
  __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t bytes) { record(HeapCall::malloc, bytes); },
      [](const volatile void*) { record(HeapCall::release, 0); });
}

}  // namespace

#else

extern "C" {

// glibc's own entry points, which interposing malloc leaves reachable.
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void* __libc_valloc(std::size_t) noexcept;
void* __libc_pvalloc(std::size_t) noexcept;
void __libc_free(void*) noexcept;

void* malloc(std::size_t bytes) noexcept {
  record(HeapCall::malloc, bytes);
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) noexcept {
  record(HeapCall::calloc, count * bytes);
  return __libc_calloc(count, bytes);
}

void* realloc(void* old, std::size_t bytes) noexcept {
  record(HeapCall::realloc, bytes);
  return __libc_realloc(old, bytes);
}

void* reallocarray(void* old, std::size_t count, std::size_t bytes) noexcept {
  std::size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  record(HeapCall::realloc, total);
  return __libc_realloc(old, total);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  record(HeapCall::aligned_alloc, bytes);
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept {
  record(HeapCall::posix_memalign, bytes);
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  void* const memory = __libc_memalign(alignment, bytes);
  if (memory == nullptr) return ENOMEM;
  *block = memory;
  return 0;
}

void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  record(HeapCall::memalign, bytes);
  return __libc_memalign(alignment, bytes);
}

void* valloc(std::size_t bytes) noexcept {
  record(HeapCall::memalign, bytes);
  return __libc_valloc(bytes);
}

void* pvalloc(std::size_t bytes) noexcept {
  record(HeapCall::memalign, bytes);
  return __libc_pvalloc(bytes);
}

void free(void* block) noexcept {
  if (block != nullptr) record(HeapCall::release, 0);
  __libc_free(block);
}

void* mmap(void* address, std::size_t bytes, int protection, int flags, int file,
           off_t offset) noexcept {
  record(HeapCall::mmap, bytes);
  return reinterpret_cast<void*>(
      syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}

void* mmap64(void* address, std::size_t bytes, int protection, int flags, int file,
             off64_t offset) noexcept {
  return mmap(address, bytes, protection, flags, file, offset);
}

}  // extern "C"

namespace {

// What the standard asks of operator new: at least one byte, the new-handler loop; null only when
// no handler is left.
void* allocate(std::size_t bytes, std::size_t alignment) {
  record(HeapCall::operator_new, bytes);
  if (bytes == 0) bytes = 1;
  for (;;) {
    void* const block = alignment == 0 ? __libc_malloc(bytes) : __libc_memalign(alignment, bytes);
    if (block != nullptr) return block;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) return nullptr;
    handler();
  }
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const block = allocate(bytes, alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void* allocate_or_null(std::size_t bytes, std::size_t alignment) noexcept {
  try {
    return allocate(bytes, alignment);
  } catch (const std::bad_alloc&) {  // from the new-handler
    return nullptr;
  }
}

}  // namespace

// operator delete stays the standard library's: it calls free.
void* operator new(std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new(std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate_or_null(n, 0); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return allocate_or_null(n, 0);
}
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate_or_null(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate_or_null(n, static_cast<std::size_t>(a));
}

#endif
