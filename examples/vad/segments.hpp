#pragma once
// From the probability of each chunk to stretches of speech, as Silero's get_speech_timestamps does:
// speech starts at a probability of 0.5, ends below 0.35 for 100 ms, lasts at least 250 ms, and gets
// 30 ms at either end.

#include "model.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace vad {

struct Segment {
  double start, end;  // seconds
};

inline constexpr float speech_starts = 0.5F, speech_ends = 0.35F;
inline constexpr double chunk_seconds = static_cast<double>(chunk) / sample_rate;

inline std::vector<Segment> find_speech(std::span<const float> probability, double duration) {
  constexpr double shortest_silence = 0.1, shortest_speech = 0.25, margin = 0.03;
  std::vector<Segment> found;
  bool inside = false;
  double start = 0, silent_since = -1;
  const auto close = [&](double end) {
    if (end - start >= shortest_speech)
      found.push_back({std::max(0.0, start - margin), std::min(duration, end + margin)});
    inside = false;
    silent_since = -1;
  };
  for (std::size_t i = 0; i < probability.size(); ++i) {
    const double now = chunk_seconds * static_cast<double>(i);
    if (probability[i] >= speech_starts) {
      silent_since = -1;
      if (!inside) start = now;
      inside = true;
    } else if (inside && probability[i] < speech_ends) {
      if (silent_since < 0) silent_since = now;
      if (now - silent_since >= shortest_silence) close(silent_since);
    }
  }
  if (inside) close(duration);
  return found;
}

}  // namespace vad
