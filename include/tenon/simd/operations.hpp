#pragma once
// Functions of packs that are exact or correctly rounded: select, convert, fma, minimum, maximum,
// abs, sqrt and the roundings.

#include <tenon/simd/half.hpp>

#include <cmath>

#if defined(TENON_ISA_NEON)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd {

#if defined(TENON_ISA_AVX512)
namespace detail {

// By intrinsics: without optimisation GCC has macros for some of them, which xsimd 8.1's select for
// AVX-512 calls with arguments that only functions convert.
template <class T>
TENON_INLINE __m512 blend_registers(__mmask16 m, __m512 a, __m512 b) {
  return _mm512_mask_blend_ps(m, b, a);
}
template <class T>
TENON_INLINE __m512d blend_registers(__mmask8 m, __m512d a, __m512d b) {
  return _mm512_mask_blend_pd(m, b, a);
}
template <class T, class M>
TENON_INLINE __m512i blend_registers(M m, __m512i a, __m512i b) {
  if constexpr (sizeof(T) == 4) {
    return _mm512_mask_blend_epi32(m, b, a);
  } else {
    static_assert(sizeof(T) == 8);
    return _mm512_mask_blend_epi64(m, b, a);
  }
}

}  // namespace detail
#endif

#if defined(TENON_ISA_AVX512)
namespace detail {

// By the type's size: xsimd 8.1 does not compile this for integers without optimisation.
template <class T>
TENON_INLINE xsimd::batch<T, Arch> blend(xsimd::batch_bool<T, Arch> m, xsimd::batch<T, Arch> a,
                                         xsimd::batch<T, Arch> b) {
  using Register = typename xsimd::batch<T, Arch>::register_type;
  const auto x = __builtin_bit_cast(__m512i, a.data);
  const auto y = __builtin_bit_cast(__m512i, b.data);
  if constexpr (sizeof(T) == 4) {
    return __builtin_bit_cast(Register, _mm512_mask_blend_epi32(m.data, y, x));
  } else {
    return __builtin_bit_cast(Register, _mm512_mask_blend_epi64(m.data, y, x));
  }
}

}  // namespace detail
#endif

// post: r.lane(i) == (m.lane(i) ? a.lane(i) : b.lane(i)), bit by bit (NaN payloads, -0)
template <class M, class T, int N>
TENON_INLINE Pack<T, N> select(Mask<M, N> m, Pack<T, N> a, Pack<T, N> b) {
  const Mask<T, N> mask = mask_cast<T>(m);
  Pack<T, N> r;
  if constexpr (Pack<T, N>::in_registers) {
    detail::unroll<Pack<T, N>::count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
#if defined(TENON_ISA_AVX512)
      r.storage.at[i] = detail::blend_registers<T>(mask.storage.at[i].data, a.storage.at[i].data,
                                                   b.storage.at[i].data);
#else
      r.set_lanes_of(i, mask.lanes_of(i) ? a.lanes_of(i) : b.lanes_of(i));
#endif
    });
  } else {
    for (int i = 0; i < N; ++i) {
      r.storage.lanes[i] = mask.storage.lanes[i] ? a.storage.lanes[i] : b.storage.lanes[i];
    }
  }
  return r;
}
template <class T, int N>
TENON_INLINE Pack<T, N> select(Pack<bool, N> m, Pack<T, N> a, Pack<T, N> b) {
  return select(Mask<T, N>(m), a, b);
}

// The same bits as another type of the same size.
template <class U, class T, int N>
  requires(sizeof(T) == sizeof(U))
TENON_INLINE Pack<U, N> bit_cast(Pack<T, N> a) {
  return __builtin_bit_cast(Pack<U, N>, a);
}

// post: r.lane(i) == static_cast<U>(a.lane(i)); bool is x != 0 (true for NaN).
// As in C++, a float outside U's range has no meaning: the lane is unspecified (never a trap).
template <class U, class T, int N>
TENON_INLINE Pack<U, N> convert(Pack<T, N> a) {
  if constexpr (std::is_same_v<T, U>) {
    return a;
  } else if constexpr (StorageFloat<T>) {
    return convert<U>(detail::widened(a));
  } else if constexpr (StorageFloat<U>) {
    if constexpr (std::is_same_v<T, float>)
      return detail::narrowed<U>(a);
    else
      return detail::converted_lanes<U>(a);
  } else if constexpr (std::is_same_v<U, bool>) {
    return a != Pack<T, N>(0);
  } else if constexpr (std::is_same_v<T, bool>) {
    return select(Mask<U, N>(a), Pack<U, N>(1), Pack<U, N>(0));
  } else if constexpr ((Floating<T> && sizeof(U) < 4) || (Floating<U> && sizeof(T) < 4)) {
    return convert<U>(convert<std::int32_t>(a));  // exact; there is no direct instruction
  } else if constexpr (detail::is_power_of_two(N) && sizeof(T) >= 4 && sizeof(U) >= 4) {
    const auto from = __builtin_bit_cast(detail::vec<T, N>, a);
    const detail::vec<U, N> to = __builtin_convertvector(from, detail::vec<U, N>);
    return __builtin_bit_cast(Pack<U, N>, to);
  } else {  // in a loop: GCC 12 widens bytes in vectors, but vectors of bytes lane by lane
    return detail::converted_lanes<U>(a);
  }
}

