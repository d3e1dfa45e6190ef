#pragma once
// Stores that go past the caches: the line is not read before it is written, and displaces nothing.

#include <tenon/simd/pack.hpp>

#if defined(TENON_ISA_AVX512) || defined(TENON_ISA_AVX2) || defined(TENON_ISA_SSE2)
#define TENON_DETAIL_STREAMS 1
#include <immintrin.h>
#endif

namespace tenon::inline TENON_MODE::simd {

#ifdef TENON_DETAIL_STREAMS

// True where packs of whole registers can be streamed.
template <class P>
inline constexpr bool can_stream = P::in_registers;

// post: the same memory as after value.store(p).  pre: p is a multiple of register_bytes
// Other threads see it after stream_fence().
template <class T, int N>
TENON_INLINE void stream(T* p, const Pack<T, N>& value) {
  using P = Pack<T, N>;
  note_store(p, sizeof(T) * N);
  detail::unroll<P::count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
    T* to = p + i * P::width;
#if defined(TENON_ISA_AVX512)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to),
                        __builtin_bit_cast(__m512i, value.storage.at[i].data));
#elif defined(TENON_ISA_AVX2)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to),
                        __builtin_bit_cast(__m256i, value.storage.at[i].data));
#else
    _mm_stream_si128(reinterpret_cast<__m128i*>(to),
                     __builtin_bit_cast(__m128i, value.storage.at[i].data));
#endif
  });
}

// Orders streamed stores before every later store.
TENON_INLINE void stream_fence() { _mm_sfence(); }

#else

template <class P>
inline constexpr bool can_stream = false;

// The same without streamed stores, so that code which asks can_stream first compiles here too.
template <class T, int N>
TENON_INLINE void stream(T* p, const Pack<T, N>& value) {
  value.store(p);
}
TENON_INLINE void stream_fence() {}

#endif

}  // namespace tenon::inline TENON_MODE::simd
