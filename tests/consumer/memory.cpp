// A user's program of the compiled part: the library that is linked is the one of the headers.

#include <tenon/memory.hpp>
#include <tenon/memory/library.hpp>

#include <cstdio>

int main() {
  std::printf("tenon::memory %d\n", tenon::memory_library_version());
  return tenon::memory_library_version() == TENON_VERSION ? 0 : 1;
}
