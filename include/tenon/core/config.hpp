#pragma once
// Build configuration: instruction set, checked mode, limits. The only header that reads compiler
// macros about the target.

#include <cstddef>

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "Tenon needs IEEE arithmetic: build without -ffast-math and -ffinite-math-only."
#endif

#ifndef TENON_CHECKED
#ifdef NDEBUG
#define TENON_CHECKED 0
#else
#define TENON_CHECKED 1
#endif
#endif

// One word for the instruction set; it is part of the name of everything that depends on it.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__FMA__)
#define TENON_ISA avx512
#define TENON_ISA_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define TENON_ISA avx2
#define TENON_ISA_AVX2 1
#elif defined(__x86_64__)
#define TENON_ISA sse2
#define TENON_ISA_SSE2 1
#elif defined(__aarch64__)
#define TENON_ISA neon
#define TENON_ISA_NEON 1
#else
#error "Tenon supports x86-64 (SSE2, AVX2+FMA, AVX-512) and AArch64 (NEON)."
#endif

#define TENON_DETAIL_PASTE2(a, b) a##b
#define TENON_DETAIL_PASTE(a, b) TENON_DETAIL_PASTE2(a, b)

// The inline namespace of simd, kernels, expr, plan and eval. Objects built with other flags then
// never share a symbol: an AVX-512 copy of an inline function cannot be called by a baseline `main`.
// Tests that watch the memory of packs (simd/watch.hpp) have names of their own, too.
#ifndef TENON_WATCHED
#define TENON_WATCHED 0
#endif
#if TENON_WATCHED
#define TENON_MODE TENON_DETAIL_PASTE(TENON_ISA, _watched)
#elif TENON_CHECKED
#define TENON_MODE TENON_DETAIL_PASTE(TENON_ISA, _checked)
#else
#define TENON_MODE TENON_ISA
#endif

#define TENON_INLINE [[gnu::always_inline]] inline
#define TENON_COLD [[gnu::cold, gnu::noinline]]

namespace tenon {

using index_t = std::ptrdiff_t;  // extents, strides and indices; sizes in bytes are std::size_t

inline constexpr int max_rank = 8;
inline constexpr std::size_t workspace_alignment = 64;

// The instruction sets that Tenon has kernels for.
enum class Isa : unsigned char { sse2, avx2, avx512, neon };

inline namespace TENON_MODE {

// True where this translation unit checks bounds and handles.
inline constexpr bool checked_build = TENON_CHECKED != 0;

// The instruction set of this translation unit.
inline constexpr Isa build_isa = Isa::TENON_ISA;

}  // namespace TENON_MODE

}  // namespace tenon
