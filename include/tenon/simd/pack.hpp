#pragma once
// Pack<T, N>: N lanes of T that are computed on together. Every operation rounds once (promise 7):
// a product is never contracted with the sum that uses it.

#include <tenon/simd/arch.hpp>
#include <tenon/simd/mask.hpp>
#include <tenon/simd/partial.hpp>
#include <tenon/simd/watch.hpp>

#include <cstring>
#include <limits>

#if defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace tenon::inline TENON_MODE::simd {

// Float, double and 32- and 64-bit integers whose N is whole registers: an array of xsimd batches.
// Everything else: an array with loops that the compiler vectorises. half and bfloat16 are only loaded,
// stored and converted.
// Integers wrap; x / 0 and x % 0 are 0 (as NumPy), / truncates and % has the sign of the dividend
// (as C++). Packs are passed by value; all functions are always inlined.
template <class T, int N>
struct Pack {
  static_assert(Arithmetic<T> && N > 0);
  using value_type = T;
  static constexpr int size = N;
  static constexpr bool in_registers = detail::in_registers<T, N>;
  static constexpr int width = in_registers ? detail::width<T> : 1;  // lanes of one register
  static constexpr int count_of_registers = N / width;

  struct Array {
    T lanes[N];
  };
  struct Registers {
    xsimd::batch<T, Arch> at[count_of_registers];
  };
  using Storage = typename std::conditional_t<in_registers, std::type_identity<Registers>,
                                              std::type_identity<Array>>::type;

  Storage storage;

  Pack() = default;  // lanes are indeterminate

