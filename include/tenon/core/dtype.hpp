#pragma once
// Element types and how they combine.

#include <tenon/core/half.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace tenon {

// A type that a tensor can hold.
template <class T>
concept Element =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, bool> ||
    std::same_as<T, std::int8_t> || std::same_as<T, std::int16_t> ||
    std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t> ||
    std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> ||
    std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t> || StorageFloat<T>;

// An element type with arithmetic: every one but bool.
template <class T>
concept Numeric = Element<T> && !std::same_as<T, bool>;

// The element type as data, for plan records and messages.
enum class DType : unsigned char {
  float32,
  float64,
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  bfloat16
};

template <Element T>
inline constexpr DType dtype_of = [] {
  if constexpr (std::same_as<T, float>) return DType::float32;
  if constexpr (std::same_as<T, double>) return DType::float64;
  if constexpr (std::same_as<T, bool>) return DType::boolean;
  if constexpr (std::same_as<T, std::int8_t>) return DType::int8;
  if constexpr (std::same_as<T, std::int16_t>) return DType::int16;
  if constexpr (std::same_as<T, std::int32_t>) return DType::int32;
  if constexpr (std::same_as<T, std::int64_t>) return DType::int64;
  if constexpr (std::same_as<T, std::uint8_t>) return DType::uint8;
  if constexpr (std::same_as<T, std::uint16_t>) return DType::uint16;
  if constexpr (std::same_as<T, std::uint32_t>) return DType::uint32;
  if constexpr (std::same_as<T, std::uint64_t>) return DType::uint64;
  if constexpr (std::same_as<T, half>) return DType::float16;
  if constexpr (std::same_as<T, bfloat16>) return DType::bfloat16;
}();

// NumPy's name of an element type.
[[nodiscard]] constexpr const char* name(DType type) noexcept {
  constexpr const char* names[] = {"float32", "float64", "bool",    "int8",   "int16",
                                   "int32",   "int64",   "uint8",   "uint16", "uint32",
                                   "uint64",  "float16", "bfloat16"};
  return names[static_cast<unsigned char>(type)];
}

[[nodiscard]] constexpr int size_bytes(DType type) noexcept {
  constexpr int sizes[] = {4, 8, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2};
  return sizes[static_cast<unsigned char>(type)];
}

namespace detail {

struct no_promotion {};

template <int Bytes>
using signed_of = std::conditional_t<
    Bytes == 1, std::int8_t,
    std::conditional_t<Bytes == 2, std::int16_t,
                       std::conditional_t<Bytes == 4, std::int32_t, std::int64_t>>>;

template <class A, class B>
consteval auto promote() {
  constexpr int a = sizeof(A), b = sizeof(B);
  if constexpr (StorageFloat<A> || StorageFloat<B>) {
    return promote<arithmetic_t<A>, arithmetic_t<B>>();
  } else if constexpr (std::same_as<A, B>) {
    return std::type_identity<A>{};
  } else if constexpr (std::same_as<A, bool> || std::same_as<B, bool> ||
                       std::floating_point<A> != std::floating_point<B>) {
    return std::type_identity<no_promotion>{};
  } else if constexpr (std::floating_point<A> || std::is_signed_v<A> == std::is_signed_v<B>) {
    return std::type_identity<std::conditional_t<(a > b), A, B>>{};
  } else {
    constexpr int signed_bytes = std::is_signed_v<A> ? a : b;
    constexpr int unsigned_bytes = std::is_signed_v<A> ? b : a;
    if constexpr (unsigned_bytes == 8)
      return std::type_identity<no_promotion>{};
    else
      return std::type_identity<
          signed_of<(signed_bytes > unsigned_bytes ? signed_bytes : 2 * unsigned_bytes)>>{};
  }
}

}  // namespace detail

// The array-API promotion table. What the table leaves open (an integer with a float, bool with a
// number, uint64 with a signed integer) is not Promotable: write cast<T>(x). half and bfloat16 combine as
// the float that they are computed with.
// Source: Python array API standard 2023.12, "Type promotion rules".
template <class A, class B>
using promoted_t = typename decltype(detail::promote<A, B>())::type;

template <class A, class B>
concept Promotable = !std::same_as<promoted_t<A, B>, detail::no_promotion>;

// The type in which NumPy sums T: 64 bits for integers and bool, T itself for floats (as float where T is
// stored in less).
template <Element T>
using sum_t = std::conditional_t<
    std::floating_point<arithmetic_t<T>>, arithmetic_t<T>,
    std::conditional_t<std::is_signed_v<T> || std::same_as<T, bool>, std::int64_t, std::uint64_t>>;

}  // namespace tenon
