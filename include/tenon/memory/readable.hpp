#pragma once
// Numbers for people: bytes, times and addresses as short texts, the same in every locale.

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace tenon::detail {

// A short text by value; no allocation.
struct ShortText {
  char text[32] = {};
};

// 1234567 -> "1,234,567".
[[nodiscard]] inline ShortText grouped(std::uint64_t number) noexcept {
  char digits[24];
  const int count =
      std::snprintf(digits, sizeof digits, "%llu", static_cast<unsigned long long>(number));
  ShortText result;
  char* out = result.text;
  for (int i = 0; i < count; ++i) {
    if (i > 0 && (count - i) % 3 == 0) *out++ = ',';
    *out++ = digits[i];
  }
  return result;
}

// value / unit with three significant digits, none of them a trailing zero: 1536 / 1024 -> "1.5".
[[nodiscard]] inline ShortText ratio(std::uint64_t value, std::uint64_t unit) noexcept {
  std::uint64_t whole = value / unit;
  const double rest = static_cast<double>(value % unit) / static_cast<double>(unit);
  const int digits = whole < 10 ? 2 : whole < 100 ? 1 : 0;
  const unsigned scale = digits == 2 ? 100 : digits == 1 ? 10 : 1;
  auto fraction = static_cast<unsigned>(rest * scale + 0.5);
  if (fraction == scale) ++whole, fraction = 0;
  ShortText result;
  const auto shown = static_cast<unsigned long long>(whole);
  if (fraction == 0)
    std::snprintf(result.text, sizeof result.text, "%llu", shown);
  else if (digits == 2 && fraction % 10 != 0)
    std::snprintf(result.text, sizeof result.text, "%llu.%02u", shown, fraction % 100);
  else
    std::snprintf(result.text, sizeof result.text, "%llu.%u", shown,
                  (digits == 2 ? fraction / 10 : fraction) % 10);
  return result;
}

// "512 B", "1.5 KiB", "98.1 KiB", "4 MiB".
[[nodiscard]] inline ShortText readable_bytes(std::uint64_t bytes) noexcept {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t u = 0;
  while (u < 4 && bytes >> (10 * (u + 1)) != 0) ++u;
  ShortText result;
  std::snprintf(result.text, sizeof result.text, "%.20s %s",
                ratio(bytes, std::uint64_t{1} << (10 * u)).text, units[u]);
  return result;
}

// "750 ns", "12.3 µs", "1.02 ms", "3 s".
[[nodiscard]] inline ShortText readable_time(std::uint64_t ns) noexcept {
  ShortText result;
  const bool is_ns = ns < 1000, is_us = ns < 1'000'000, is_ms = ns < 1'000'000'000;
  const std::uint64_t unit = is_ns ? 1 : is_us ? 1000 : is_ms ? 1'000'000 : 1'000'000'000;
  std::snprintf(result.text, sizeof result.text, "%.20s %s", ratio(ns, unit).text,
                is_ns   ? "ns"
                : is_us ? "µs"
                : is_ms ? "ms"
                        : "s");
  return result;
}

}  // namespace tenon::detail
