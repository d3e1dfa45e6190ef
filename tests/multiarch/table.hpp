#pragma once
// What the two sources of the table share.

#include <tenon/tenon.hpp>

#include <algorithm>
#include <string>

using Signal = tenon::TensorView<const float, tenon::Shape<tenon::dyn>>;

[[nodiscard]] float energy(const float* x, tenon::index_t n) noexcept;

// An inline function of no namespace of Tenon's: each instruction set has its copy, and so has the program.
inline std::string repeated(const char* word, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += word;
  std::reverse(text.begin(), text.end());
  return text;
}
