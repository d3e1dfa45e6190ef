#pragma once
// One program with kernels for several instruction sets: which of them the processor has, and tables of functions
// that are compiled once for each (CMake: tenon_add_multiarch_sources).
//
//   filters.hpp   struct Filters { void (*low_pass)(const float* x, float* y, index_t n) noexcept; };
//                 TENON_DISPATCHED(Filters, filters);
//   filters.cpp   TENON_DISPATCHED_TABLE(Filters, filters, low_pass)
//   anywhere      filters().low_pass(x, y, n);

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <cstdlib>
#include <span>
#include <string_view>

namespace tenon {

// "sse2", "avx2", "avx512" or "neon".
[[nodiscard]] constexpr const char* name(Isa isa) noexcept {
  constexpr const char* names[] = {"sse2", "avx2", "avx512", "neon"};
  return names[static_cast<unsigned char>(isa)];
}

// True where this processor and its system run what was compiled for the instruction set: x86-64, x86-64-v3 and
// x86-64-v4 are sse2, avx2 and avx512. No allocation.
[[nodiscard]] inline bool runs_here(Isa isa) noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
#if defined(__clang__) && __clang_major__ < 18  // knows no levels
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
#else
  const bool v3 = __builtin_cpu_supports("x86-64-v3");
  const bool v4 = __builtin_cpu_supports("x86-64-v4");
#endif
  return isa == Isa::sse2 || (isa == Isa::avx2 && v3) || (isa == Isa::avx512 && v4);
#else
  return isa == Isa::neon;
#endif
}

namespace detail {

// A table of functions as one instruction set has it.
struct DispatchedTable {
  Isa isa;
  const void* (*table)() noexcept;
};

// Formula: the last of `tables` (in rising order) that runs here; the one that the environment variable
// TENON_ISA names, where it is set.
// Errors: ContractError where that one is not among them or does not run here, or none runs here.
[[nodiscard]] inline DispatchedTable choose_table(const char* operation,
                                                  std::span<const DispatchedTable> tables,
                                                  const char* wanted) {
  const DispatchedTable* best = nullptr;
  for (const DispatchedTable& table : tables) {
    if (!runs_here(table.isa)) continue;
    if (wanted == nullptr || std::string_view(wanted) == name(table.isa)) best = &table;
  }
  if (best == nullptr) {
    char compiled[64] = {};
    int used = 0;
    for (const DispatchedTable& table : tables)
      used += std::snprintf(compiled + used, sizeof(compiled) - static_cast<std::size_t>(used),
                            " %s%s", name(table.isa), runs_here(table.isa) ? "" : " (not here)");
    raise<ContractError>(operation, "%s is not among the instruction sets that it has:%s",
                         wanted == nullptr ? "this processor" : wanted, compiled);
  }
  return *best;
}

// The same with the environment of this process.
[[nodiscard]] inline DispatchedTable choose_table(const char* operation,
                                                  std::span<const DispatchedTable> tables) {
  return choose_table(operation, tables, std::getenv("TENON_ISA"));
}

}  // namespace detail

}  // namespace tenon

// Declares what tenon_add_multiarch_sources(... TABLE name) compiles: `const Table& name()`, and the instruction set
// that was chosen, `tenon::Isa name_isa()`. The choice is made by the first call and kept; the environment variable
// TENON_ISA (sse2, avx2, avx512, neon) forces it, for tests.
// Errors of the first call: ContractError where TENON_ISA names one that was not compiled or does not run here.
#define TENON_DISPATCHED(Table, name)                                                           \
  extern "C" const ::tenon::detail::DispatchedTable* tenon_dispatched_##name();                 \
  [[nodiscard]] inline const Table& name() {                                                    \
    static const Table& table = *static_cast<const Table*>(tenon_dispatched_##name()->table()); \
    return table;                                                                               \
  }                                                                                             \
  [[nodiscard]] inline ::tenon::Isa name##_isa() { return tenon_dispatched_##name()->isa; }     \
  static_assert(true, "takes the semicolon")

// Defines the table in one of the sources that are compiled for each instruction set: TABLE{functions...}.
#define TENON_DISPATCHED_TABLE(Table, name, ...)                                                 \
  extern "C" [[gnu::visibility("hidden")]] const void* TENON_DETAIL_PASTE(tenon_##name##_,       \
                                                                          TENON_ISA)() noexcept; \
  const void* TENON_DETAIL_PASTE(tenon_##name##_, TENON_ISA)() noexcept {                        \
    static constexpr Table table{__VA_ARGS__};                                                   \
    return &table;                                                                               \
  }                                                                                              \
  static_assert(true, "takes the semicolon")
