#pragma once
// Compiler vectors for kernels that hold dozens of them: what a Pack of one register does, as plain
// functions in plain loops, which compile in a fraction of the time; and half registers on AVX-512.

#include <tenon/simd/arch.hpp>
#include <tenon/simd/partial.hpp>
#include <tenon/simd/watch.hpp>

#include <cstring>
#include <utility>

#if defined(TENON_ISA_NEON)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

// The loop that follows becomes straight-line code, so that an array it runs over stays in registers.
#if defined(__clang__)
#define TENON_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TENON_UNROLL _Pragma("GCC unroll 64")
#endif

namespace tenon::inline TENON_MODE::simd {

template <class T, int N>
using Vector = detail::vec<T, N>;

// True where half a register costs half as much as a whole one and can be loaded in part.
inline constexpr bool has_halves = build_isa == Isa::avx512;

// True where the first lanes are loaded and stored at the speed of whole registers.
template <class T>
inline constexpr bool has_masks = build_isa == Isa::avx512 && sizeof(T) >= 4;

template <class V, class T>
TENON_INLINE V load_vector(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  note_load(p, sizeof v);
  return v;
}
template <class V, class T>
TENON_INLINE void store_vector(T* p, V v) {
  note_store(p, sizeof v);
  std::memcpy(p, &v, sizeof v);
}

// The first `count` lanes; the others are zero, and their memory is not touched.
template <class V, class T>
TENON_INLINE V load_first(const T* p, int count) {
  constexpr int lanes = static_cast<int>(sizeof(V) / sizeof(T));
  note_load(p, static_cast<std::size_t>(count) * sizeof(T));
  if constexpr (sizeof(V) == register_bytes && sizeof(T) >= 4) {
    return __builtin_bit_cast(V, detail::load_register<T>(p, 0, count));
#if defined(TENON_ISA_AVX512)
  } else if constexpr (sizeof(V) == 32 && sizeof(T) == 4) {
    return __builtin_bit_cast(
        V, _mm256_maskz_loadu_epi32(static_cast<__mmask8>((1u << count) - 1u), p));
  } else if constexpr (sizeof(V) == 32 && sizeof(T) == 8) {
    return __builtin_bit_cast(
        V, _mm256_maskz_loadu_epi64(static_cast<__mmask8>((1u << count) - 1u), p));
#endif
  } else {
    T all[lanes] = {};
    for (int i = 0; i < lanes; ++i)
      if (i < count) all[i] = p[i];
    V v;
    std::memcpy(&v, all, sizeof v);
    return v;
  }
}
template <class V, class T>
TENON_INLINE void store_first(T* p, V v, int count) {
  constexpr int lanes = static_cast<int>(sizeof(V) / sizeof(T));
  note_store(p, static_cast<std::size_t>(count) * sizeof(T));
  if constexpr (sizeof(V) == register_bytes && sizeof(T) >= 4) {
    detail::store_register<T>(__builtin_bit_cast(typename xsimd::batch<T, Arch>::register_type, v),
                              p, count);
#if defined(TENON_ISA_AVX512)
  } else if constexpr (sizeof(V) == 32 && sizeof(T) == 4) {
    _mm256_mask_storeu_epi32(p, static_cast<__mmask8>((1u << count) - 1u),
                             __builtin_bit_cast(__m256i, v));
  } else if constexpr (sizeof(V) == 32 && sizeof(T) == 8) {
    _mm256_mask_storeu_epi64(p, static_cast<__mmask8>((1u << count) - 1u),
                             __builtin_bit_cast(__m256i, v));
#endif
  } else {
    T all[lanes];
    std::memcpy(all, &v, sizeof v);
    for (int i = 0; i < lanes; ++i)
      if (i < count) p[i] = all[i];
  }
}

namespace detail {

template <class V, class T, int... I>
TENON_INLINE V broadcast(T x, std::integer_sequence<int, I...>) {
  return V{((void)I, x)...};
}

}  // namespace detail

// All lanes are the element at p.
template <class V, class T>
TENON_INLINE V broadcast(const T* p) {
  note_load(p, sizeof(T));
  return detail::broadcast<V>(
      *p, std::make_integer_sequence<int, static_cast<int>(sizeof(V) / sizeof(T))>{});
}

// The lower half of a whole register.
template <class H, class V>
TENON_INLINE H lower_half(V v) {
  return [&]<int... I>(std::integer_sequence<int, I...>) TENON_INLINE_LAMBDA {
    return __builtin_shufflevector(v, v, I...);
  }(std::make_integer_sequence<int, static_cast<int>(sizeof(H) / sizeof(v[0]))>{});
}

// a*b + c in each lane, rounded as simd::fma does; integers wrap.
template <class T, class V>
TENON_INLINE V multiply_add(V a, V b, V c) {
  if constexpr (std::is_integral_v<T>) {
    using U = Vector<std::make_unsigned_t<T>, static_cast<int>(sizeof(V) / sizeof(T))>;
    return __builtin_bit_cast(
        V, __builtin_bit_cast(U, a) * __builtin_bit_cast(U, b) + __builtin_bit_cast(U, c));
#if defined(TENON_ISA_AVX512)
  } else if constexpr (sizeof(V) == 64 && std::is_same_v<T, float>) {
    return __builtin_bit_cast(V, _mm512_fmadd_ps(a, b, c));
  } else if constexpr (sizeof(V) == 64) {
    return __builtin_bit_cast(V, _mm512_fmadd_pd(a, b, c));
#endif
#if defined(TENON_ISA_AVX512) || defined(TENON_ISA_AVX2)
  } else if constexpr (sizeof(V) == 32 && std::is_same_v<T, float>) {
    return __builtin_bit_cast(V, _mm256_fmadd_ps(a, b, c));
  } else if constexpr (sizeof(V) == 32) {
    return __builtin_bit_cast(V, _mm256_fmadd_pd(a, b, c));
  } else if constexpr (std::is_same_v<T, float>) {
    return __builtin_bit_cast(V, _mm_fmadd_ps(a, b, c));
  } else {
    return __builtin_bit_cast(V, _mm_fmadd_pd(a, b, c));
#elif defined(TENON_ISA_NEON)
  } else if constexpr (std::is_same_v<T, float>) {
    return __builtin_bit_cast(V, vfmaq_f32(c, a, b));
  } else {
    return __builtin_bit_cast(V, vfmaq_f64(c, a, b));
#else
  } else {
    return detail::rounded(a * b) + c;
#endif
  }
}

}  // namespace tenon::inline TENON_MODE::simd
