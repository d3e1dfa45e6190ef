#pragma once
// Arithmetic that rounds after every operation, whatever the compiler would contract.

namespace tenon::detail {

// Formula: a + b · c, rounded after the product and after the sum: never one fma, so that the bits
// are those of NumPy on every compiler and instruction set.
template <class T>
[[nodiscard]] constexpr T add_product(T a, T b, T c) noexcept {
#ifdef __clang__
#pragma clang fp contract(off)
  return a + b * c;
#else
  return a + __builtin_assoc_barrier(b * c);
#endif
}

}  // namespace tenon::detail
