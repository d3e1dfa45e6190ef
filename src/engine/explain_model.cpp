#include "model_plan.hpp"

#include <cstdarg>
#include <cstdio>

namespace tenon::detail {

namespace {

[[gnu::format(printf, 2, 3)]] void append(std::string& to, const char* pattern, ...) {
  char line[400];
  std::va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(line, sizeof(line), pattern, arguments);
  va_end(arguments);
  to += line;
}

void append_place(std::string& to, const char* arrow, const TensorPlace& place) {
  switch (place.home) {
    case TensorPlace::Home::workspace:
      return append(to, "%s @%zu", arrow, place.index);
    case TensorPlace::Home::input:
      return append(to, "%s input %zu", arrow, place.index);
    case TensorPlace::Home::output:
      return append(to, "%s output %zu", arrow, place.index);
    case TensorPlace::Home::constant:
      return append(to, "%s constant", arrow);
  }
}

}  // namespace

std::string ModelPlan::explain() const {
  std::string text;
  append(text, "%zu steps, workspace %zu B (at least %zu B), weights computed %zu B\n\nsteps\n",
         steps.size(), workspace_bytes, lower_bound_bytes, weights_bytes);
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const PlanStep& step = steps[s];
    append(text, "  %3zu  %-20.60s ", s, step.name.c_str());
    text += step.label;
    if (step.is_program) append(text, " in one pass, %zu B moved", step.bytes_moved);
    text += "\n      ";
    for (const TensorPlace& place : step.inputs) append_place(text, "", place);
    for (const TensorPlace& place : step.outputs) append_place(text, " ->", place);
    if (step.workspace_bytes > 0)
      append(text, ", workspace @%zu %zu B", step.workspace_offset, step.workspace_bytes);
    text += '\n';
  }
  text += "\nbytes of the workspace\n";
  for (const PlanSlot& slot : slots)
    append(text, "  %8zu ... %8zu  %8zu B  steps %td ... %td  %.60s\n", slot.offset,
           slot.offset + slot.bytes, slot.bytes, slot.lower, slot.upper - 1, slot.name.c_str());
  return text;
}

}  // namespace tenon::detail
