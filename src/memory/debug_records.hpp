#pragma once
// What DebugAllocator knows of its blocks.

#include <tenon/memory/call_stack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

// There where the program runs under AddressSanitizer, though this library may be built without it.
extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* start, std::size_t bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* start, std::size_t bytes);
}

namespace tenon::detail {

inline constexpr unsigned char fresh_byte = 0xAA;
inline constexpr unsigned char guard_byte = 0xA5;
inline constexpr unsigned char freed_byte = 0xDD;

// Speed is no aim here, so both tools are told in every build.
inline void forbid(const void* start, std::size_t bytes) noexcept {
  if (__asan_poison_memory_region != nullptr) __asan_poison_memory_region(start, bytes);
#ifdef VALGRIND_MAKE_MEM_NOACCESS
  static_cast<void>(VALGRIND_MAKE_MEM_NOACCESS(start, bytes));
#endif
}
inline void permit(const void* start, std::size_t bytes) noexcept {
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(start, bytes);
#ifdef VALGRIND_MAKE_MEM_DEFINED
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(start, bytes));
#endif
}
inline void permit_unwritten(const void* start, std::size_t bytes) noexcept {
  permit(start, bytes);
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  static_cast<void>(VALGRIND_MAKE_MEM_UNDEFINED(start, bytes));
#endif
}

struct Damage {
  std::ptrdiff_t offset;  // of the first damaged byte, from the block
  std::size_t bytes;      // up to the last
};

enum class BlockState : unsigned char {
  live,
  quarantined,  // freed, its memory held back
  released,     // freed, its memory upstream's
  stale         // upstream took it away while it was live
};

struct DebugBlock {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 0;  // as requested
  std::size_t front = 0;      // guard before the block
  std::size_t back = 0;       // guard behind it
  std::uint64_t stamp = 0;
  std::uint64_t upstream_stamp = 0;
  BlockState state = BlockState::live;
  bool is_past = false;  // its address belongs to a later block
  CallStack allocated;
  CallStack freed;
  DebugBlock* next = nullptr;  // in the quarantine or among those remembered
  DebugBlock* previous = nullptr;

  [[nodiscard]] std::byte* base() const noexcept { return data - front; }
  [[nodiscard]] std::size_t taken_bytes() const noexcept { return front + bytes + back; }

  void prepare() noexcept {
    permit(base(), taken_bytes());
    std::memset(base(), guard_byte, front);
    std::memset(data, fresh_byte, bytes);
    std::memset(data + bytes, guard_byte, back);
    forbid(base(), taken_bytes());
    permit_unwritten(data, bytes);
  }
  void bury() noexcept {
    std::memset(data, freed_byte, bytes);
    forbid(data, bytes);
  }
  void exhume() noexcept { permit(base(), taken_bytes()); }

  // What was written before, behind, and (for a freed block) into the block; mends it.
  std::optional<Damage> mend_front() noexcept {
    return mend(-static_cast<std::ptrdiff_t>(front), front, guard_byte);
  }
  std::optional<Damage> mend_back() noexcept {
    return mend(static_cast<std::ptrdiff_t>(bytes), back, guard_byte);
  }
  std::optional<Damage> mend_freed() noexcept { return mend(0, bytes, freed_byte); }

 private:
  std::optional<Damage> mend(std::ptrdiff_t offset, std::size_t size, unsigned char pattern) {
    auto* first = reinterpret_cast<unsigned char*>(data) + offset;
    auto* last = first + size;
    permit(first, size);
    const auto is_damaged = [&](unsigned char byte) { return byte != pattern; };
    auto* damaged = std::find_if(first, last, is_damaged);
    std::optional<Damage> damage;
    if (damaged != last) {
      auto* end = last;
      while (!is_damaged(end[-1])) --end;
      damage = Damage{offset + (damaged - first), static_cast<std::size_t>(end - damaged)};
      std::memset(first, pattern, size);
    }
    forbid(first, size);
    return damage;
  }
};

// Blocks in the order in which they came; the links lie in the blocks.
class DebugQueue {
 public:
  void push(DebugBlock& block) noexcept {
    block.next = nullptr;
    block.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &block;
    last_ = &block;
    ++count_;
  }
  void remove(DebugBlock& block) noexcept {
    (block.previous != nullptr ? block.previous->next : first_) = block.next;
    (block.next != nullptr ? block.next->previous : last_) = block.previous;
    block.next = block.previous = nullptr;
    --count_;
  }
  [[nodiscard]] DebugBlock* first() const noexcept { return first_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  DebugBlock* first_ = nullptr;
  DebugBlock* last_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace tenon::detail
