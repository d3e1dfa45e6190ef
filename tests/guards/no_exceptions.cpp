// A program without exceptions: an error goes to the handler, with its code and its numbers.

#include <tenon/parallel.hpp>
#include <tenon/tenon.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tn = tenon;

int main() {
  tn::set_error_handler([](const tn::Error& error) {
    const bool right = error.code() == tn::ErrorCode::out_of_memory &&
                       std::strstr(error.message(), "4096 B") != nullptr;
    std::printf("%s\n", error.message());
    std::exit(right ? 0 : 1);
  });
  alignas(64) std::byte buffer[1024];
  tn::FixedBufferAllocator memory(buffer);
  tn::StaticTensor<float, 4> x{1, 2, 3, 4};
  const auto y = tn::eval(x * x, memory);
  if (y(3) != 16) return 2;
  tn::ThreadTeam team(2);
  static tn::StaticTensor<float, 300, 400> wide{};
  tn::eval_into(wide, wide + 1, team);
  if (wide(299, 399) != 1) return 4;
  static_cast<void>(memory.allocate(4096));
  return 3;
}