  // All lanes equal to value; a literal of another arithmetic type becomes a T.
  template <Arithmetic U>
  TENON_INLINE Pack(U value) {
    const T x = static_cast<T>(value);
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>(
          [&](int i) TENON_INLINE_LAMBDA { storage.at[i] = xsimd::batch<T, Arch>(x); });
    } else {
      for (T& lane : storage.lanes) lane = x;
    }
  }

  // post: lane(i) == start + i, wrapping for integers
  TENON_INLINE static Pack iota(T start) {
    static constexpr auto steps = [] {
      Array r{};
      for (int i = 0; i < N; ++i) r.lanes[i] = static_cast<T>(i);
      return r;
    }();
    return Pack(start) + load(steps.lanes);
  }

  // ---- memory: p needs the alignment of T only ----

  TENON_INLINE static Pack load(const T* p) {
    Pack r;
    note_load(p, sizeof(T) * N);
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
        r.storage.at[i] = xsimd::batch<T, Arch>::load_unaligned(p + i * width);
      });
    } else {
      std::memcpy(r.storage.lanes, p, sizeof(T) * N);
    }
    return r;
  }

  TENON_INLINE void store(T* p) const {
    note_store(p, sizeof(T) * N);
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>(
          [&](int i) TENON_INLINE_LAMBDA { storage.at[i].store_unaligned(p + i * width); });
    } else {
      std::memcpy(p, storage.lanes, sizeof(T) * N);
    }
  }

  // The first `count` lanes; the others are zero. Memory outside [p, p + count) is not touched.
  // pre: 0 <= count <= N
  TENON_INLINE static Pack load_partial(const T* p, int count) {
    Pack r;
    note_load(p, sizeof(T) * static_cast<std::size_t>(count));
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
        r.storage.at[i] =
            detail::load_register<T>(p + i * width, 0, clamp_count(count - i * width));
      });
    } else {
      detail::load_array<N>(r.storage.lanes, p, count);
    }
    return r;
  }

  // Lanes first … last - 1 from p[lane]; the others are zero, and their memory is not touched.
  // pre: 0 <= first <= last <= N
  TENON_INLINE static Pack load_between(const T* p, int first, int last) {
    Pack r;
    note_load(p + first, sizeof(T) * static_cast<std::size_t>(last - first));
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
        r.storage.at[i] = detail::load_register<T>(p + i * width, clamp_count(first - i * width),
                                                   clamp_count(last - i * width));
      });
    } else {
      for (int i = 0; i < N; ++i) r.storage.lanes[i] = i >= first && i < last ? p[i] : T{};
    }
    return r;
  }

  TENON_INLINE void store_partial(T* p, int count) const {
    note_store(p, sizeof(T) * static_cast<std::size_t>(count));
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
        detail::store_register<T>(storage.at[i], p + i * width, clamp_count(count - i * width));
      });
    } else {
      detail::store_array<N>(storage.lanes, p, count);
    }
  }

  // All lanes equal to *p.
  TENON_INLINE static Pack broadcast(const T* p) {
    note_load(p, sizeof(T));
    return Pack(*p);
  }

  // Lane i from p[i * stride]; the stride may be negative or zero.
  TENON_INLINE static Pack gather(const T* p, index_t stride) {
    Pack r;
    note_gather(p, stride, N);
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
        const T* const from = p + i * width * stride;
        r.set_lanes_of(i, stride == 2 ? every_second(load_lanes(from, 0, width),
                                                     load_lanes(from + width - 1, 0, width),
                                                     std::make_integer_sequence<int, width>{})
                                      : gather_lanes(from, stride,
                                                     std::make_integer_sequence<int, width>{}));
      });
    } else {
      for (int i = 0; i < N; ++i) r.storage.lanes[i] = p[i * stride];
    }
    return r;
  }
  TENON_INLINE static Pack gather_partial(const T* p, index_t stride, int count) {
    note_gather(p, stride, count);
    if constexpr (in_registers && count_of_registers == 1) {
      if (stride == 2) {
        const int low = clamp_count(2 * count - 1), high = clamp_count(2 * count - width);
        Pack r;
        r.set_lanes_of(0, every_second(load_lanes(p, 0, low), load_lanes(p + width - 1, 0, high),
                                       std::make_integer_sequence<int, width>{}));
        return r;
      }
    }
    T lanes[N] = {};
    for (int i = 0; i < count; ++i) lanes[i] = p[i * stride];
    return load(lanes);
  }
  // Lanes are stored in ascending order: with stride 0 the last one stays.
  TENON_INLINE void scatter(T* p, index_t stride) const {
    note_scatter(p, stride, N);
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
        const Lanes lanes = lanes_of(i);
        detail::unroll<width>([&](int k)
                                  TENON_INLINE_LAMBDA { p[(i * width + k) * stride] = lanes[k]; });
      });
    } else {
      for (int i = 0; i < N; ++i) p[i * stride] = storage.lanes[i];
    }
  }
  TENON_INLINE void scatter_partial(T* p, index_t stride, int count) const {
    note_scatter(p, stride, count);
    T lanes[N];
    store(lanes);
    for (int i = 0; i < count; ++i) p[i * stride] = lanes[i];
  }

  TENON_INLINE T lane(int i) const {
    if constexpr (in_registers) {
      return lanes_of(i / width)[i % width];
    } else {
      return storage.lanes[i];
    }
  }
  TENON_INLINE void set_lane(int i, T value) {
    if constexpr (in_registers) {
      Lanes lanes = lanes_of(i / width);
      lanes[i % width] = value;
      set_lanes_of(i / width, lanes);
    } else {
      storage.lanes[i] = value;
    }
  }

  // ---- arithmetic ----

  TENON_INLINE friend Pack operator+(Pack a, Pack b)
    requires(!std::is_same_v<T, bool>)
  {
    return wrap(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x + y; });
  }
  TENON_INLINE friend Pack operator-(Pack a, Pack b)
    requires(!std::is_same_v<T, bool>)
  {
    return wrap(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x - y; });
  }
  TENON_INLINE friend Pack operator*(Pack a, Pack b)
    requires(!std::is_same_v<T, bool>)
  {
    return wrap(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA {
      if constexpr (Floating<T>) {
        return detail::rounded(x * y);
      } else {
        return x * y;
      }
    });
  }
  TENON_INLINE friend Pack operator/(Pack a, Pack b)
    requires(!std::is_same_v<T, bool>)
  {
    if constexpr (Floating<T>) {
      return wrap(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x / y; });
    } else {
      return each(a, b, [](T x, T y) TENON_INLINE_LAMBDA { return quotient(x, y); });
    }
  }
  TENON_INLINE friend Pack operator%(Pack a, Pack b)
    requires Integer<T>
  {
    return (a - a / b * b) & select_nonzero(b);
  }
  TENON_INLINE friend Pack operator-(Pack a)
    requires(!std::is_same_v<T, bool>)
  {
    if constexpr (Floating<T>) {
      return map_lanes(a, [](auto x) TENON_INLINE_LAMBDA { return -x; });
    } else {
      return Pack(0) - a;
    }
  }
  TENON_INLINE friend Pack operator+(Pack a) { return a; }

  // ---- bits, on integers and bool ----

  TENON_INLINE friend Pack operator&(Pack a, Pack b)
    requires std::is_integral_v<T>
  {
    return wrap(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x & y; });
  }
  TENON_INLINE friend Pack operator|(Pack a, Pack b)
    requires std::is_integral_v<T>
  {
    return wrap(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x | y; });
  }
  TENON_INLINE friend Pack operator^(Pack a, Pack b)
    requires std::is_integral_v<T>
  {
    return wrap(a, b, [](auto x, auto y) TENON_INLINE_LAMBDA { return x ^ y; });
  }
  // On bool: not.
  TENON_INLINE friend Pack operator~(Pack a)
    requires std::is_integral_v<T>
  {
    if constexpr (std::is_same_v<T, bool>) {
      return a ^ Pack(true);
    } else {
      return a ^ Pack(static_cast<T>(-1));
    }
  }
  TENON_INLINE friend Pack operator!(Pack a)
    requires std::is_same_v<T, bool>
  {
    return ~a;
  }

  TENON_INLINE Pack& operator+=(Pack b) { return *this = *this + b; }
  TENON_INLINE Pack& operator-=(Pack b) { return *this = *this - b; }
  TENON_INLINE Pack& operator*=(Pack b) { return *this = *this * b; }
  TENON_INLINE Pack& operator/=(Pack b) { return *this = *this / b; }
  TENON_INLINE Pack& operator%=(Pack b) { return *this = *this % b; }
  TENON_INLINE Pack& operator&=(Pack b) { return *this = *this & b; }
  TENON_INLINE Pack& operator|=(Pack b) { return *this = *this | b; }
  TENON_INLINE Pack& operator^=(Pack b) { return *this = *this ^ b; }

  // ---- comparisons: IEEE for floats (a NaN is unequal to everything) ----

  TENON_INLINE friend Mask<T, N> operator==(Pack a, Pack b) { return compare<0>(a, b); }
  TENON_INLINE friend Mask<T, N> operator!=(Pack a, Pack b) { return compare<1>(a, b); }
  TENON_INLINE friend Mask<T, N> operator<(Pack a, Pack b) { return compare<2>(a, b); }
  TENON_INLINE friend Mask<T, N> operator<=(Pack a, Pack b) { return compare<3>(a, b); }
  TENON_INLINE friend Mask<T, N> operator>(Pack a, Pack b) { return compare<2>(b, a); }
  TENON_INLINE friend Mask<T, N> operator>=(Pack a, Pack b) { return compare<3>(b, a); }

  // ---- for the functions of this folder ----

  // Register i as a compiler vector, whose operators work alike on every instruction set.
  using Lanes = detail::vec<detail::lane_t<T>, width>;
  TENON_INLINE Lanes lanes_of(int i) const
    requires in_registers
  {
    return __builtin_bit_cast(Lanes, storage.at[i].data);
  }
  TENON_INLINE void set_lanes_of(int i, Lanes lanes)
    requires in_registers
  {
    using Register = typename xsimd::batch<T, Arch>::register_type;
    storage.at[i] = __builtin_bit_cast(Register, lanes);
  }

  // f on registers (as compiler vectors) or lanes.
  template <class F>
  TENON_INLINE static Pack map_lanes(Pack a, F f) {
    Pack r;
    if constexpr (in_registers) {
      detail::unroll<count_of_registers>(
          [&](int i) TENON_INLINE_LAMBDA { r.set_lanes_of(i, f(a.lanes_of(i))); });
    } else {
      for (int i = 0; i < N; ++i) r.storage.lanes[i] = static_cast<T>(f(a.storage.lanes[i]));
    }
    return r;
  }

  // f on xsimd batches; only where the pack is in registers.
  template <class F>
  TENON_INLINE static Pack map_registers(F f, Pack a)
    requires in_registers
  {
    Pack r;
    detail::unroll<count_of_registers>(
        [&](int i) TENON_INLINE_LAMBDA { r.storage.at[i] = f(a.storage.at[i]); });
    return r;
  }
  template <class F>
  TENON_INLINE static Pack map_registers(F f, Pack a, Pack b)
    requires in_registers
  {
    Pack r;
    detail::unroll<count_of_registers>(
        [&](int i) TENON_INLINE_LAMBDA { r.storage.at[i] = f(a.storage.at[i], b.storage.at[i]); });
    return r;
  }

  // f on scalars, lane by lane: for operations without an instruction.
  template <class F>
  TENON_INLINE static Pack each(Pack a, Pack b, F f) {
    T x[N], y[N];
    a.store(x);
    b.store(y);
    for (int i = 0; i < N; ++i) x[i] = f(x[i], y[i]);
    return load(x);
  }

 private:
  template <int... K>
  TENON_INLINE static Lanes gather_lanes(const T* p, index_t stride,
                                         std::integer_sequence<int, K...>) {
    return Lanes{p[K * stride]...};
  }
  TENON_INLINE static Lanes load_lanes(const T* p, int first, int last) {
    return __builtin_bit_cast(Lanes, detail::load_register<T>(p, first, last).data);
  }
  // Elements 0, 2, 4, … of memory; `low` has 0 … width - 1 of it, `high` those from width - 1 on.
  template <int... K>
  TENON_INLINE static Lanes every_second(Lanes low, Lanes high, std::integer_sequence<int, K...>) {
    return __builtin_shufflevector(low, high, (2 * K < width ? 2 * K : 2 * K + 1)...);
  }

  TENON_INLINE static int clamp_count(int count) {
    return count < 0 ? 0 : count > width ? width : count;
  }

  // f on registers or lanes of the wrapping type.
  template <class F>
  TENON_INLINE static Pack wrap(Pack a, Pack b, F f) {
    using W = detail::wrapping_t<T>;
    Pack r;
    if constexpr (in_registers) {
      using Wrapping = detail::vec<W, width>;
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
        r.set_lanes_of(i,
                       __builtin_bit_cast(Lanes, f(__builtin_bit_cast(Wrapping, a.lanes_of(i)),
                                                   __builtin_bit_cast(Wrapping, b.lanes_of(i)))));
      });
    } else {
      for (int i = 0; i < N; ++i) {
        r.storage.lanes[i] = static_cast<T>(
            f(static_cast<W>(a.storage.lanes[i]), static_cast<W>(b.storage.lanes[i])));
      }
    }
    return r;
  }

  TENON_INLINE static T quotient(T x, T y) {
    if (y == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (y == -1) return static_cast<T>(0 - static_cast<detail::wrapping_t<T>>(x));  // min / -1
    }
    return static_cast<T>(x / y);
  }

  // -1 (all bits) where b is not zero, else 0.
  TENON_INLINE static Pack select_nonzero(Pack b) {
    if constexpr (in_registers) {
      return map_lanes(
          b, [](auto x) TENON_INLINE_LAMBDA { return __builtin_bit_cast(Lanes, x != 0); });
    } else {
      return map_lanes(b, [](T x) TENON_INLINE_LAMBDA { return x != 0 ? -1 : 0; });
    }
  }

  // Which: 0 ==, 1 != (true for NaN), 2 <, 3 <=.
  template <int Which>
  TENON_INLINE static auto relation(auto x, auto y) {
    if constexpr (Which == 0) {
      return x == y;
    } else if constexpr (Which == 1) {
      return x != y;
    } else if constexpr (Which == 2) {
      return x < y;
    } else {
      return x <= y;
    }
  }

  template <int Which>
  TENON_INLINE static Mask<T, N> compare(Pack a, Pack b) {
    Mask<T, N> r;
    if constexpr (!in_registers) {
      for (int i = 0; i < N; ++i) {
        r.storage.lanes[i] = relation<Which>(a.storage.lanes[i], b.storage.lanes[i]);
      }
    } else {
      detail::unroll<count_of_registers>([&](int i) TENON_INLINE_LAMBDA {
#if defined(TENON_ISA_AVX512)
        r.storage.at[i] = detail::compare_registers<Which>(a.storage.at[i], b.storage.at[i]);
#else
        r.set_lanes_of(i, relation<Which>(a.lanes_of(i), b.lanes_of(i)));
#endif
      });
    }
    return r;
  }
};

template <class P>
inline constexpr bool is_pack = false;
template <class T, int N>
inline constexpr bool is_pack<Pack<T, N>> = true;

}  // namespace tenon::inline TENON_MODE::simd
