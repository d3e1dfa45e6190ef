#pragma once
// Elements as NumPy prints them: every element of an array takes the same columns.
// Source: NumPy 2.4, numpy/_core/arrayprint.py (BoolFormat, IntegerFormat, FloatingFormat) with its
// default options: precision 8, shortest unique digits, "maxprec".

#include <tenon/core/half.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <string_view>

namespace tenon::detail {

// The text of one element. Long enough for every element type in every format below.
class NumberText {
 public:
  [[nodiscard]] constexpr std::string_view view() const noexcept {
    return {text_.data(), static_cast<std::size_t>(size_)};
  }
  [[nodiscard]] constexpr int size() const noexcept { return size_; }
  constexpr void put(char c) noexcept { text_[static_cast<std::size_t>(size_++)] = c; }
  constexpr void put(std::string_view text) noexcept {
    for (const char c : text) put(c);
  }
  constexpr void put(int count, char c) noexcept {
    for (; count > 0; --count) put(c);
  }

 private:
  std::array<char, 64> text_{};
  int size_ = 0;
};

// A finite float in decimal: ±d.ddd… · 10^exponent.
struct Decimal {
  bool negative = false;
  std::array<char, 32> digits{};
  int count = 0;  // of digits, at least 1; no zeros at the end except in "0"
  int exponent = 0;

  [[nodiscard]] constexpr int fraction_count() const noexcept {
    return count - 1 > exponent ? count - 1 - exponent : 0;
  }
  [[nodiscard]] constexpr int integer_count() const noexcept {
    return exponent > 0 ? exponent + 1 : 1;
  }
  // The digit that stands for 10^power.
  [[nodiscard]] constexpr char digit(int power) const noexcept {
    const int i = exponent - power;
    return i >= 0 && i < count ? digits[static_cast<std::size_t>(i)] : '0';
  }
};

// Reads what std::to_chars(…, std::chars_format::scientific, …) wrote.
[[nodiscard]] inline Decimal read_decimal(const char* at, const char* end) noexcept {
  Decimal result;
  if (*at == '-') {
    result.negative = true;
    ++at;
  }
  for (; *at != 'e'; ++at)
    if (*at != '.') result.digits[static_cast<std::size_t>(result.count++)] = *at;
  ++at;
  std::from_chars(*at == '+' ? at + 1 : at, end, result.exponent);
  while (result.count > 1 && result.digits[static_cast<std::size_t>(result.count - 1)] == '0')
    --result.count;
  return result;
}

// The fewest digits that name x among the values of its type.
template <std::floating_point T>
[[nodiscard]] Decimal shortest_decimal(T x) noexcept {
  std::array<char, 48> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), x, std::chars_format::scientific).ptr;
  return read_decimal(text.data(), end);
}

template <StorageFloat T>
[[nodiscard]] Decimal shortest_decimal(T x) noexcept {
  std::array<char, 48> text;
  const auto value = static_cast<float>(x);
  const char* end = text.data();
  for (int fraction = 0; fraction <= 8; ++fraction) {
    end = std::to_chars(text.data(), text.data() + text.size(), value,
                        std::chars_format::scientific, fraction)
              .ptr;
    float read = 0;
    std::from_chars(text.data(), end, read);
    if (T(read).bits == x.bits) break;
  }
  return read_decimal(text.data(), end);
}

// x to `fraction` digits after the first, correctly rounded.
template <std::floating_point T>
[[nodiscard]] Decimal rounded_decimal(T x, int fraction) noexcept {
  std::array<char, 48> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x,
                                 std::chars_format::scientific, fraction)
                       .ptr;
  return read_decimal(text.data(), end);
}

inline constexpr int print_precision = 8;

// The digits of x in positional notation: at most 8 after the point.
template <class T>
[[nodiscard]] Decimal positional_decimal(T x) noexcept {
  const Decimal shortest = shortest_decimal(x);
  if (shortest.fraction_count() <= print_precision) return shortest;
  const int fraction = shortest.exponent + print_precision;
  if (fraction >= 0) return rounded_decimal(arithmetic_t<T>(x), fraction);
  Decimal zero;  // not reached by arrays: below 10^-4 they are printed in scientific notation
  zero.negative = shortest.negative;
  zero.digits[0] = '0';
  zero.count = 1;
  return zero;
}

// The digits of x in scientific notation: at most 8 after the point.
template <class T>
[[nodiscard]] Decimal scientific_decimal(T x) noexcept {
  const Decimal shortest = shortest_decimal(x);
  return shortest.count - 1 <= print_precision
             ? shortest
             : rounded_decimal(arithmetic_t<T>(x), print_precision);
}

inline void put_positional(NumberText& out, const Decimal& x) noexcept {
  if (x.negative) out.put('-');
  for (int power = x.integer_count() - 1; power >= 0; --power) out.put(x.digit(power));
  out.put('.');
  for (int power = -1; power >= -x.fraction_count(); --power) out.put(x.digit(power));
}

// With `fraction` digits after the point and at least two digits of exponent.
inline void put_scientific(NumberText& out, const Decimal& x, int fraction,
                           int exponent_digits) noexcept {
  if (x.negative) out.put('-');
  out.put(x.digits[0]);
  if (fraction >= 0) out.put('.');
  for (int i = 1; i <= fraction; ++i) out.put(x.digit(x.exponent - i));
  out.put('e');
  out.put(x.exponent < 0 ? '-' : '+');
  const int magnitude = x.exponent < 0 ? -x.exponent : x.exponent;
  int power = 1;
  for (int i = 1; i < exponent_digits; ++i) power *= 10;
  for (; power > 0; power /= 10) out.put(static_cast<char>('0' + magnitude / power % 10));
}

