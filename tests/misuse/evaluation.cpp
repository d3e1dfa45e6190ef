// Evaluations that touch what is dead of their workspace, and one that does not. See run.py.

#include <tenon/tenon.hpp>

#include <cstddef>
#include <cstdio>
#include <cstring>

namespace tn = tenon;

namespace {

static_assert(tn::detail::poisons, "build this with -fsanitize=address or TENON_VALGRIND=1");

const std::byte* workspace = nullptr;
std::size_t peeked_at = 0;

// A user's operation that looks where it should not.
struct Peek {
  float operator()(float x) const {
    if (static_cast<const volatile unsigned char&>(
            reinterpret_cast<const unsigned char*>(workspace)[peeked_at]) == 7)
      std::puts("seven");
    return x;
  }
};

class Noting final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    std::memset(block, 0, bytes);
    workspace = static_cast<const std::byte*>(block);
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

// The last stage reads a byte of the second product, which lives then, or of the first, which is dead. (The
// last byte: the row buffer of the softmax may lie where the first product began.)
void run(bool is_dead) {
  tn::Arena data;
  const auto a =
      tn::full(tn::shape<8, 8>(), 0.5F, data);  // rows that are known and few: no blocks of them
  const auto e = tn::map(Peek{}, tn::softmax<-1>(tn::matmul(tn::matmul(a, a), a)));
  for (const auto& slot : tn::plan(e).slots.value)
    if (slot.bytes > 0 && (slot.last == 1) == is_dead) peeked_at = slot.offset + slot.bytes - 1;
  Noting resource;
  const auto r = tn::eval(e, data, tn::scratch(resource));
  if (r(0, 0) == 7) std::puts("seven");
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 2)
    std::puts("dead_slot error\nlive_slot clean");
  else
    run(std::strcmp(argv[1], "dead_slot") == 0);
}
