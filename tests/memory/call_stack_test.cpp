#include "catch.hpp"

#include <tenon/memory/call_stack.hpp>

using tenon::CallStack;

namespace {

[[gnu::noinline]] CallStack stack_of(int depth) {
  CallStack stack = depth > 0 ? stack_of(depth - 1) : CallStack::here();
  asm volatile("" : "+m"(stack));  // no tail call
  return stack;
}

}  // namespace

TEST_CASE("a call stack holds the calls that led to it", "[memory][callstack]") {
  CHECK(CallStack().size() == 0);
  CHECK(CallStack().text().empty());
  CHECK(CallStack().top() == "unknown");
  const CallStack shallow = stack_of(0), deep = stack_of(5);
  REQUIRE(shallow.size() > 1);
  CHECK(deep.size() == shallow.size() + 5);
  CHECK(stack_of(100).size() == CallStack::max_frames);
  for (std::size_t i = 0; i < shallow.size(); ++i) {
    CHECK(shallow.address(i) != nullptr);
    CHECK_FALSE(shallow.frame(i).empty());
  }
  CHECK_THAT(shallow.text(), Catch::StartsWith("    " + shallow.top() + "\n"));
}

TEST_CASE("frames have names", "[memory][callstack]") {
  if (!CallStack::names_functions()) return;  // without Boost's backtrace library: some do
  CHECK_THAT(stack_of(0).top(), Catch::Contains("stack_of(int)"));
}
