// Programs with one memory error each, that AddressSanitizer or Valgrind has to report, and their
// right counterparts, about which it has to be silent. See run.py.

#include <tenon/memory/arena.hpp>
#include <tenon/memory/debug_allocator.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <cstddef>
#include <cstdio>
#include <cstring>

namespace tn = tenon;

namespace {

static_assert(tn::detail::poisons, "build this with -fsanitize=address or TENON_VALGRIND=1");

// A branch on the byte, so that memcheck also sees contents that nobody wrote.
[[gnu::noinline]] void use(const void* byte) {
  if (*static_cast<const volatile unsigned char*>(byte) == 7) std::puts("seven");
}

template <class Resource>
std::byte* block_of(Resource& resource, std::size_t bytes) {
  void* block = resource.allocate(bytes);
  std::memset(block, 1, bytes);
  return static_cast<std::byte*>(block);
}

void pool_after_clear() {
  tn::PoolAllocator pool;
  const auto* block = block_of(pool, 100);
  pool.clear();
  use(block);
}
void pool_after_free() {
  tn::PoolAllocator pool;
  auto* block = block_of(pool, 100);
  pool.deallocate(block, 100);
  use(block + 99);
}
void pool_end_of_bucket() {
  tn::PoolAllocator pool;
  use(block_of(pool, 100) + 100);
}
void pool_issued_again() {
  tn::PoolAllocator pool;
  const auto* before = block_of(pool, 100);
  pool.clear();
  const auto* block = block_of(pool, 80);
  if (block == before) use(block + 79);
}
void arena_after_reset() {
  tn::Arena arena(1024);
  const auto* block = block_of(arena, 100);
  arena.reset();
  use(block);
}
void arena_after_rewind() {
  tn::Arena arena(1024);
  use(block_of(arena, 100));
  const auto mark = arena.mark();
  const auto* block = block_of(arena, 100);
  arena.rewind(mark);
  use(block + 50);
}
void arena_before_the_mark() {
  tn::Arena arena(1024);
  const auto* block = block_of(arena, 100);
  const auto mark = arena.mark();
  use(block_of(arena, 100));
  arena.rewind(mark);
  use(block + 99);
  use(block_of(arena, 1000));
}
void arena_not_issued() {
  tn::Arena arena(1024);
  use(block_of(arena, 64) + 64);
}
void fixed_after_reset() {
  alignas(64) std::byte buffer[1024];
  tn::FixedBufferAllocator fixed(buffer);
  const auto* block = block_of(fixed, 100);
  fixed.reset();
  use(block);
}
void fixed_behind_its_back() {
  alignas(64) std::byte buffer[1024] = {};
  tn::FixedBufferAllocator fixed(buffer);
  use(buffer + 512);
}
void fixed_after_its_end() {
  alignas(64) std::byte buffer[1024] = {};
  {
    tn::FixedBufferAllocator fixed(buffer);
    use(block_of(fixed, 100));
  }
  for (const auto& byte : buffer) use(&byte);
}
void pool_over_arena() {
  tn::Arena arena(64 << 10);
  tn::PoolAllocator pool(&arena);
  auto* block = block_of(pool, 100);
  pool.deallocate(block, 100);
  pool.trim();
  use(block);
}

void debug_before_a_block() {
  tn::DebugAllocator debug(std::pmr::new_delete_resource());
  auto* block = block_of(debug, 100);
  use(block - 1);
  debug.deallocate(block, 100);
}
void debug_behind_a_block() {
  tn::DebugAllocator debug(std::pmr::new_delete_resource());
  auto* block = block_of(debug, 100);
  use(block + 100);
  debug.deallocate(block, 100);
}
void debug_after_free() {
  tn::DebugAllocator debug(std::pmr::new_delete_resource());
  auto* block = block_of(debug, 100);
  debug.deallocate(block, 100);
  use(block + 50);
}
void debug_in_order() {
  tn::PoolAllocator pool;
  tn::DebugAllocator debug(&pool);
  for (std::size_t bytes = 1; bytes < 5000; bytes += 77) {
    auto* block = block_of(debug, bytes);
    use(block + bytes - 1);
    debug.deallocate(block, bytes);
  }
  debug.check();
  pool.clear();
  auto* block = block_of(debug, 100);
  use(block);
  debug.deallocate(block, 100);
}

struct Case {
  const char* name;
  void (*run)();
  bool is_error;
};
constexpr Case cases[] = {
    {"pool_after_clear", pool_after_clear, true},
    {"pool_after_free", pool_after_free, true},
    {"pool_end_of_bucket", pool_end_of_bucket, true},
    {"pool_issued_again", pool_issued_again, false},
    {"arena_after_reset", arena_after_reset, true},
    {"arena_after_rewind", arena_after_rewind, true},
    {"arena_before_the_mark", arena_before_the_mark, false},
    {"arena_not_issued", arena_not_issued, true},
    {"fixed_after_reset", fixed_after_reset, true},
    {"fixed_behind_its_back", fixed_behind_its_back, true},
    {"fixed_after_its_end", fixed_after_its_end, false},
    {"pool_over_arena", pool_over_arena, true},
    {"debug_before_a_block", debug_before_a_block, true},
    {"debug_behind_a_block", debug_behind_a_block, true},
    {"debug_after_free", debug_after_free, true},
    {"debug_in_order", debug_in_order, false},
};

}  // namespace

int main(int argc, char* argv[]) {
  for (const Case& one : cases) {
    if (argc < 2)
      std::printf("%s %s\n", one.name, one.is_error ? "error" : "clean");
    else if (std::strcmp(argv[1], one.name) == 0)
      one.run();
  }
}
