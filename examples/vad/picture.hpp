#pragma once
// An SVG of the waveform, the stretches of speech behind it, and the probability over time below.

#include "segments.hpp"
#include "sound.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>

namespace vad {

class Picture {
 public:
  Picture(const Sound& sound, std::span<const float> probability, std::span<const Segment> speech)
      : sound_(sound),
        probability_(probability),
        speech_(speech),
        duration_(static_cast<double>(sound.length) / sample_rate) {}

  void write(const std::string& path, const std::string& title) {
    text_ =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1200 330' font-family='sans-serif' "
        "font-size='13' fill='#24292f'>\n<rect width='1200' height='330' fill='#fff'/>\n";
    put("<text x='%.1f' y='24' font-size='16'>", left);
    for (const char c : title)
      if (c == '<' || c == '&')
        put("&#%d;", c);
      else
        text_ += c;
    text_ += "</text>\n";
    draw_speech();
    draw_axis();
    draw_waveform();
    draw_probability();
    text_ += "</svg>\n";
    std::ofstream file(path);
    if (!(file << text_ << std::flush)) throw std::runtime_error("cannot write '" + path + "'");
  }

 private:
  static constexpr double left = 56, right = 1184, wave_middle = 104, wave_half = 60;
  static constexpr double one = 190, zero = 290;  // of the probability

  [[nodiscard]] double x(double seconds) const {
    return left + (right - left) * seconds / duration_;
  }
  static double y(double probability) { return zero + (one - zero) * probability; }

  template <class... Values>
  void put(const char* format, Values... values) {
    char line[256];
    text_.append(line,
                 static_cast<std::size_t>(std::snprintf(line, sizeof line, format, values...)));
  }

  void draw_speech() {
    for (const Segment& s : speech_)
      put("<rect x='%.1f' y='40' width='%.1f' height='250' fill='#d8f0d3'/>\n", x(s.start),
          x(s.end) - x(s.start));
  }

  void draw_axis() {
    double step = 1;
    for (const double next : {2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3600.0})
      if (duration_ / step > 12) step = next;
    for (int i = 0; i * step <= duration_; ++i)
      put("<path d='M%.1f 40V296' stroke='#d0d7de'/><text x='%.1f' y='314' text-anchor='middle'>%g "
          "s</text>\n",
          x(i * step), x(i * step), i * step);
    put("<path d='M%.0f %.1fH%.0f' stroke='#bd6412' stroke-dasharray='4 4'/>\n", left, y(0.5),
        right);
    for (const double p : {0.0, 0.5, 1.0})
      put("<text x='%.1f' y='%.1f' text-anchor='end'>%g</text>\n", left - 8, y(p) + 4, p);
    put("<text x='%.1f' y='%.1f' text-anchor='end'>sound</text>\n", left - 8, wave_middle + 4);
  }

  // From the lowest to the highest sample below each half pixel.
  void draw_waveform() {
    text_ += "<path fill='none' stroke='#2b6ca8' stroke-width='0.7' d='";
    const std::span<const float> samples(sound_.samples.data(), sound_.length);
    const auto louder = [](float a, float b) { return std::abs(a) < std::abs(b); };
    const float loudest = samples.empty() ? 0 : std::abs(std::ranges::max(samples, louder));
    const double scale = wave_half / std::max(1e-6, static_cast<double>(loudest));
    const auto columns = static_cast<std::size_t>(2 * (right - left));
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t from = c * samples.size() / columns,
                        to = (c + 1) * samples.size() / columns;
      if (from == to) continue;
      const auto [low, high] = std::ranges::minmax(samples.subspan(from, to - from));
      put("M%.1f %.1fV%.1f", left + 0.5 * static_cast<double>(c),
          wave_middle - scale * static_cast<double>(high),
          wave_middle - scale * static_cast<double>(low) + 0.3);
    }
    text_ += "'/>\n";
  }

  void draw_probability() {
    text_ += "<path fill='none' stroke='#3a8530' stroke-width='1.3' d='";
    for (std::size_t i = 0; i < probability_.size(); ++i)
      put("%c%.1f %.1f", i == 0 ? 'M' : 'L', x(chunk_seconds * (static_cast<double>(i) + 0.5)),
          y(static_cast<double>(probability_[i])));
    text_ += "'/>\n";
  }

  const Sound& sound_;
  std::span<const float> probability_;
  std::span<const Segment> speech_;
  double duration_;
  std::string text_;
};

}  // namespace vad
