#pragma once
// Packs of half and bfloat16 to packs of float and back: the bits of core/half.hpp in every lane, by one
// instruction where there is one.

#include <tenon/simd/pack.hpp>

#include <bit>

#if defined(TENON_ISA_NEON)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd::detail {

// Lane by lane: for what has no instruction.
template <class U, class T, int N>
TENON_INLINE Pack<U, N> converted_lanes(Pack<T, N> a) {
  T from[N];
  U to[N];
  a.store(from);
  for (int i = 0; i < N; ++i) to[i] = static_cast<U>(from[i]);
  return Pack<U, N>::load(to);
}

// The instructions that convert `at_once` halves; 0: there are none. (With a mask of ones on AVX-512: GCC 12
// warns of its own headers elsewhere.)
struct HalfUnit {
#if defined(TENON_ISA_AVX512)
  static constexpr int at_once = 16;
  using Bits = __m256i;
  TENON_INLINE static __m512 widen(Bits bits) { return _mm512_maskz_cvtph_ps(0xFFFF, bits); }
  TENON_INLINE static Bits narrow(__m512 x) {
    return _mm512_maskz_cvtps_ph(0xFFFF, x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
#elif defined(TENON_ISA_AVX2) && defined(__F16C__)
  static constexpr int at_once = 8;
  using Bits = __m128i;
  TENON_INLINE static __m256 widen(Bits bits) { return _mm256_cvtph_ps(bits); }
  TENON_INLINE static Bits narrow(__m256 x) {
    return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
  }
#elif defined(TENON_ISA_NEON)
  static constexpr int at_once = 4;
  using Bits = uint16x4_t;
  TENON_INLINE static float32x4_t widen(Bits bits) {
    return vcvt_f32_f16(vreinterpret_f16_u16(bits));
  }
  TENON_INLINE static Bits narrow(float32x4_t x) { return vreinterpret_u16_f16(vcvt_f16_f32(x)); }
#else
  static constexpr int at_once = 0;
#endif
};

template <class T, int N, class Unit>
inline constexpr bool converts_at_once = [] {
  if constexpr (std::is_same_v<T, half> && Unit::at_once > 0) return N % Unit::at_once == 0;
  return false;
}();

using Words = vec<std::uint32_t, width<float>>;
using Floats = vec<float, width<float>>;

// Two-byte lanes at p as words. (GCC 12 would widen each half of a register by itself.)
TENON_INLINE Words load_words(const void* p) {
#if defined(TENON_ISA_AVX512)
  return __builtin_bit_cast(Words, _mm512_maskz_cvtepu16_epi32(
                                       0xFFFF, _mm256_loadu_si256(static_cast<const __m256i*>(p))));
#elif defined(TENON_ISA_AVX2)
  return __builtin_bit_cast(Words,
                            _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
#else
  vec<std::uint16_t, width<float>> lanes;
  std::memcpy(&lanes, p, sizeof lanes);
  return __builtin_convertvector(lanes, Words);
#endif
}

// The value of every half, as core's half_value: on vectors of words.
TENON_INLINE Words half_words(Words h) {
  const Words sign = (h & 0x8000U) << 16;
  const Words u = (h & 0x7FFFU) << 13;
  const Words least = Words{} + 0x38800000U;
  const Words small = __builtin_bit_cast(
      Words, __builtin_bit_cast(Floats, u + least) - __builtin_bit_cast(Floats, least));
  const Words quiet = u > 0x0F800000U ? Words{} + 0x7FC00000U : Words{} + 0x7F800000U;
  const Words large = u >= 0x0F800000U ? u | quiet : u + 0x38000000U;
  return sign | (u < 0x00800000U ? small : large);
}

// The half next to every float, as core's half_bits.
TENON_INLINE Words words_of_halves(Words all) {
  const Words u = all & 0x7FFFFFFFU;
  const Words middle = (u + 0xC8000FFFU + ((u >> 13) & 1U)) >> 13;
  const Words small = __builtin_bit_cast(Words, __builtin_bit_cast(Floats, u) + 0.5F) - 0x3F000000U;
  const Words nan = ((u >> 13) & 0x3FFU) | 0x7E00U;
  const Words large = u > 0x7F800000U ? nan : Words{} + 0x7C00U;
  const Words finite = u < 0x38800000U ? small : middle;
  return ((all >> 16) & 0x8000U) | (u >= 0x47800000U ? large : finite);
}

TENON_INLINE Words words_of_bfloat16(Words all) {
  const Words rounded = (all + 0x7FFFU + ((all >> 16) & 1U)) >> 16;
  return (all & 0x7FFFFFFFU) > 0x7F800000U ? (all >> 16) | 0x40U : rounded;
}

template <StorageFloat H, int N, class Unit = HalfUnit>
TENON_INLINE Pack<float, N> widened(Pack<H, N> a) {
  if constexpr (!Pack<float, N>::in_registers) {
    return converted_lanes<float>(a);
  } else if constexpr (converts_at_once<H, N, Unit>) {
    Pack<float, N> r;
    unroll<N / Unit::at_once>([&](int i) TENON_INLINE_LAMBDA {
      typename Unit::Bits bits;
      std::memcpy(&bits, a.storage.lanes + i * Unit::at_once, sizeof bits);
      r.storage.at[i] = Unit::widen(bits);
    });
    return r;
  } else {
    Pack<float, N> r;
    unroll<N / width<float>>([&](int i) TENON_INLINE_LAMBDA {
      Words words = load_words(a.storage.lanes + i * width<float>);
      if constexpr (std::is_same_v<H, half>)
        words = half_words(words);
      else
        words = words << 16;
      r.set_lanes_of(i, __builtin_bit_cast(typename Pack<float, N>::Lanes, words));
    });
    return r;
  }
}

template <StorageFloat H, int N, class Unit = HalfUnit>
TENON_INLINE Pack<H, N> narrowed(Pack<float, N> a) {
  if constexpr (!Pack<float, N>::in_registers) {
    return converted_lanes<H>(a);
  } else if constexpr (converts_at_once<H, N, Unit>) {
    Pack<H, N> r;
    unroll<N / Unit::at_once>([&](int i) TENON_INLINE_LAMBDA {
      const auto bits = Unit::narrow(a.storage.at[i]);
      std::memcpy(r.storage.lanes + i * Unit::at_once, &bits, sizeof bits);
    });
    return r;
  } else {
    Pack<H, N> r;
    unroll<N / width<float>>([&](int i) TENON_INLINE_LAMBDA {
      Words words = __builtin_bit_cast(Words, a.lanes_of(i));
      if constexpr (std::is_same_v<H, half>)
        words = words_of_halves(words);
      else
        words = words_of_bfloat16(words);
      const auto bits = __builtin_convertvector(words, vec<std::uint16_t, width<float>>);
      std::memcpy(r.storage.lanes + i * width<float>, &bits, sizeof bits);
    });
    return r;
  }
}

}  // namespace tenon::inline TENON_MODE::simd::detail
