#pragma once
// Mask<T, N>: one truth value for each lane of a Pack<T, N>.

#include <tenon/simd/arch.hpp>

#include <cstring>

#if defined(TENON_ISA_AVX512)
#include <immintrin.h>
#endif

namespace tenon::inline TENON_MODE::simd {

#if defined(TENON_ISA_AVX512)
namespace detail {

// Which: 0 ==, 1 != (true for NaN), 2 <, 3 <=. Written out because xsimd 8.1 compares wide
// registers of some types through memory.
template <int Which, class T>
TENON_INLINE auto compare_registers(xsimd::batch<T, Arch> a, xsimd::batch<T, Arch> b) {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr int relation = Which == 0   ? _CMP_EQ_OQ
                             : Which == 1 ? _CMP_NEQ_UQ
                             : Which == 2 ? _CMP_LT_OQ
                                          : _CMP_LE_OQ;
    if constexpr (sizeof(T) == 4) {
      return _mm512_cmp_ps_mask(a.data, b.data, relation);
    } else {
      return _mm512_cmp_pd_mask(a.data, b.data, relation);
    }
  } else {
    constexpr int relation = Which == 0   ? _MM_CMPINT_EQ
                             : Which == 1 ? _MM_CMPINT_NE
                             : Which == 2 ? _MM_CMPINT_LT
                                          : _MM_CMPINT_LE;
    if constexpr (sizeof(T) == 4 && std::is_signed_v<T>) {
      return _mm512_cmp_epi32_mask(a.data, b.data, relation);
    } else if constexpr (sizeof(T) == 4) {
      return _mm512_cmp_epu32_mask(a.data, b.data, relation);
    } else if constexpr (std::is_signed_v<T>) {
      return _mm512_cmp_epi64_mask(a.data, b.data, relation);
    } else {
      return _mm512_cmp_epu64_mask(a.data, b.data, relation);
    }
  }
}

}  // namespace detail
#endif

template <class T, int N>
struct Pack;

// The result of comparing packs. In registers where the pack is (AVX-512: bit masks; elsewhere
// lanes of 0 and -1), otherwise an array of bool.
template <class T, int N>
struct Mask {
  static_assert(N > 0);
  using value_type = bool;
  static constexpr int size = N;
  static constexpr bool in_registers = detail::in_registers<T, N>;
  static constexpr int width = in_registers ? detail::width<T> : 1;
  static constexpr int count_of_registers = N / width;

  struct ArrayOfBool {
    bool lanes[N];
  };
  struct Registers {
    xsimd::batch_bool<T, Arch> at[count_of_registers];
  };
  using Storage = typename std::conditional_t<in_registers, std::type_identity<Registers>,
                                              std::type_identity<ArrayOfBool>>::type;

  Storage storage;

  Mask() = default;

