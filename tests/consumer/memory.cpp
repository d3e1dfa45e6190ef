// A user's program of the compiled part: the library that is linked is the one of the headers, and
// its pool serves a thread.

#include <tenon/memory.hpp>

#include <cstdio>
#include <thread>

int main() {
  tenon::PooledArray<int> numbers(1000);
  std::thread([&] { numbers[999] = 7; }).join();
  std::printf("tenon::memory %d: %d\n", tenon::memory_library_version(), numbers[999]);
  return tenon::memory_library_version() == TENON_VERSION && numbers[999] == 7 ? 0 : 1;
}
