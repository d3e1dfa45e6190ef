#pragma once
// Text of fixed capacity that can be written and compared when compiling, and numbers in it.

#include <tenon/core/config.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>

namespace tenon::detail::inline TENON_MODE {

// Lines of at most `width` columns, written to a text, or only counted.
class TextWriter {
 public:
  static constexpr int width = 100;

  constexpr TextWriter() = default;
  constexpr explicit TextWriter(std::span<char> to) : to_(to.data()), room_(to.size()) {}

  // A literal: its length is known.
  template <std::size_t Size>
  constexpr TextWriter& put(const char (&text)[Size]) {
    return put(std::string_view(text, Size - 1));
  }
  constexpr TextWriter& put(std::string_view text) {
    if (has_gap_) {
      has_gap_ = false;
      put(" ");
    }
    const char* const end = text.data() + text.size();
    if (room_ < text.size()) {  // only counts
      room_ = 0;
    } else {
      for (const char* c = text.data(); c != end;) *to_++ = *c++;
      room_ -= text.size();
    }
    size_ += text.size();
    column_ += columns(text);
    return *this;
  }
  constexpr TextWriter& line() {
    put("\n");
    column_ = 0;
    return *this;
  }
  constexpr TextWriter& pad_to(int column) {
    constexpr std::string_view blanks =
        "                                                                                "
        "                    ";
    static_assert(blanks.size() == width);
    if (column > column_) put(blanks.substr(0, static_cast<std::size_t>(column - column_)));
    return *this;
  }
  // Right-aligned, ending before `column`.
  constexpr TextWriter& right(int column, std::string_view text) {
    pad_to(column - columns(text));
    return put(text);
  }
  // A word of a list: on a new line, indented, where this one has no room for it and a comma.
  constexpr TextWriter& word(std::string_view text, int indent) {
    if (column_ + columns(text) + (has_gap_ ? 2 : 1) > width && column_ > indent) {
      has_gap_ = false;
      line().pad_to(indent);
    }
    return put(text);
  }
  constexpr TextWriter& comma() {
    put(",");
    has_gap_ = true;
    return *this;
  }

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr int column() const noexcept { return column_; }

  // UTF-8: bytes that do not continue a character.
  [[nodiscard]] static constexpr int columns(std::string_view text) noexcept {
    auto n = static_cast<int>(text.size());
    const char* const end = text.data() + text.size();
    for (const char* c = text.data(); c != end; ++c)
      if ((static_cast<unsigned char>(*c) & 0xC0U) == 0x80U) --n;
    return n;
  }

 private:
  char* to_ = nullptr;
  std::size_t room_ = 0;
  std::size_t size_ = 0;
  int column_ = 0;
  bool has_gap_ = false;  // a blank, if the line goes on
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// A text by value; what does not fit its capacity is left out.
template <std::size_t Capacity>
class PlanText {
 public:
  constexpr PlanText() = default;
  // Contract: write(writer) writes the text.
  template <class Write>
    requires std::invocable<const Write&, detail::TextWriter&>
  constexpr explicit PlanText(const Write& write) {
    detail::TextWriter writer(std::span<char>(text_).first(Capacity));
    write(writer);
    size_ = writer.size() < Capacity ? writer.size() : Capacity;
  }

  [[nodiscard]] constexpr std::string_view view() const& noexcept { return {text_.data(), size_}; }
  std::string_view view() const&& = delete;  // the text would be gone
  [[nodiscard]] constexpr operator std::string_view() const& noexcept { return view(); }
  operator std::string_view() const&& = delete;  // likewise
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr const char* c_str() const& noexcept { return text_.data(); }

  friend constexpr bool operator==(const PlanText& a, std::string_view b) noexcept {
    return a.view() == b;
  }
  template <class Traits>
  friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                      const PlanText& text) {
    out.write(text.text_.data(), static_cast<std::ptrdiff_t>(text.size_));
    return out;
  }

 private:
  std::array<char, Capacity + 1> text_{};
  std::size_t size_ = 0;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// A text that ends with 0; for compilers its length is one step, not one a character.
[[nodiscard]] constexpr std::string_view text_of(const char* text) noexcept {
  return {text, __builtin_strlen(text)};
}

template <std::size_t Size>
[[nodiscard]] constexpr std::string_view literal(const char (&text)[Size]) noexcept {
  return {text, Size - 1};
}

// A short text by value: a number, a name, a shape. What is too long is cut.
class TextCell {
 public:
  constexpr TextCell() = default;
  constexpr explicit TextCell(std::string_view text) noexcept { append(text); }
  template <std::size_t Size>
  constexpr explicit TextCell(const char (&text)[Size]) noexcept {
    append(text);
  }
  template <std::size_t Size>
  constexpr TextCell& append(const char (&text)[Size]) noexcept {
    return append(std::string_view(text, Size - 1));
  }
  constexpr TextCell& append(std::string_view text) noexcept {
    const std::size_t room = capacity - size_;
    const char* const end = text.data() + (text.size() < room ? text.size() : room);
    for (const char* c = text.data(); c != end; ++c) text_[size_++] = *c;
    return *this;
  }
  [[nodiscard]] constexpr operator std::string_view() const noexcept {
    return {text_.data(), size_};
  }
  [[nodiscard]] constexpr const char* c_str() const noexcept { return text_.data(); }

 private:
  static constexpr std::size_t capacity = 127;
  std::array<char, capacity + 1> text_{};
  std::size_t size_ = 0;
};

// 1234567 -> "1,234,567".
[[nodiscard]] constexpr TextCell grouped_text(std::uint64_t number, bool groups = true) noexcept {
  std::array<char, 32> digits{};
  std::size_t at = digits.size();
  for (int count = 0; count == 0 || number != 0; ++count, number /= 10) {
    if (groups && count > 0 && count % 3 == 0) digits[--at] = ',';
    digits[--at] = static_cast<char>('0' + number % 10);
  }
  return TextCell({digits.data() + at, digits.size() - at});
}

// 3.14159 -> "3.1", 20.04 -> "20", 1234567.8 -> "1,234,568".
[[nodiscard]] constexpr TextCell decimal_text(double number) noexcept {
  const auto tenths = static_cast<std::uint64_t>(number * 10 + 0.5);
  if (number >= 100 || tenths % 10 == 0)
    return grouped_text(static_cast<std::uint64_t>(number + 0.5));
  TextCell result = grouped_text(tenths / 10);
  return result.append(".").append(grouped_text(tenths % 10));
}

// As readable_bytes: "512 B", "1.5 KiB", "98.1 KiB", "4 MiB".
[[nodiscard]] constexpr TextCell bytes_text(std::uint64_t bytes) noexcept {
  constexpr const char* units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t u = 0;
  while (u < 4 && bytes >> (10 * (u + 1)) != 0) ++u;
  const std::uint64_t unit = std::uint64_t{1} << (10 * u);
  std::uint64_t whole = bytes / unit;
  const unsigned scale = whole < 10 ? 100 : whole < 100 ? 10 : 1;
  auto fraction = static_cast<unsigned>((bytes % unit * scale * 2 + unit) / (2 * unit));
  if (fraction == scale) ++whole, fraction = 0;
  TextCell result = grouped_text(whole, false);
  if (fraction != 0) {
    result.append(".");
    if (scale == 100) result.append(grouped_text(fraction / 10));
    if (scale == 10 || fraction % 10 != 0) result.append(grouped_text(fraction % 10));
  }
  return result.append(text_of(units[u]));
}

}  // namespace tenon::detail::inline TENON_MODE
