#pragma once
// Arithmetic that rounds after every operation, whatever the compiler would contract.

#include <tenon/core/config.hpp>

#include <type_traits>

namespace tenon::detail {

// Formula: a + b · c, rounded after the product and after the sum: never one fma, so that the bits
// are those of NumPy on every compiler and instruction set.
// GCC: the empty asm hides where the product comes from, and an `a` that is a product itself.
// __builtin_assoc_barrier does not do: GCC 12 loses it when it vectorises a scalar loop (seen:
// vfmadd at -O3 -march=native for o[i] = a[i] + barrier(b[i] * c[i])).
template <class T>
[[nodiscard]] constexpr T add_product(T a, T b, T c) noexcept {
#ifdef __clang__
#pragma clang fp contract(off)
  return a + b * c;
#else
  T product = b * c;
  if (!std::is_constant_evaluated()) {
#ifdef TENON_ISA_NEON
    asm("" : "+w"(product), "+w"(a));
#else
    asm("" : "+x"(product), "+x"(a));
#endif
  }
  return a + product;
#endif
}

}  // namespace tenon::detail
