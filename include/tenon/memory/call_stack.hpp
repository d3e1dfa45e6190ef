#pragma once
// Where in the program something happened.

#include <array>
#include <cstddef>
#include <string>

namespace tenon {

// The return addresses of the calls that led here; names are looked up when somebody reads them.
// Compiled part: link tenon::memory. Thread-safe: a value.
class CallStack {
 public:
  static constexpr std::size_t max_frames = 24;

  CallStack() noexcept = default;

  // The callers of the function that calls this, innermost first, at most max_frames.
  // No allocation; about 1 us for a few frames (the unwinder reads the program's tables).
  [[nodiscard]] static CallStack here() noexcept;

  // Whether tenon::memory was built with Boost's stacktrace_backtrace library, which finds the names
  // of all functions, and files and lines.
  [[nodiscard]] static bool names_functions() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] const void* address(std::size_t i) const noexcept { return frames_[i]; }

  // Function, file and line of frame i as far as the program tells: "f(int) at a.cpp:12".
  // File and line need -g, names of static functions Boost's stacktrace_backtrace library; an
  // address stands where there is no name. Allocations: on the heap. Cost: the first call reads the
  // program's debug information (0.1 s for a test program), later ones take microseconds.
  [[nodiscard]] std::string frame(std::size_t i) const;

  // One line for each frame, indented by four. The allocator's own frames at the top are left out.
  [[nodiscard]] std::string text() const;

  // The frame that text() begins with, or "unknown".
  [[nodiscard]] std::string top() const;

 private:
  std::array<const void*, max_frames> frames_{};
  std::size_t count_ = 0;
};

}  // namespace tenon