namespace detail {

// With intrinsics, because xsimd 8.1 has no fma for AVX-512: it multiplies and adds there.
#if defined(TENON_ISA_AVX512)
TENON_INLINE __m512 fma_register(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
TENON_INLINE __m512d fma_register(__m512d a, __m512d b, __m512d c) {
  return _mm512_fmadd_pd(a, b, c);
}
#elif defined(TENON_ISA_AVX2)
TENON_INLINE __m256 fma_register(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
TENON_INLINE __m256d fma_register(__m256d a, __m256d b, __m256d c) {
  return _mm256_fmadd_pd(a, b, c);
}
#elif defined(TENON_ISA_NEON)
TENON_INLINE float32x4_t fma_register(float32x4_t a, float32x4_t b, float32x4_t c) {
  return vfmaq_f32(c, a, b);
}
TENON_INLINE float64x2_t fma_register(float64x2_t a, float64x2_t b, float64x2_t c) {
  return vfmaq_f64(c, a, b);
}
#endif

}  // namespace detail

// a*b + c, rounded once where has_fma; on plain SSE2 rounded after the product and after the sum.
template <Floating T, int N>
TENON_INLINE Pack<T, N> fma(Pack<T, N> a, Pack<T, N> b, Pack<T, N> c) {
#if defined(TENON_ISA_SSE2)
  return a * b + c;
#else
  Pack<T, N> r;
  if constexpr (Pack<T, N>::in_registers) {
    detail::unroll<Pack<T, N>::count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
      r.storage.at[i] =
          detail::fma_register(a.storage.at[i].data, b.storage.at[i].data, c.storage.at[i].data);
    });
  } else {
    for (int i = 0; i < N; ++i) {
      r.storage.lanes[i] = std::fma(a.storage.lanes[i], b.storage.lanes[i], c.storage.lanes[i]);
    }
  }
  return r;
#endif
}