[[nodiscard]] inline std::string_view name_of_nonfinite(double x) noexcept {
  return std::isnan(x) ? "nan" : x < 0 ? "-inf" : "inf";
}

constexpr void widen(int& width, int needed) noexcept {
  if (needed > width) width = needed;
}

// How the elements of one array are printed. First every element that will be shown is passed to
// see(), then text() gives each in the common format; scalar() is the text of a rank-0 tensor.
template <class T>
class ElementFormat;

template <>
class ElementFormat<bool> {
 public:
  void see(bool) noexcept {}
  [[nodiscard]] NumberText text(bool x) const noexcept {
    NumberText out;
    out.put(x ? " True" : "False");
    return out;
  }
  [[nodiscard]] static NumberText scalar(bool x) noexcept {
    NumberText out;
    out.put(x ? "True" : "False");
    return out;
  }
};

template <std::integral T>
class ElementFormat<T> {
 public:
  void see(T x) noexcept { widen(width_, scalar(x).size()); }
  [[nodiscard]] NumberText text(T x) const noexcept {
    const NumberText number = scalar(x);
    NumberText out;
    out.put(width_ - number.size(), ' ');
    out.put(number.view());
    return out;
  }
  [[nodiscard]] static NumberText scalar(T x) noexcept {
    std::array<char, 24> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
    NumberText out;
    out.put({text.data(), static_cast<std::size_t>(end - text.data())});
    return out;
  }

 private:
  int width_ = 0;
};

template <class T>
  requires std::floating_point<arithmetic_t<T>>
class ElementFormat<T> {
  using Value = arithmetic_t<T>;

 public:
  void see(T element) noexcept {
    const Value x = element;
    if (!std::isfinite(x)) {
      widen(nonfinite_, static_cast<int>(name_of_nonfinite(x).size()));
      return;
    }
    any_finite_ = true;
    const Value magnitude = std::fabs(x);
    if (magnitude != 0) {
      if (!(largest_ >= magnitude)) largest_ = magnitude;
      if (!(smallest_ > 0 && smallest_ <= magnitude)) smallest_ = magnitude;
    }
    const int sign = std::signbit(x) ? 1 : 0;
    const Decimal fixed = positional_decimal(element);
    widen(fixed_left_, sign + fixed.integer_count());
    widen(fixed_right_, fixed.fraction_count());
    const Decimal scientific = scientific_decimal(element);
    widen(scientific_left_, sign + 1);
    widen(scientific_right_, scientific.count - 1);
    if (scientific.exponent >= 100 || scientific.exponent <= -100) exponent_digits_ = 3;
  }

  [[nodiscard]] NumberText text(T element) const noexcept {
    const Value x = element;
    const bool scientific = is_scientific();
    int left = scientific ? scientific_left_ : fixed_left_;
    const int right = !any_finite_ ? 0
                      : scientific ? exponent_digits_ + 2 + scientific_right_
                                   : fixed_right_;
    if (nonfinite_ > 0) widen(left, nonfinite_ - right - 1);
    NumberText out;
    if (!std::isfinite(x)) {
      const auto word = name_of_nonfinite(x);
      out.put(left + right + 1 - static_cast<int>(word.size()), ' ');
      out.put(word);
      return out;
    }
    if (scientific) {
      out.put(left - (std::signbit(x) ? 2 : 1), ' ');
      put_scientific(out, rounded_decimal(x, scientific_right_), scientific_right_,
                     exponent_digits_);
    } else {
      const Decimal fixed = positional_decimal(element);
      out.put(left - (fixed.negative ? 1 : 0) - fixed.integer_count(), ' ');
      put_positional(out, fixed);
      out.put(right - fixed.fraction_count(), ' ');
    }
    return out;
  }

  // All digits; scientific notation below 10^-4 and from 10^16 (float: 10^6, half: 10^3, bfloat16: 10^2).
  [[nodiscard]] static NumberText scalar(T element) noexcept {
    const Value x = element;
    NumberText out;
    if (!std::isfinite(x)) {
      out.put(name_of_nonfinite(x));
      return out;
    }
    const Decimal digits = shortest_decimal(element);
    const double magnitude = std::fabs(static_cast<double>(x));
    if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < scalar_limit)) {
      put_positional(out, digits);
      if (digits.fraction_count() == 0) out.put('0');
    } else {
      const int large = digits.exponent >= 100 || digits.exponent <= -100 ? 3 : 2;
      put_scientific(out, digits, digits.count > 1 ? digits.count - 1 : -1, large);
    }
    return out;
  }

 private:
  static constexpr Value array_limit = std::same_as<T, double>  ? Value(1e8)
                                       : std::same_as<T, float> ? Value(1e6)
                                       : std::same_as<T, half>  ? Value(1e3)
                                                                : Value(1e2);
  static constexpr double scalar_limit = std::same_as<T, double> ? 1e16 : double{array_limit};

  [[nodiscard]] bool is_scientific() const noexcept {
    return largest_ > 0 && (largest_ >= array_limit || smallest_ < Value(0.0001) ||
                            largest_ / smallest_ > Value(1000));
  }

  bool any_finite_ = false;
  Value largest_ = 0;  // magnitudes other than 0; 0 where there are none
  Value smallest_ = 0;
  int nonfinite_ = 0;  // columns of the longest nan, inf or -inf
  int fixed_left_ = 0;
  int fixed_right_ = 0;
  int scientific_left_ = 0;
  int scientific_right_ = 0;
  int exponent_digits_ = 2;
};

}  // namespace tenon::detail
