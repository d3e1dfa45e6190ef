#include "heap_trap.hpp"
#include "catch.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <thread>

using tenon::support::HeapCall;
using tenon::support::HeapTrap;

namespace {

// Keeps the compiler from removing an allocation that nobody reads.
void* volatile sink;
volatile std::size_t opaque_bytes = 256;  // nor may it know the size
void* volatile opaque_null = nullptr;     // realloc of a known null becomes malloc

struct Way {
  const char* name;
  HeapCall kind;
  std::function<void()> allocate;  // and release
};

struct alignas(128) Overaligned {
  char bytes[128];
};

const Way ways[] = {
    {"malloc", HeapCall::malloc,
     [] {
       sink = std::malloc(opaque_bytes);
       std::free(sink);
     }},
    {"calloc", HeapCall::calloc,
     [] {
       sink = std::calloc(opaque_bytes, 4);
       std::free(sink);
     }},
    {"realloc", HeapCall::realloc,
     [] {
       sink = std::realloc(opaque_null, opaque_bytes);
       std::free(sink);
     }},
    {"reallocarray", HeapCall::realloc,
     [] {
       sink = ::reallocarray(nullptr, opaque_bytes, 4);
       std::free(sink);
     }},
    {"aligned_alloc", HeapCall::aligned_alloc,
     [] {
       sink = std::aligned_alloc(64, opaque_bytes);
       std::free(sink);
     }},
    {"posix_memalign", HeapCall::posix_memalign,
     [] {
       void* block = nullptr;
       if (::posix_memalign(&block, 64, opaque_bytes) == 0) sink = block;
       std::free(sink);
     }},
    {"memalign", HeapCall::memalign,
     [] {
       sink = ::memalign(64, opaque_bytes);
       std::free(sink);
     }},
    {"valloc", HeapCall::memalign,
     [] {
       sink = ::valloc(opaque_bytes);
       std::free(sink);
     }},
    {"new", HeapCall::operator_new,
     [] {
       sink = ::operator new(opaque_bytes);
       ::operator delete(sink);
     }},
    {"new[]", HeapCall::operator_new,
     [] {
       sink = ::operator new[](opaque_bytes);
       ::operator delete[](sink);
     }},
    {"aligned new", HeapCall::operator_new,
     [] {
       auto* const object = new Overaligned;
       sink = object;
       delete object;
     }},
    {"aligned new[]", HeapCall::operator_new,
     [] {
       sink = ::operator new[](opaque_bytes, std::align_val_t{128});
       ::operator delete[](sink, std::align_val_t{128});
     }},
    {"nothrow new", HeapCall::operator_new,
     [] {
       sink = ::operator new(opaque_bytes, std::nothrow);
       ::operator delete(sink);
     }},
    {"nothrow new[]", HeapCall::operator_new,
     [] {
       sink = ::operator new[](opaque_bytes, std::nothrow);
       ::operator delete[](sink);
     }},
    {"aligned nothrow new", HeapCall::operator_new,
     [] {
       sink = ::operator new(opaque_bytes, std::align_val_t{128}, std::nothrow);
       ::operator delete(sink, std::align_val_t{128});
     }},
    {"aligned nothrow new[]", HeapCall::operator_new,
     [] {
       sink = ::operator new[](opaque_bytes, std::align_val_t{128}, std::nothrow);
       ::operator delete[](sink, std::align_val_t{128});
     }},
    {"mmap", HeapCall::mmap,
     [] {
       void* const pages =
           ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       static_cast<char*>(pages)[4095] = 1;  // the pages are there
       ::munmap(pages, 4096);
     }},
    {"strdup, inside libc", HeapCall::malloc,
     [] {
       sink = ::strdup("a string that libc copies");
       std::free(sink);
     }},
    {"std::string, inside libstdc++", HeapCall::operator_new,
     [] {
       const std::string text(opaque_bytes, 'x');
       sink = const_cast<char*>(text.data());
     }},
};

// How a child process ends that runs `act`.
int status_of(const std::function<void()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);
    std::signal(SIGABRT, SIG_DFL);  // Catch2 reports signals; here the abort is wanted
    act();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("the trap catches each way to the heap, once and under its own name") {
  for (const Way& way : ways) {
    if (!HeapTrap::sees(way.kind)) {
      WARN(way.name << " belongs to the sanitizer in this build; not checked");
      continue;
    }
    HeapTrap trap;
    way.allocate();
    const auto calls = trap.stop();
    INFO(way.name);
    CHECK(calls == 1);
    if (HeapTrap::tells_kinds_apart()) CHECK(trap.calls(way.kind) == 1);
    if (way.kind != HeapCall::mmap) CHECK(trap.calls(HeapCall::release) == 1);
  }
}

TEST_CASE("the trap counts nothing where nothing is allocated") {
  HeapTrap trap;
  char text[64];
  std::snprintf(text, sizeof text, "%zu", static_cast<std::size_t>(opaque_bytes));
  const auto calls = trap.stop();
  CHECK(calls == 0);
  CHECK(text[0] == '2');
}

TEST_CASE("a stopped trap counts no more, and traps nest") {
  HeapTrap outer;
  ways[0].allocate();
  HeapTrap inner;
  ways[0].allocate();
  const auto inner_calls = inner.stop();
  ways[0].allocate();
  const auto outer_calls = outer.stop();
  ways[0].allocate();
  CHECK(inner_calls == 1);
  CHECK(inner.calls() == 1);
  CHECK(outer_calls == 3);
  CHECK(outer.stop() == 3);
}

TEST_CASE("a thread trap sees its thread, a process trap all of them") {
  // Starting a thread allocates here (the first one more than others, for its stack); what runs
  // inside it must not count for this thread.
  std::thread([] {}).join();
  HeapTrap of_start;
  std::thread([] {}).join();
  const auto start_calls = of_start.stop();

  HeapTrap of_thread;
  HeapTrap of_process(HeapTrap::Scope::process);
  std::thread([] {
    for (int i = 0; i < 100; ++i) ways[0].allocate();
  }).join();
  const auto process_calls = of_process.stop();
  const auto thread_calls = of_thread.stop();
  CHECK(thread_calls == start_calls);
  CHECK(process_calls >= 100 + start_calls);
}

TEST_CASE("an aborting trap ends the program at the first call, not before and not after stop") {
  const auto aborts = [](const std::function<void()>& act) {
    const int status = status_of(act);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  };
  CHECK(aborts([] {
    HeapTrap trap(HeapTrap::Mode::abort);
    ways[0].allocate();
  }));
  CHECK(aborts([] {
    std::thread worker;
    HeapTrap trap(HeapTrap::Mode::abort, HeapTrap::Scope::process);
    worker = std::thread([] { ways[8].allocate(); });
    worker.join();
  }));
  CHECK_FALSE(aborts([] { HeapTrap trap(HeapTrap::Mode::abort); }));
  CHECK_FALSE(aborts([] {
    void* const block = std::malloc(opaque_bytes);
    HeapTrap trap(HeapTrap::Mode::abort);
    std::free(block);
    trap.stop();
    ways[0].allocate();
  }));
}

TEST_CASE("allocation functions keep their contracts under the trap") {
  const HeapTrap trap;
  void* block = nullptr;
  CHECK(::posix_memalign(&block, 4096, 64) == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(block) % 4096 == 0);
  std::free(block);
  auto* const object = new Overaligned;
  CHECK(reinterpret_cast<std::uintptr_t>(object) % 128 == 0);
  delete object;
  if (HeapTrap::tells_kinds_apart()) {  // a sanitizer ends the program at such requests
    CHECK(::posix_memalign(&block, 3, 64) == EINVAL);
    volatile std::size_t huge = static_cast<std::size_t>(-1) / 2;
    CHECK_THROWS_AS(sink = ::operator new(huge), std::bad_alloc);
    CHECK(::operator new(huge, std::nothrow) == nullptr);
    CHECK(::reallocarray(nullptr, huge, 4) == nullptr);
    CHECK(std::calloc(huge, 4) == nullptr);
  }
}
