#pragma once
// Writing SVG: text that does not depend on the locale, and the colours of pictures.

#include <tenon/memory/readable.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <ostream>

namespace tenon::detail {

// Text of an SVG file, the same in every locale.
class SvgWriter {
 public:
  explicit SvgWriter(std::ostream& out) noexcept : out_(out) {}
  SvgWriter& operator<<(const char* text) {
    out_.write(text, static_cast<std::streamsize>(std::strlen(text)));
    return *this;
  }
  SvgWriter& operator<<(const ShortText& text) { return *this << text.text; }
  SvgWriter& operator<<(double number) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text - 1, std::round(number * 10) / 10).ptr;
    *end = '\0';
    return *this << text;
  }
  SvgWriter& operator<<(int number) { return *this << static_cast<double>(number); }

  // What a user wrote: <, & and quotes are not markup.
  SvgWriter& escaped(const char* text) {
    for (; *text != '\0'; ++text) {
      switch (*text) {
        case '<':
          *this << "&lt;";
          break;
        case '>':
          *this << "&gt;";
          break;
        case '&':
          *this << "&amp;";
          break;
        case '"':
          *this << "&quot;";
          break;
        default:
          out_.put(*text);
      }
    }
    return *this;
  }

 private:
  std::ostream& out_;
};

struct SvgColor {
  const char* fill;
  const char* stroke;
  const char* text = "#24292f";
};

// For what differs in kind; the last one is for the rest.
inline constexpr std::array<SvgColor, 9> svg_kinds{{{"#a9cdf0", "#2b6ca8"},
                                                    {"#ffd0a1", "#bd6412"},
                                                    {"#b6e0ae", "#3a8530"},
                                                    {"#f6b9b6", "#b53a3c"},
                                                    {"#d9c5e8", "#7b4d99"},
                                                    {"#bfe6e3", "#2f837d"},
                                                    {"#f5e4a3", "#a5820f"},
                                                    {"#e3cbbb", "#7d5540"},
                                                    {"#dcdfe3", "#6a737d"}}};

// For what differs in size, the smallest darkest: thin rectangles have to be seen.
inline constexpr std::array<SvgColor, 8> svg_sizes{{{"#5b3a8c", "#42276b", "#ffffff"},
                                                    {"#5f5aa8", "#454186", "#ffffff"},
                                                    {"#4f7fbd", "#365f95", "#ffffff"},
                                                    {"#5fa3cf", "#3a7ba6"},
                                                    {"#80c3d3", "#4795a6"},
                                                    {"#a9dccf", "#5ba692"},
                                                    {"#cfebc9", "#7daf75"},
                                                    {"#eef3c8", "#adb56d"}}};

}  // namespace tenon::detail
