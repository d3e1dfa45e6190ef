// No system call in a warm loop of eval and clear: after the warm-up a child process forbids them all
// (seccomp, strict mode: read, write, _exit and sigreturn alone are allowed; anything else kills it).

#include "catch.hpp"

#include <tenon/tenon.hpp>

#if defined(__linux__)
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <csignal>

using namespace tenon;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TENON_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TENON_TEST_SANITIZED 1
#endif
#endif

#if defined(__linux__) && !defined(TENON_TEST_SANITIZED)

namespace {

enum class Outcome { completed, killed, unavailable };

// Runs prepare, then forbids system calls, then runs work, in a child process.
template <class Prepare, class Work>
Outcome without_system_calls(const Prepare& prepare, const Work& work) {
  constexpr int unavailable = 77;
  const pid_t child = ::fork();
  if (child == 0) {
    prepare();
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) ::_exit(unavailable);
    work();
    ::syscall(SYS_exit, 0);  // _exit ends in exit_group, which strict mode forbids
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return Outcome::killed;
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == unavailable) return Outcome::unavailable;
  REQUIRE(WEXITSTATUS(status) == 0);
  return Outcome::completed;
}

bool is_available() {
  const Outcome nothing = without_system_calls([] {}, [] {});
  if (nothing == Outcome::completed) return true;
  WARN("SKIPPED: this system has no seccomp (a container may forbid it, qemu-user lacks it)");
  return false;
}

}  // namespace

TEST_CASE("The trap for system calls works") {
  if (!is_available()) return;
  CHECK(without_system_calls([] {}, [] { ::getppid(); }) == Outcome::killed);
  CHECK(without_system_calls([] {},
                             [] {
                               PoolAllocator cold;
                               static_cast<void>(
                                   cold.allocate(std::size_t{8} << 20));  // asks upstream: mmap
                             }) == Outcome::killed);
}

TEST_CASE("A warm loop of eval and clear makes no system call") {
  if (!is_available()) return;
  Arena weights;
  PoolAllocator pool;
  const auto x = full<float>(shape(64, 784), 0.5F, weights);
  const auto w = full<float>(shape(784, 128), 0.25F, weights);
  const auto b = full<float>(shape(128), 1.0F, weights);
  float sum = 0;
  const auto step = [&] {
    const auto h = eval(relu(matmul(x, w) + b), pool);
    const auto y = eval(softmax<-1>(h), pool);
    const auto r = eval(h * h + y, pool);
    sum += r(0, 0) + eval(tenon::sum(y), pool).item();
    pool.clear();
  };
  const Outcome outcome = without_system_calls([&] { step(); },
                                               [&] {
                                                 for (int i = 0; i < 100; ++i) step();
                                               });
  CHECK(outcome == Outcome::completed);
}

TEST_CASE("A warm loop in an arena and in a fixed buffer makes no system call") {
  if (!is_available()) return;
  Arena data;
  const auto a = full<float>(shape(100, 100), 0.5F, data);
  const auto b = full<float>(shape(100, 100), 0.25F, data);
  Arena scratch;
  alignas(64) static std::byte buffer[std::size_t{1} << 20];
  FixedBufferAllocator fixed(buffer);
  const auto step = [&] {
    {
      const auto r = eval(matmul(a, b) + a, scratch);
      const auto s = eval(exp(r * b), fixed);
    }
    scratch.reset();
    fixed.reset();
  };
  CHECK(without_system_calls([&] { step(); },
                             [&] {
                               for (int i = 0; i < 100; ++i) step();
                             }) == Outcome::completed);
}

#else

TEST_CASE("A warm loop of eval and clear makes no system call") {
  WARN("SKIPPED: seccomp is Linux's, and sanitizers make system calls of their own");
}

#endif