namespace detail {

// a < b ? a : b and a > b ? a : b in one instruction: the second where either is NaN.
template <Floating T, int N>
TENON_INLINE Pack<T, N> lesser(Pack<T, N> a, Pack<T, N> b) {
  return select(a < b, a, b);
}
template <Floating T, int N>
TENON_INLINE Pack<T, N> greater(Pack<T, N> a, Pack<T, N> b) {
  return select(a > b, a, b);
}

#if defined(TENON_ISA_AVX512) || defined(TENON_ISA_AVX2) || defined(TENON_ISA_SSE2)
#if defined(TENON_ISA_AVX512)  // masks of ones: see sqrt_register
TENON_INLINE __m512 lesser(__m512 a, __m512 b) { return _mm512_maskz_min_ps(0xFFFF, a, b); }
TENON_INLINE __m512d lesser(__m512d a, __m512d b) { return _mm512_maskz_min_pd(0xFF, a, b); }
TENON_INLINE __m512 greater(__m512 a, __m512 b) { return _mm512_maskz_max_ps(0xFFFF, a, b); }
TENON_INLINE __m512d greater(__m512d a, __m512d b) { return _mm512_maskz_max_pd(0xFF, a, b); }
#elif defined(TENON_ISA_AVX2)
TENON_INLINE __m256 lesser(__m256 a, __m256 b) { return _mm256_min_ps(a, b); }
TENON_INLINE __m256d lesser(__m256d a, __m256d b) { return _mm256_min_pd(a, b); }
TENON_INLINE __m256 greater(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
TENON_INLINE __m256d greater(__m256d a, __m256d b) { return _mm256_max_pd(a, b); }
#else
TENON_INLINE __m128 lesser(__m128 a, __m128 b) { return _mm_min_ps(a, b); }
TENON_INLINE __m128d lesser(__m128d a, __m128d b) { return _mm_min_pd(a, b); }
TENON_INLINE __m128 greater(__m128 a, __m128 b) { return _mm_max_ps(a, b); }
TENON_INLINE __m128d greater(__m128d a, __m128d b) { return _mm_max_pd(a, b); }
#endif
template <Floating T, int N>
  requires(Pack<T, N>::in_registers)
TENON_INLINE Pack<T, N> lesser(Pack<T, N> a, Pack<T, N> b) {
  return Pack<T, N>::map_registers(
      [](auto x, auto y)
          TENON_INLINE_LAMBDA { return xsimd::batch<T, Arch>(lesser(x.data, y.data)); },
      a, b);
}
template <Floating T, int N>
  requires(Pack<T, N>::in_registers)
TENON_INLINE Pack<T, N> greater(Pack<T, N> a, Pack<T, N> b) {
  return Pack<T, N>::map_registers(
      [](auto x, auto y)
          TENON_INLINE_LAMBDA { return xsimd::batch<T, Arch>(greater(x.data, y.data)); },
      a, b);
}
#endif

}  // namespace detail

// The smaller; NaN where either is NaN; of equal values (-0 and 0) the second.
template <class T, int N>
TENON_INLINE Pack<T, N> minimum(Pack<T, N> a, Pack<T, N> b) {
  if constexpr (Floating<T>) {
    return select(a != a, a, detail::lesser(a, b));
  } else {
    return select(a < b, a, b);
  }
}
// The larger; NaN where either is NaN; of equal values (-0 and 0) the second.
template <class T, int N>
TENON_INLINE Pack<T, N> maximum(Pack<T, N> a, Pack<T, N> b) {
  if constexpr (Floating<T>) {
    return select(a != a, a, detail::greater(a, b));
  } else {
    return select(a > b, a, b);
  }
}
template <class T, int N>
TENON_INLINE Pack<T, N> min(Pack<T, N> a, Pack<T, N> b) {
  return minimum(a, b);
}
template <class T, int N>
TENON_INLINE Pack<T, N> max(Pack<T, N> a, Pack<T, N> b) {
  return maximum(a, b);
}

namespace detail {

// The bits of T as an unsigned pack, and back.
template <Floating T>
using bits_of = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <Floating T>
inline constexpr bits_of<T> sign_bit = bits_of<T>{1} << (8 * sizeof(T) - 1);

// |magnitude| with the sign of `sign`.
template <Floating T, int N>
TENON_INLINE Pack<T, N> copy_sign(Pack<T, N> magnitude, Pack<T, N> sign) {
  using Bits = Pack<bits_of<T>, N>;
  return bit_cast<T>((bit_cast<bits_of<T>>(magnitude) & Bits(~sign_bit<T>)) |
                     (bit_cast<bits_of<T>>(sign) & Bits(sign_bit<T>)));
}

// -|a|
template <Floating T, int N>
TENON_INLINE Pack<T, N> negative_abs(Pack<T, N> a) {
  return bit_cast<T>(bit_cast<bits_of<T>>(a) | Pack<bits_of<T>, N>(sign_bit<T>));
}

}  // namespace detail

// Integers wrap: abs(min) == min, as NumPy.
template <class T, int N>
TENON_INLINE Pack<T, N> abs(Pack<T, N> a) {
  if constexpr (Floating<T>) {
    return detail::copy_sign(a, Pack<T, N>(0));
  } else if constexpr (std::is_signed_v<T>) {
    return select(a < Pack<T, N>(0), -a, a);
  } else {
    return a;
  }
}

namespace detail {

// Numbered as the x86 instructions number them.
enum class Rounding { nearest, down, up, toward_zero };

// One instruction each. Not through xsimd: 8.1 loses the sign of -0 on NEON, and on AVX-512 GCC 12
// warns of its own uninitialised variables in the unmasked intrinsics.
#if defined(TENON_ISA_AVX512)
TENON_INLINE __m512 sqrt_register(__m512 x) { return _mm512_maskz_sqrt_ps(0xFFFF, x); }
TENON_INLINE __m512d sqrt_register(__m512d x) { return _mm512_maskz_sqrt_pd(0xFF, x); }
template <Rounding Mode>
TENON_INLINE __m512 round_register(__m512 x) {
  return _mm512_maskz_roundscale_ps(0xFFFF, x, static_cast<int>(Mode) | _MM_FROUND_NO_EXC);
}
template <Rounding Mode>
TENON_INLINE __m512d round_register(__m512d x) {
  return _mm512_maskz_roundscale_pd(0xFF, x, static_cast<int>(Mode) | _MM_FROUND_NO_EXC);
}
#elif defined(TENON_ISA_AVX2)
TENON_INLINE __m256 sqrt_register(__m256 x) { return _mm256_sqrt_ps(x); }
TENON_INLINE __m256d sqrt_register(__m256d x) { return _mm256_sqrt_pd(x); }
template <Rounding Mode>
TENON_INLINE __m256 round_register(__m256 x) {
  return _mm256_round_ps(x, static_cast<int>(Mode) | _MM_FROUND_NO_EXC);
}
template <Rounding Mode>
TENON_INLINE __m256d round_register(__m256d x) {
  return _mm256_round_pd(x, static_cast<int>(Mode) | _MM_FROUND_NO_EXC);
}
#elif defined(TENON_ISA_SSE2)
TENON_INLINE __m128 sqrt_register(__m128 x) { return _mm_sqrt_ps(x); }
TENON_INLINE __m128d sqrt_register(__m128d x) { return _mm_sqrt_pd(x); }
#else
TENON_INLINE float32x4_t sqrt_register(float32x4_t x) { return vsqrtq_f32(x); }
TENON_INLINE float64x2_t sqrt_register(float64x2_t x) { return vsqrtq_f64(x); }
template <Rounding Mode>
TENON_INLINE float32x4_t round_register(float32x4_t x) {
  if constexpr (Mode == Rounding::nearest) {
    return vrndnq_f32(x);
  } else if constexpr (Mode == Rounding::down) {
    return vrndmq_f32(x);
  } else if constexpr (Mode == Rounding::up) {
    return vrndpq_f32(x);
  } else {
    return vrndq_f32(x);
  }
}
template <Rounding Mode>
TENON_INLINE float64x2_t round_register(float64x2_t x) {
  if constexpr (Mode == Rounding::nearest) {
    return vrndnq_f64(x);
  } else if constexpr (Mode == Rounding::down) {
    return vrndmq_f64(x);
  } else if constexpr (Mode == Rounding::up) {
    return vrndpq_f64(x);
  } else {
    return vrndq_f64(x);
  }
}
#endif

}  // namespace detail

// Correctly rounded.
template <Floating T, int N>
TENON_INLINE Pack<T, N> sqrt(Pack<T, N> a) {
  if constexpr (Pack<T, N>::in_registers) {
    return Pack<T, N>::map_registers(
        [](auto x)
            TENON_INLINE_LAMBDA { return xsimd::batch<T, Arch>(detail::sqrt_register(x.data)); },
        a);
  } else {
    return Pack<T, N>::map_lanes(a, [](T x) TENON_INLINE_LAMBDA { return std::sqrt(x); });
  }
}

namespace detail {

// Rounding without an instruction, exact: adding and subtracting 2^23 (2^52) rounds to an integer,
// ties to even; larger numbers are integers already. The sign stays (-0.5 gives -0).
template <Floating T, int N>
TENON_INLINE Pack<T, N> round_by_adding(Pack<T, N> a) {
  const Pack<T, N> big(T{1} / std::numeric_limits<T>::epsilon());
  const Pack<T, N> magnitude = abs(a);
  return select(magnitude < big, copy_sign((magnitude + big) - big, a), a);
}

template <Rounding Mode, Floating T, int N>
TENON_INLINE Pack<T, N> round_to(Pack<T, N> a) {
  if constexpr (Pack<T, N>::in_registers && build_isa != Isa::sse2) {
    return Pack<T, N>::map_registers(
        [](auto x)
            TENON_INLINE_LAMBDA { return xsimd::batch<T, Arch>(round_register<Mode>(x.data)); },
        a);
  } else if constexpr (Mode == Rounding::nearest) {
    return round_by_adding(a);
  } else if constexpr (Mode == Rounding::down) {
    const Pack<T, N> r = round_by_adding(a);
    return select(r > a, r - Pack<T, N>(1), r);
  } else if constexpr (Mode == Rounding::up) {
    return -round_to<Rounding::down>(-a);
  } else {
    return copy_sign(round_to<Rounding::down>(abs(a)), a);
  }
}

}  // namespace detail

// To the nearest integer, ties to even (as NumPy's round, not as C's).  -0 and infinities stay.
template <Floating T, int N>
TENON_INLINE Pack<T, N> round(Pack<T, N> a) {
  return detail::round_to<detail::Rounding::nearest>(a);
}
template <Floating T, int N>
TENON_INLINE Pack<T, N> floor(Pack<T, N> a) {
  return detail::round_to<detail::Rounding::down>(a);
}
template <Floating T, int N>
TENON_INLINE Pack<T, N> ceil(Pack<T, N> a) {
  return detail::round_to<detail::Rounding::up>(a);
}
template <Floating T, int N>
TENON_INLINE Pack<T, N> trunc(Pack<T, N> a) {
  return detail::round_to<detail::Rounding::toward_zero>(a);
}

}  // namespace tenon::inline TENON_MODE::simd
