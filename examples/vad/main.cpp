// Finds speech in a recording: Silero VAD as Tenon expressions, its weights mapped from the file, each
// chunk of 32 ms in a workspace that is a constant of the plan, without a heap call.
//
//   vad [recording] [--weights file] [--svg file] [--check file]
//
// The recording is 16 kHz mono. --check compares the probability of each chunk with the numbers in a
// file, and fails where one differs by more than 1e-4, or a chunk asked the heap. Ends with 77 where nothing was given and the data
// in ../shared is not there.

#include "detector.hpp"
#include "picture.hpp"
#include "segments.hpp"
#include "sound.hpp"

#include "heap_trap.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace vad {
namespace {

struct Options {
  std::string recording = TENON_SHARED_DATA "/silero/test.wav";
  std::string weights = TENON_SHARED_DATA "/silero/silero_vad_16k.safetensors";
  std::string svg = "vad.svg";
  std::string check;
};

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    std::string* const value = word == "--weights" ? &options.weights
                               : word == "--svg"   ? &options.svg
                               : word == "--check" ? &options.check
                                                   : nullptr;
    if (value == nullptr && word.starts_with("-"))
      throw std::runtime_error(
          "unknown option '" + word +
          "'\nusage: vad [recording] [--weights file] [--svg file] [--check file]");
    if (value != nullptr && i + 1 == count) throw std::runtime_error(word + " needs a file");
    (value != nullptr ? *value : options.recording) = value != nullptr ? words[++i] : word;
  }
  return options;
}

// A line that grows on a terminal: one mark for every fortieth of the recording, as high as the
// probability in it is on average.
class Progress {
 public:
  explicit Progress(std::size_t chunks) : chunks_(chunks) {
    static char buffer[4096];  // or stdio would take one from the heap
    std::setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    std::fputs("\n  ", stdout);
  }
  void show(std::size_t chunk, float probability) {
    constexpr const char* marks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    sum_ += probability;
    ++count_;
    if ((chunk + 1) * columns / chunks_ == chunk * columns / chunks_) return;
    std::fputs(marks[static_cast<int>(std::lround(sum_ / count_ * 8))], stdout);
    if (on_terminal_) std::fflush(stdout);
    sum_ = count_ = 0;
  }

 private:
  static constexpr std::size_t columns = 75;
  std::size_t chunks_;
  bool on_terminal_ = isatty(STDOUT_FILENO) != 0;
  float sum_ = 0, count_ = 0;
};

struct Detection {
  std::vector<float> probability;
  std::size_t heap_calls;
  double median_seconds, longest_seconds;  // of a chunk
};

Detection detect(Detector& detector, const Sound& sound) {
  Detection result{std::vector<float>(sound.chunks()), 0, 0, 0};
  std::vector<double> seconds(sound.chunks());
  Progress progress(sound.chunks());
  tn::support::HeapTrap trap;
  for (std::size_t i = 0; i < sound.chunks(); ++i) {
    const auto start = std::chrono::steady_clock::now();
    result.probability[i] = detector(sound[i]);
    seconds[i] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    progress.show(i, result.probability[i]);
  }
  result.heap_calls = trap.stop();
  std::ranges::sort(seconds);
  result.median_seconds = seconds.empty() ? 0 : seconds[seconds.size() / 2];
  result.longest_seconds = seconds.empty() ? 0 : seconds.back();
  return result;
}

// The largest difference to the numbers in a file, one for each chunk.
float difference(const std::vector<float>& probability, const std::string& path) {
  std::ifstream file(path);
  std::vector<float> expected;
  for (float p = 0; file >> p;) expected.push_back(p);
  if (expected.size() != probability.size())
    throw std::runtime_error("'" + path + "' has " + std::to_string(expected.size()) +
                             " numbers, the recording " + std::to_string(probability.size()) +
                             " chunks");
  float largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    largest = std::max(largest, std::abs(probability[i] - expected[i]));
  return largest;
}

int run(const Options& options) {
  const tn::Safetensors file(options.weights);
  const Sound sound = read_sound(options.recording);
  static tn::Arena arena;
  static Detector detector(file, arena);
  const double duration = static_cast<double>(sound.length) / sample_rate;

  std::printf(
      "\nTenon listens for speech\n\n"
      "  recording  %s, %.1f s\n"
      "  model      Silero VAD, %zu tensors, mapped\n"
      "  workspace  %zu B, a constant of the plan; state %zu B\n",
      options.recording.c_str(), duration, file.tensors().size(), Detector::workspace_bytes,
      Detector::state_bytes);
  const Detection heard = detect(detector, sound);
  const auto speech = find_speech(heard.probability, duration);

  std::printf(
      "\n\n  heap calls: %zu, in %zu chunks\n"
      "  a chunk of 32 ms: %.1f µs (median), %.1f µs (longest): %.0f times faster than it is "
      "spoken\n",
      heard.heap_calls, sound.chunks(), heard.median_seconds * 1e6, heard.longest_seconds * 1e6,
      chunk_seconds / heard.median_seconds);
  std::printf("\nSpeech\n\n");
  for (std::size_t i = 0; i < speech.size(); ++i)
    std::printf("  %7.2f … %6.2f s%s", speech[i].start, speech[i].end,
                i % 4 == 3 || i + 1 == speech.size() ? "\n" : "");
  if (speech.empty()) std::printf("  none\n");
  Picture(sound, heard.probability, speech)
      .write(options.svg,
             "Speech in " + std::filesystem::path(options.recording).filename().string());
  std::printf("\n  drawn in %s\n", options.svg.c_str());

  if (options.check.empty()) return EXIT_SUCCESS;
  const float largest = difference(heard.probability, options.check);
  std::printf("  largest difference from %s: %.1e\n", options.check.c_str(),
              static_cast<double>(largest));
  return largest <= 1e-4F && heard.heap_calls == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace vad

int main(int count, char** words) try {
  const auto options = vad::read_options(count, words);
  if (options.weights == vad::Options().weights && access(options.weights.c_str(), R_OK) != 0) {
    std::printf("vad: SKIPPED, there is no %s; give --weights and a recording\n",
                options.weights.c_str());
    return 77;
  }
  return vad::run(options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "vad: %s\n", error.what());
  return EXIT_FAILURE;
}
