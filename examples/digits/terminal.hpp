#pragma once
// What the demo shows: numbers, a progress bar and digits, on a terminal or in a file.

#include "network.hpp"

#include <unistd.h>

#include <cstdio>

namespace digits {

// A buffer of our own, or stdio would take one from the heap.
inline void use_own_stdout_buffer() {
  static char buffer[8192];
  std::setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
}

// A number with commas between thousands: 1,234,567.
struct Grouped {
  char text[32];

  explicit Grouped(double value) {
    char plain[24];
    const int count = std::snprintf(plain, sizeof plain, "%.0f", value);
    char* out = text;
    for (int i = 0; i < count; ++i) {
      if (i > 0 && (count - i) % 3 == 0) *out++ = ',';
      *out++ = plain[i];
    }
    *out = '\0';
  }
  explicit Grouped(std::size_t value) : Grouped(static_cast<double>(value)) {}
};

// One line that grows on a terminal; elsewhere eight lines in all.
class ProgressBar {
 public:
  explicit ProgressBar(int steps) : steps_(steps) {}

  void show(int step, float loss) const {
    if (!on_terminal_ && step % (steps_ / 8) != 0) return;
    std::printf("%s  epoch %2d/%d  ", on_terminal_ ? "\r" : "", step, steps_);
    for (int i = 0; i < width; ++i) std::fputs(i < step * width / steps_ ? "█" : "░", stdout);
    std::printf("  loss %.4f%s", static_cast<double>(loss),
                on_terminal_ && step < steps_ ? "" : "\n");
    std::fflush(stdout);
  }

 private:
  static constexpr int width = 40;
  int steps_;
  bool on_terminal_ = isatty(STDOUT_FILENO) != 0;
};

// A row of pixels with ink 0 … 1, each two columns wide.
inline void draw_row(const auto& ink) {
  constexpr const char* shades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
  for (tn::index_t i = 0; i < ink.size(); ++i)
    std::fputs(shades[static_cast<int>(ink(i) * 4 + 0.5F)], stdout);
}

}  // namespace digits
