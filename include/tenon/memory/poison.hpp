#pragma once
// Tells AddressSanitizer which bytes nobody may touch; nothing without it.

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TENON_DETAIL_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(TENON_DETAIL_ASAN)
#define TENON_DETAIL_ASAN 1
#endif

#ifdef TENON_DETAIL_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace tenon::detail {

#ifdef TENON_DETAIL_ASAN

inline constexpr bool poisons = true;

inline void poison(const void* start, std::size_t bytes) noexcept {
  __asan_poison_memory_region(start, bytes);
}
inline void unpoison(const void* start, std::size_t bytes) noexcept {
  __asan_unpoison_memory_region(start, bytes);
}

#else

inline constexpr bool poisons = false;

inline void poison(const void*, std::size_t) noexcept {}
inline void unpoison(const void*, std::size_t) noexcept {}

#endif

}  // namespace tenon::detail
