#include <tenon/memory/call_stack.hpp>

// With the compiled backend names and lines are found in the program itself, else only the names
// that the dynamic linker knows.
#ifdef TENON_STACKTRACE_LINK
#define BOOST_STACKTRACE_LINK
#endif
#include <boost/stacktrace/frame.hpp>
#include <boost/stacktrace/safe_dump_to.hpp>

#include <cstdio>
#include <string_view>

namespace tenon {

namespace {

bool belongs_to_allocator(std::string_view frame) {
  for (const std::string_view own :
       {"tenon::DebugAllocator::", "std::pmr::memory_resource::", "tenon::CallStack::"})
    if (frame.starts_with(own)) return true;
  return false;
}

}  // namespace

[[gnu::noinline]] CallStack CallStack::here() noexcept {
  CallStack stack;
  // One more than fits, because the dump ends with a null.
  std::array<const void*, max_frames + 1> found{};
  boost::stacktrace::safe_dump_to(1, found.data(), sizeof found);
  while (stack.count_ < max_frames && found[stack.count_] != nullptr) {
    stack.frames_[stack.count_] = found[stack.count_];
    ++stack.count_;
  }
  return stack;
}

bool CallStack::names_functions() noexcept {
#ifdef TENON_STACKTRACE_LINK
  return true;
#else
  return false;
#endif
}

std::string CallStack::frame(std::size_t i) const {
  const boost::stacktrace::frame frame(frames_[i]);
  std::string text = frame.name();
  if (text.empty()) {
    char address[32];
    std::snprintf(address, sizeof address, "%p", frames_[i]);
    text = address;
  }
  if (const std::string file = frame.source_file(); !file.empty())
    text += " at " + file + ":" + std::to_string(frame.source_line());
  return text;
}

std::string CallStack::text() const {
  std::string lines;
  bool inside = true;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::string line = frame(i);
    inside = inside && belongs_to_allocator(line);
    if (!inside) lines += "    " + line + "\n";
  }
  return lines;
}

std::string CallStack::top() const {
  for (std::size_t i = 0; i < count_; ++i)
    if (std::string line = frame(i); !belongs_to_allocator(line)) return line;
  return "unknown";
}

}  // namespace tenon
