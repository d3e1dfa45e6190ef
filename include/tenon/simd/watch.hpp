#pragma once
// For tests: told of all memory that packs load from and store to.
//
// With TENON_WATCHED defined to 1 before the first include, every load and store of a pack calls
// `watch`; such code has namespaces of its own (core/config.hpp), so that it may be linked with any
// other. Elsewhere the calls are empty.

#include <tenon/core/config.hpp>

namespace tenon::inline TENON_MODE::simd {

#if TENON_WATCHED

// Called with each piece of memory, after it was loaded and before it is stored; nullptr: nobody.
struct Watch {
  void (*loaded)(const void* p, std::size_t bytes) = nullptr;
  void (*stored)(const void* p, std::size_t bytes) = nullptr;
};
inline Watch watch;

TENON_INLINE void note_load(const void* p, std::size_t bytes) {
  if (watch.loaded != nullptr && bytes > 0) watch.loaded(p, bytes);
}
TENON_INLINE void note_store(const void* p, std::size_t bytes) {
  if (watch.stored != nullptr && bytes > 0) watch.stored(p, bytes);
}
// `count` elements, `stride` elements from one to the next.
template <class T>
TENON_INLINE void note_gather(const T* p, index_t stride, int count) {
  for (int i = 0; i < count; ++i) note_load(p + i * stride, sizeof(T));
}
template <class T>
TENON_INLINE void note_scatter(const T* p, index_t stride, int count) {
  for (int i = 0; i < count; ++i) note_store(p + i * stride, sizeof(T));
}

#else

TENON_INLINE void note_load(const void*, std::size_t) {}
TENON_INLINE void note_store(const void*, std::size_t) {}
template <class T>
TENON_INLINE void note_gather(const T*, index_t, int) {}
template <class T>
TENON_INLINE void note_scatter(const T*, index_t, int) {}

#endif

}  // namespace tenon::inline TENON_MODE::simd
