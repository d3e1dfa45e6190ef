#pragma once
// A recording: 16 kHz, one channel, in any format that libsndfile reads.

#include "model.hpp"

#include <sndfile.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace vad {

// The samples, -1 … 1, with silence behind them up to whole chunks.
struct Sound {
  std::vector<float> samples;
  std::size_t length;  // without that silence

  [[nodiscard]] std::size_t chunks() const { return samples.size() / chunk; }
  [[nodiscard]] std::span<const float, chunk> operator[](std::size_t i) const {
    return std::span<const float, chunk>(samples.data() + i * chunk, chunk);
  }
};

inline Sound read_sound(const std::string& path) {
  SF_INFO info = {};
  const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file(sf_open(path.c_str(), SFM_READ, &info),
                                                         sf_close);
  if (!file) throw std::runtime_error("cannot read '" + path + "': " + sf_strerror(nullptr));
  if (info.samplerate != sample_rate || info.channels != 1)
    throw std::runtime_error("'" + path + "' has " + std::to_string(info.samplerate) + " Hz and " +
                             std::to_string(info.channels) +
                             " channels; this model hears 16000 Hz and 1. "
                             "Convert it: sox in.wav -r 16000 -c 1 out.wav");
  Sound sound{{}, 0};
  sound.samples.resize(static_cast<std::size_t>(info.frames));
  sound.length =
      static_cast<std::size_t>(sf_readf_float(file.get(), sound.samples.data(), info.frames));
  sound.samples.resize((sound.length + chunk - 1) / chunk * chunk);
  return sound;
}

}  // namespace vad
