#pragma once
// The instruction set of this translation unit, its registers and the tools that packs are made of.

#include <tenon/core/config.hpp>
#include <tenon/core/half.hpp>

#include <xsimd/xsimd.hpp>

#include <cstdint>
#include <type_traits>
#include <utility>

// Every lambda that touches packs: a call that is not inlined passes registers through memory.
#define TENON_INLINE_LAMBDA __attribute__((always_inline))

namespace tenon::inline TENON_MODE::simd {

#if defined(TENON_ISA_AVX512)
using Arch = xsimd::avx512bw;
#elif defined(TENON_ISA_AVX2)
using Arch = xsimd::fma3<xsimd::avx2>;
#elif defined(TENON_ISA_SSE2)
using Arch = xsimd::sse2;
#else
using Arch = xsimd::neon64;
#endif

inline constexpr int register_bytes = build_isa == Isa::avx512 ? 64
                                      : build_isa == Isa::avx2 ? 32
                                                               : 16;

// Lanes of the pack that a loop over T should use: one register, and for 1- and 2-byte types as
// many lanes as floats have, so that packs of a mixed expression have equal lanes.
template <class T>
inline constexpr int native_lanes =
    register_bytes / (sizeof(T) < 4 ? 4 : static_cast<int>(sizeof(T)));

// True where fma(a, b, c) rounds once. On plain SSE2 it multiplies, rounds, adds and rounds.
inline constexpr bool has_fma = build_isa != Isa::sse2;

template <class T>
concept Arithmetic = std::is_arithmetic_v<T> || StorageFloat<T>;

template <class T>
concept Floating = std::is_same_v<T, float> || std::is_same_v<T, double>;

template <class T>
concept Integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;

namespace detail {

// N lanes of T as one compiler vector (any power of two; the compiler splits it into registers).
template <class T, int N>
struct vec_of {
  typedef T type __attribute__((vector_size(sizeof(T) * static_cast<unsigned>(N))));
};
template <class T, int N>
using vec = typename vec_of<T, N>::type;

template <std::size_t Bytes>
struct int_of_bytes;
template <>
struct int_of_bytes<1> {
  using type = std::int8_t;
};
template <>
struct int_of_bytes<2> {
  using type = std::int16_t;
};
template <>
struct int_of_bytes<4> {
  using type = std::int32_t;
};
template <>
struct int_of_bytes<8> {
  using type = std::int64_t;
};
// The signed integer as wide as T: what a comparison of T gives in each lane (0 or -1).
template <class T>
using lane_int = typename int_of_bytes<sizeof(T)>::type;

// The element type in which T's lanes are added and multiplied: integers as unsigned, so that they
// wrap as NumPy's do instead of overflowing, and at least 32 bits wide, so that promotion to int
// does not overflow either.
template <class T>
struct wrapping {
  using type = T;
};
template <Integer T>
struct wrapping<T> {
  using type = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
};
template <class T>
using wrapping_t = typename wrapping<T>::type;

// True where N lanes of T are whole xsimd registers; other packs are arrays.
template <class T, int N>
inline constexpr bool in_registers =
    sizeof(T) >= 4 && N % (register_bytes / static_cast<int>(sizeof(T))) == 0;

// What a compiler vector has for lanes of T.
template <class T>
using lane_t = std::conditional_t<std::is_same_v<T, bool> || StorageFloat<T>, lane_int<T>, T>;

// Lanes of T in one register.
template <class T>
inline constexpr int width = register_bytes / static_cast<int>(sizeof(T));

constexpr bool is_power_of_two(int n) { return n > 0 && (n & (n - 1)) == 0; }

template <int... I, class F>
TENON_INLINE void unroll(std::integer_sequence<int, I...>, F f) {
  (f(I), ...);
}

// f(0), f(1), … f(Count - 1) in straight-line code. The compiler's own unrolling is not enough:
// at -O2 GCC keeps a loop over two registers and with it the array in memory.
template <int Count, class F>
TENON_INLINE void unroll(F f) {
  unroll(std::make_integer_sequence<int, Count>{}, f);
}

// x, and a wall: a product behind it is rounded before it is added (promise 7). GCC contracts a*b+c
// across statements and intrinsics, so the product passes through an empty asm, which costs no
// instruction. `__builtin_assoc_barrier` does not do: GCC 12 takes 64-byte vectors apart for it, and
// its vectoriser drops it. Clang contracts within one expression only, and the files of this folder
// switch that off with `#pragma clang fp contract(off)`. Plain SSE2 has nothing to contract to.
template <class V>
TENON_INLINE V rounded(V x) {
#if !defined(__clang__) && (defined(TENON_ISA_AVX512) || defined(TENON_ISA_AVX2))
  __asm__("" : "+v"(x));
#elif !defined(__clang__) && defined(TENON_ISA_NEON)
  __asm__("" : "+w"(x));
#endif
  return x;
}

}  // namespace detail

}  // namespace tenon::inline TENON_MODE::simd
