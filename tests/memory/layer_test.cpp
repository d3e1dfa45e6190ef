// A layer forwards names, whatever lies below it.

#include "catch.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/layer.hpp>
#include <tenon/memory/pool_allocator.hpp>

namespace tn = tenon;

namespace {

class Plain final : public tn::ResourceLayer {
 public:
  explicit Plain(std::pmr::memory_resource* upstream) noexcept : ResourceLayer(upstream) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return upstream()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    upstream()->deallocate(block, bytes, alignment);
  }
};

}  // namespace

TEST_CASE("a layer forwards generation, stamps and liveness", "[memory][layer]") {
  tn::PoolAllocator pool;
  Plain below(&pool), layer(&below);  // two of them
  void* block = layer.allocate(100, 64);
  const auto stamp = layer.stamp(block);
  CHECK(stamp == pool.stamp(block));
  CHECK(layer.is_live(block, stamp));
  CHECK_FALSE(layer.is_live(block, stamp + 1));
  const auto generation = layer.generation();
  CHECK(generation == pool.generation());
  pool.clear();
  CHECK(layer.generation() != generation);
  CHECK_FALSE(layer.is_live(block, stamp));
}

TEST_CASE("a layer over a foreign resource says that nobody can tell", "[memory][layer]") {
  Plain layer(std::pmr::new_delete_resource());
  void* block = layer.allocate(100, 64);
  CHECK(layer.generation() == 0);
  CHECK(layer.stamp(block) == 0);
  CHECK(layer.is_live(block, 0));
  layer.deallocate(block, 100, 64);
}

TEST_CASE("layers are equal to themselves only", "[memory][layer]") {
  tn::Arena arena;
  Plain a(&arena), b(&arena);
  CHECK(a.is_equal(a));
  CHECK_FALSE(a.is_equal(b));
  CHECK_FALSE(a.is_equal(arena));
}