  TENON_INLINE Mask(bool value) {
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>([&](int i)
                                             TENON_INLINE_LAMBDA { set_register(i, value); });
    } else {
      for (bool& x : storage.lanes) x = value;
    }
  }

  TENON_INLINE explicit Mask(Pack<bool, N> lanes) : Mask(from_bools(lanes.storage.lanes)) {}

  TENON_INLINE operator Pack<bool, N>() const {
    Pack<bool, N> r;
    store(r.storage.lanes);
    return r;
  }

  // Lanes as N bools at p.
  TENON_INLINE static Mask from_bools(const bool* p);
  TENON_INLINE void store(bool* p) const;

  // Bit i is lane i; N <= 64.
  TENON_INLINE static Mask from_bits(std::uint64_t bits);
  TENON_INLINE std::uint64_t bits() const;

  TENON_INLINE bool lane(int i) const {
    if constexpr (!in_registers) {
      return storage.lanes[i];
    } else if constexpr (build_isa == Isa::avx512) {
      return (static_cast<std::uint64_t>(storage.at[i / width].data) >> (i % width)) & 1u;
    } else {
      return lanes_of(i / width)[i % width] != 0;
    }
  }

  TENON_INLINE bool any() const { return !(!*this).all(); }
  TENON_INLINE bool all() const {
    if constexpr (in_registers) {
      auto both = storage.at[0];
      for (int i = 1; i < count_of_registers; ++i) both = both & storage.at[i];
      return xsimd::all(both);
    } else {
      bool r = true;
      for (bool x : storage.lanes) r &= x;
      return r;
    }
  }
  TENON_INLINE int count() const {
    if constexpr (build_isa == Isa::avx512 && in_registers && N <= 64) {
      return __builtin_popcountll(bits());
    } else {
      int n = 0;
      for (int i = 0; i < N; ++i) n += lane(i);
      return n;
    }
  }

  TENON_INLINE friend Mask operator&(Mask a, Mask b) {
    return zip(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x & y; });
  }
  TENON_INLINE friend Mask operator|(Mask a, Mask b) {
    return zip(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x | y; });
  }
  TENON_INLINE friend Mask operator^(Mask a, Mask b) {
    return zip(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x ^ y; });
  }
  TENON_INLINE friend Mask operator==(Mask a, Mask b) { return !(a ^ b); }
  TENON_INLINE friend Mask operator!=(Mask a, Mask b) { return a ^ b; }
  TENON_INLINE friend Mask operator~(Mask a) { return !a; }
  TENON_INLINE friend Mask operator!(Mask a) { return a ^ Mask(true); }

  TENON_INLINE Mask& operator&=(Mask b) { return *this = *this & b; }
  TENON_INLINE Mask& operator|=(Mask b) { return *this = *this | b; }
  TENON_INLINE Mask& operator^=(Mask b) { return *this = *this ^ b; }

  // Register i as integer lanes of 0 and -1; not on AVX-512, where a mask is bits.
  using Lanes = detail::vec<detail::lane_int<T>, detail::width<T>>;
  TENON_INLINE Lanes lanes_of(int i) const
    requires(in_registers && build_isa != Isa::avx512)
  {
    return __builtin_bit_cast(Lanes, storage.at[i].data);
  }
  TENON_INLINE void set_lanes_of(int i, Lanes lanes)
    requires(in_registers && build_isa != Isa::avx512)
  {
    using Register = typename xsimd::batch_bool<T, Arch>::register_type;
    storage.at[i] = __builtin_bit_cast(Register, lanes);
  }

 private:
  TENON_INLINE void set_register(int i, bool value) {
    using Register = typename xsimd::batch_bool<T, Arch>::register_type;
    if constexpr (build_isa == Isa::avx512) {
      storage.at[i] = static_cast<Register>(value ? ~0u : 0u);
    } else {
      set_lanes_of(i, Lanes{} - static_cast<detail::lane_int<T>>(value));
    }
  }

  template <class F>
  TENON_INLINE static Mask zip(Mask a, Mask b, F f) {
    Mask r;
    if constexpr (!in_registers) {
      for (int i = 0; i < N; ++i) {
        r.storage.lanes[i] = static_cast<bool>(f(a.storage.lanes[i], b.storage.lanes[i]));
      }
    } else if constexpr (build_isa == Isa::avx512) {
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
        using Register = typename xsimd::batch_bool<T, Arch>::register_type;
        r.storage.at[i] = static_cast<Register>(f(static_cast<unsigned>(a.storage.at[i].data),
                                                  static_cast<unsigned>(b.storage.at[i].data)));
      });
    } else {
      detail::unroll<count_of_registers>(
          [&](int i) TENON_INLINE_LAMBDA { r.set_lanes_of(i, f(a.lanes_of(i), b.lanes_of(i))); });
    }
    return r;
  }
};

template <class T, int N>
TENON_INLINE std::uint64_t Mask<T, N>::bits() const {
  static_assert(N <= 64);
  std::uint64_t r = 0;
  if constexpr (build_isa == Isa::avx512 && in_registers) {
    detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
      r |= static_cast<std::uint64_t>(storage.at[i].data) << (i * width);
    });
  } else {
    for (int i = 0; i < N; ++i) r |= static_cast<std::uint64_t>(lane(i)) << i;
  }
  return r;
}

