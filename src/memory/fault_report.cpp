#include <tenon/memory/debug_allocator.hpp>

#include <cstdarg>
#include <cstdio>

namespace tenon {

const char* fault_name(MemoryFault fault) noexcept {
  switch (fault) {
    case MemoryFault::leak:
      return "leak";
    case MemoryFault::double_free:
      return "double free";
    case MemoryFault::foreign_free:
      return "foreign free";
    case MemoryFault::size_mismatch:
      return "size mismatch";
    case MemoryFault::alignment_mismatch:
      return "alignment mismatch";
    case MemoryFault::underrun:
      return "underrun";
    case MemoryFault::overrun:
      return "overrun";
    case MemoryFault::use_after_free:
      return "use after free";
    case MemoryFault::stale_free:
      return "stale free";
    case MemoryFault::stale_handle:
      return "stale handle";
  }
  return "fault";
}

namespace {

[[gnu::format(printf, 2, 3)]] void append(std::string& text, const char* pattern, ...) {
  char line[200];
  std::va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  text += line;
}

void append_stack(std::string& text, const char* title, const CallStack* stack) {
  if (stack == nullptr || stack->size() == 0) return;
  text += "  ";
  text += title;
  text += ":\n";
  text += stack->text();
}

}  // namespace

std::string FaultReport::summary() const {
  std::string text;
  append(text, "%s of %p", fault_name(fault), block);
  if (serial != 0)
    append(text, ", a block of %zu B (alignment %zu, allocation %llu)", bytes, alignment,
           static_cast<unsigned long long>(serial));
  switch (fault) {
    case MemoryFault::foreign_free:
      append(text, ", freed with %zu B: ", given_bytes);
      if (serial == 0)
        text += "no block of this allocator";
      else
        append(text, "it points %td B into that block", offset);
      break;
    case MemoryFault::size_mismatch:
      append(text, ": freed with %zu B", given_bytes);
      break;
    case MemoryFault::alignment_mismatch:
      append(text, ": freed with alignment %zu", given_alignment);
      break;
    case MemoryFault::underrun:
    case MemoryFault::overrun:
    case MemoryFault::use_after_free:
      append(text, ": %zu B from byte %td on were written", damaged_bytes, offset);
      break;
    case MemoryFault::stale_free:
    case MemoryFault::stale_handle:
      text += freed != nullptr ? ": it was freed before" : ": upstream took its memory back before";
      break;
    case MemoryFault::leak:
    case MemoryFault::double_free:
      break;
  }
  return text;
}

std::string FaultReport::text() const {
  std::string text = "tenon: DebugAllocator: " + summary() + "\n";
  append_stack(text, "allocated by", allocated);
  append_stack(text, "freed by", freed);
  append_stack(text, "found in", found);
  return text;
}

}  // namespace tenon
