#pragma once
// Resident memory after a workload, each subject in a process of its own.

#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace tenon::bench {

// Resident KiB of this process.
inline long resident_kib() {
  long pages = 0;
  long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &pages, &resident) != 2) std::abort();
  std::fclose(file);
  return resident * ::sysconf(_SC_PAGESIZE) / 1024;
}

inline void print_resident_heading() {
  std::printf("%-22s %12s %12s %12s\n", "KiB resident", "all live", "all freed", "blocks");
}

// 10,000 blocks of 1 KiB, written whole, then freed; three rounds. Prints what the process grew by
// while all live, and after all were freed.
template <class Make>
void print_resident(const char* who, Make make) {
  std::fflush(stdout);
  const ::pid_t child = ::fork();
  if (child == 0) {
    constexpr std::size_t count = 10'000;
    constexpr std::size_t bytes = 1024;
    auto subject = make();
    std::vector<void*> blocks(count, &subject);  // touched before the first reading
    const long before = resident_kib();
    long live = 0;
    for (int round = 0; round < 3; ++round) {
      for (void*& block : blocks) {
        block = subject.allocate(bytes);
        std::memset(block, round, bytes);
      }
      live = resident_kib() - before;
      for (void* block : blocks) subject.deallocate(block, bytes);
    }
    std::printf("%-22s %12ld %12ld %12zu\n", who, live, resident_kib() - before,
                count * bytes / 1024);
    std::fflush(stdout);
    std::_Exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

}  // namespace tenon::bench
