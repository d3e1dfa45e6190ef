#pragma once
// Memory straight from the operating system, and the default upstream of every Tenon resource.

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <new>

namespace tenon {

// The size of a transparent huge page on x86-64 and (4 KiB granule) AArch64.
inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

namespace detail {

// A static object that is never destroyed: resources that die late can still give memory back.
template <class T>
class Immortal {
 public:
  Immortal() noexcept { ::new (static_cast<void*>(storage_)) T; }
  T& get() noexcept { return *std::launder(reinterpret_cast<T*>(storage_)); }

 private:
  alignas(T) std::byte storage_[sizeof(T)];
};

[[nodiscard]] inline std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// Bytes of whole pages from `start` on that lie in physical memory. No allocation.
[[nodiscard]] inline std::size_t resident_bytes(const void* start, std::size_t bytes) noexcept {
  unsigned char pages[4096];
  const std::size_t step = sizeof pages * page_bytes();
  auto* first = static_cast<std::byte*>(const_cast<void*>(start));  // mincore writes nothing there
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes; at += step) {
    const std::size_t length = bytes - at < step ? bytes - at : step;
    if (::mincore(first + at, length, pages) != 0) continue;
    for (std::size_t p = 0; p * page_bytes() < length; ++p) count += pages[p] & 1U;
  }
  return count * page_bytes();
}

// Has the system put physical memory behind whole pages; contents stay.
inline void populate(void* start, std::size_t bytes) noexcept {
  auto* first = static_cast<volatile unsigned char*>(start);
  for (std::size_t at = 0; at < bytes; at += page_bytes()) first[at] = first[at];
}

class PageResource final : public std::pmr::memory_resource {
  [[noreturn]] TENON_COLD static void refuse(std::size_t bytes, int error) {
    raise<OutOfMemory>("page_resource", "requested %zu B, the system refused: %s", bytes,
                       std::strerror(error));
  }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const std::size_t page = page_bytes();
    const auto mapped = checked_align(bytes > 0 ? bytes : 1, page);
    if (!mapped) refuse(bytes, ENOMEM);
    const bool huge = *mapped >= huge_page_bytes;
    const std::size_t aligned_to =
        huge && alignment < huge_page_bytes ? huge_page_bytes : alignment;
    // mmap aligns to one page; for more, take that much more and give the ends back.
    const std::size_t slack = aligned_to > page ? aligned_to - page : 0;
    const auto asked = checked_add(*mapped, slack);
    if (!asked) refuse(bytes, ENOMEM);
    void* start =
        ::mmap(nullptr, *asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) refuse(bytes, errno);
    auto* block = static_cast<std::byte*>(start);
    if (slack > 0) {
      const auto address = reinterpret_cast<std::uintptr_t>(start);
      const std::size_t head = (0 - address) & (aligned_to - 1);
      if (head > 0) ::munmap(start, head);
      if (slack > head) ::munmap(block + head + *mapped, slack - head);
      block += head;
    }
    // Advice only: where huge pages are off the block is as good, merely slower to touch.
    if (huge) ::madvise(block, *mapped, MADV_HUGEPAGE);
    return block;
  }

  void do_deallocate(void* block, std::size_t bytes, std::size_t) override {
    ::munmap(block, align_up(bytes > 0 ? bytes : 1, page_bytes()));
  }

  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

class SystemResource final : public std::pmr::memory_resource {
  static std::pmr::memory_resource& source(std::size_t bytes) noexcept;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return source(bytes).allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    source(bytes).deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace detail

// Blocks of whole pages by mmap; from 2 MiB on aligned to 2 MiB with transparent huge pages asked
// for. Memory is zero at first and goes back to the system at once.
// Errors: OutOfMemory with the system's reason. Cost: a system call each; every size is rounded up
// to pages, so it suits big blocks or the upstream of a pool. Thread-safe.
[[nodiscard]] inline std::pmr::memory_resource* page_resource() noexcept {
  static detail::Immortal<detail::PageResource> resource;
  return &resource.get();
}

// The default upstream: operator new below 2 MiB, page_resource() from there on. Thread-safe.
[[nodiscard]] inline std::pmr::memory_resource* system_resource() noexcept {
  static detail::Immortal<detail::SystemResource> resource;
  return &resource.get();
}

inline std::pmr::memory_resource& detail::SystemResource::source(std::size_t bytes) noexcept {
  return bytes < huge_page_bytes ? *std::pmr::new_delete_resource() : *page_resource();
}

}  // namespace tenon