template <class T, int N>
TENON_INLINE Mask<T, N> Mask<T, N>::from_bits(std::uint64_t bits) {
  static_assert(N <= 64);
  Mask r;
  if constexpr (!in_registers) {
    for (int i = 0; i < N; ++i) r.storage.lanes[i] = (bits >> i) & 1u;
  } else if constexpr (build_isa == Isa::avx512) {
    using Register = typename xsimd::batch_bool<T, Arch>::register_type;
    detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
      r.storage.at[i] = static_cast<Register>(bits >> (i * width));
    });
  } else {
    using Int = detail::lane_int<T>;
    static constexpr auto lane_bits = [] {
      struct {
        Int of[width];
      } powers{};
      for (int k = 0; k < width; ++k) powers.of[k] = static_cast<Int>(1 << k);
      return powers;
    }();
    const Lanes each = __builtin_bit_cast(Lanes, lane_bits);
    detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
      const auto here = static_cast<Int>((bits >> (i * width)) & ((1u << width) - 1u));
      r.set_lanes_of(i, ((Lanes{} + here) & each) != 0);
    });
  }
  return r;
}

template <class T, int N>
TENON_INLINE Mask<T, N> Mask<T, N>::from_bools(const bool* p) {
  Mask r;
  if constexpr (!in_registers) {
    std::memcpy(r.storage.lanes, p, N);
    return r;
  } else {
#if defined(TENON_ISA_AVX512)
    using Register = typename xsimd::batch_bool<T, Arch>::register_type;
    detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
      __m128i bytes;
      if constexpr (width == 16) {
        std::memcpy(&bytes, p + i * width, 16);
      } else {
        bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + i * width));
      }
      r.storage.at[i] = static_cast<Register>(_mm_test_epi8_mask(bytes, bytes));
    });
#else
    detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
      detail::lane_int<T> lanes[width];
      for (int k = 0; k < width; ++k) {
        lanes[k] = static_cast<detail::lane_int<T>>(-static_cast<int>(p[i * width + k]));
      }
      r.set_lanes_of(i, __builtin_bit_cast(Lanes, lanes));
    });
#endif
    return r;
  }
}

template <class T, int N>
TENON_INLINE void Mask<T, N>::store(bool* p) const {
  if constexpr (!in_registers) {
    std::memcpy(p, storage.lanes, N);
  } else {
#if defined(TENON_ISA_AVX512)
    detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
      const __m128i bytes = _mm_maskz_set1_epi8(static_cast<__mmask16>(storage.at[i].data), 1);
      std::memcpy(p + i * width, &bytes, static_cast<std::size_t>(width));
    });
#else
    detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
      using Bytes = detail::vec<std::int8_t, width>;
      const Bytes bytes = __builtin_convertvector(lanes_of(i), Bytes) & 1;
      std::memcpy(p + i * width, &bytes, static_cast<std::size_t>(width));
    });
#endif
  }
}

// The same truth values for lanes of another type.
template <class U, class T, int N>
TENON_INLINE Mask<U, N> mask_cast(Mask<T, N> m) {
  if constexpr (std::is_same_v<T, U>) {
    return m;
  } else if constexpr (Mask<T, N>::in_registers && Mask<U, N>::in_registers &&
                       build_isa == Isa::avx512 && N <= 64) {
    return Mask<U, N>::from_bits(m.bits());
  } else if constexpr (Mask<T, N>::in_registers && Mask<U, N>::in_registers &&
                       sizeof(T) == sizeof(U)) {
    return __builtin_bit_cast(Mask<U, N>, m);
  } else {
    bool lanes[N];
    m.store(lanes);
    return Mask<U, N>::from_bools(lanes);
  }
}

// Masks of packs of different types combine lane by lane; the first names the result.
template <class T, class U, int N>
  requires(!std::is_same_v<T, U>)
TENON_INLINE Mask<T, N> operator&(Mask<T, N> a, Mask<U, N> b) {
  return a & mask_cast<T>(b);
}
template <class T, class U, int N>
  requires(!std::is_same_v<T, U>)
TENON_INLINE Mask<T, N> operator|(Mask<T, N> a, Mask<U, N> b) {
  return a | mask_cast<T>(b);
}
template <class T, class U, int N>
  requires(!std::is_same_v<T, U>)
TENON_INLINE Mask<T, N> operator^(Mask<T, N> a, Mask<U, N> b) {
  return a ^ mask_cast<T>(b);
}

template <class P>
inline constexpr bool is_mask = false;
template <class T, int N>
inline constexpr bool is_mask<Mask<T, N>> = true;

}  // namespace tenon::inline TENON_MODE::simd
