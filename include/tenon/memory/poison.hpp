#pragma once
// Tells AddressSanitizer, or Valgrind's memcheck, which bytes nobody may touch; nothing without them.
//
// AddressSanitizer is seen by itself. For Valgrind build the whole program with TENON_VALGRIND=1: a
// client request costs 1.9 ns though no Valgrind runs (Zen 4, GCC 12: a pair of PoolAllocator 6.2 ns
// instead of 2.4; behind a flag asked for at start 2.6, and an Arena on Clang 19 3.5 instead of 2.8).

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TENON_DETAIL_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(TENON_DETAIL_ASAN)
#define TENON_DETAIL_ASAN 1
#endif

#ifndef TENON_VALGRIND
#define TENON_VALGRIND 0
#endif

#ifdef TENON_DETAIL_ASAN
#include <sanitizer/asan_interface.h>
#elif TENON_VALGRIND
#if !__has_include(<valgrind/memcheck.h>)
#error "TENON_VALGRIND=1 needs <valgrind/memcheck.h>. On Debian: apt-get install valgrind"
#endif
#include <valgrind/memcheck.h>
#endif

namespace tenon::detail {

// True where this build tells a tool about dead memory.
#if defined(TENON_DETAIL_ASAN) || TENON_VALGRIND
inline constexpr bool poisons = true;
#else
inline constexpr bool poisons = false;
#endif

#ifdef TENON_DETAIL_ASAN
// GCC takes a const void* for memory that is read and warns of fresh buffers: hide where it is from.
[[nodiscard]] inline const void* address_only(const void* start) noexcept {
  asm("" : "+r"(start));
  return start;
}
#endif

// Nobody may touch these bytes from here on.
inline void poison([[maybe_unused]] const void* start,
                   [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef TENON_DETAIL_ASAN
  __asan_poison_memory_region(address_only(start), bytes);
#elif TENON_VALGRIND
  static_cast<void>(VALGRIND_MAKE_MEM_NOACCESS(start, bytes));
#endif
}

// These bytes are issued: to be written first, then read.
inline void unpoison([[maybe_unused]] const void* start,
                     [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef TENON_DETAIL_ASAN
  __asan_unpoison_memory_region(address_only(start), bytes);
#elif TENON_VALGRIND
  static_cast<void>(VALGRIND_MAKE_MEM_UNDEFINED(start, bytes));
#endif
}

// These bytes are their owner's again, with whatever they hold.
inline void unpoison_contents([[maybe_unused]] const void* start,
                              [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef TENON_DETAIL_ASAN
  __asan_unpoison_memory_region(address_only(start), bytes);
#elif TENON_VALGRIND
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(start, bytes));
#endif
}

// Whether a byte may be touched, as far as the tool knows; true without one.
[[nodiscard]] inline bool is_accessible([[maybe_unused]] const void* byte) noexcept {
#ifdef TENON_DETAIL_ASAN
  return __asan_address_is_poisoned(byte) == 0;
#elif TENON_VALGRIND
  constexpr unsigned not_addressable = 3;  // of VALGRIND_GET_VBITS, which reports nothing
  unsigned char bits = 0;
  return VALGRIND_GET_VBITS(byte, &bits, 1) != not_addressable;
#else
  return true;
#endif
}

}  // namespace tenon::detail
