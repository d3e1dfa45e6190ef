#pragma once
// Loads and stores of some lanes of a register or an array; memory beyond them is not touched.

#include <tenon/simd/arch.hpp>

#include <cstring>

#if defined(TENON_ISA_AVX512) || defined(TENON_ISA_AVX2)
#include <immintrin.h>
#endif

namespace tenon::inline TENON_MODE::simd::detail {

// Lanes first … last - 1 from p[lane]; the other lanes are zero.  pre: 0 <= first <= last <= width<T>
template <class T>
TENON_INLINE xsimd::batch<T, Arch> load_register(const T* p, int first, int last) {
#if defined(TENON_ISA_AVX512)
  const unsigned mask = ((1u << last) - 1u) & ~((1u << first) - 1u);
  if constexpr (sizeof(T) == 4) {
    return __builtin_bit_cast(typename xsimd::batch<T, Arch>::register_type,
                              _mm512_maskz_loadu_epi32(static_cast<__mmask16>(mask), p));
  } else {
    return __builtin_bit_cast(typename xsimd::batch<T, Arch>::register_type,
                              _mm512_maskz_loadu_epi64(static_cast<__mmask8>(mask), p));
  }
#elif defined(TENON_ISA_AVX2)
  using Register = typename xsimd::batch<T, Arch>::register_type;
  if constexpr (sizeof(T) == 4) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask = _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(first), lanes),
                                             _mm256_cmpgt_epi32(_mm256_set1_epi32(last), lanes));
    return __builtin_bit_cast(Register,
                              _mm256_maskload_epi32(reinterpret_cast<const int*>(p), mask));
  } else {
    const __m256i lanes = _mm256_setr_epi64x(0, 1, 2, 3);
    const __m256i mask = _mm256_andnot_si256(_mm256_cmpgt_epi64(_mm256_set1_epi64x(first), lanes),
                                             _mm256_cmpgt_epi64(_mm256_set1_epi64x(last), lanes));
    return __builtin_bit_cast(Register,
                              _mm256_maskload_epi64(reinterpret_cast<const long long*>(p), mask));
  }
#else
  vec<T, width<T>> v{};
  for (int i = first; i < last; ++i) v[i] = p[i];
  return __builtin_bit_cast(typename xsimd::batch<T, Arch>::register_type, v);
#endif
}

// Stores the first `count` lanes of x at p.  pre: 0 <= count <= width<T>
template <class T>
TENON_INLINE void store_register(xsimd::batch<T, Arch> x, T* p, int count) {
#if defined(TENON_ISA_AVX512)
  const __m512i bits = __builtin_bit_cast(__m512i, x.data);
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << count) - 1u), bits);
  } else {
    _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << count) - 1u), bits);
  }
#elif defined(TENON_ISA_AVX2)
  const __m256i bits = __builtin_bit_cast(__m256i, x.data);
  if constexpr (sizeof(T) == 4) {
    const __m256i mask =
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    _mm256_maskstore_epi32(reinterpret_cast<int*>(p), mask, bits);
  } else {
    const __m256i mask =
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
    _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), mask, bits);
  }
#else
  const auto v = __builtin_bit_cast(vec<T, width<T>>, x.data);
  for (int i = 0; i < count; ++i) p[i] = v[i];
#endif
}

// The same for the small arrays that hold 1- and 2-byte lanes.  pre: 0 <= count <= N
template <int N, class T>
TENON_INLINE void load_array(T* to, const T* p, int count) {
#if defined(TENON_ISA_AVX512)
  if constexpr (N * sizeof(T) == 16) {
    const auto mask =
        static_cast<__mmask16>((1u << (static_cast<unsigned>(count) * sizeof(T))) - 1u);
    const __m128i bytes = _mm_maskz_loadu_epi8(mask, p);
    std::memcpy(to, &bytes, 16);
    return;
  }
#endif
  for (int i = 0; i < N; ++i) to[i] = i < count ? p[i] : T{};
}

template <int N, class T>
TENON_INLINE void store_array(const T* from, T* p, int count) {
#if defined(TENON_ISA_AVX512)
  if constexpr (N * sizeof(T) == 16) {
    __m128i bytes;
    std::memcpy(&bytes, from, 16);
    _mm_mask_storeu_epi8(
        p, static_cast<__mmask16>((1u << (static_cast<unsigned>(count) * sizeof(T))) - 1u), bytes);
    return;
  }
#endif
  for (int i = 0; i < count; ++i) p[i] = from[i];
}

}  // namespace tenon::inline TENON_MODE::simd::detail
