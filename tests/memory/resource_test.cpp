// The laws of memory resources, run on every resource and on stacks of them.

#include "models.hpp"
#include "reference.hpp"

#include <tenon/memory/resource.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <list>
#include <map>
#include <memory_resource>
#include <new>
#include <random>
#include <string>
#include <vector>

using namespace tenon;
using namespace tenon::test;

TEMPLATE_TEST_CASE("Random operations agree with the reference model", "[memory]",
                   TENON_MEMORY_MODELS) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    TestType model;
    auto& resource = model.resource;
    Reference reference(checks_frees<TestType>);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    for (int step = 0; step < 3000; ++step) {
      const std::size_t action = below(100);
      if (action < 55) {
        const std::size_t bytes = action < 4 ? 0 : below(std::size_t{1} << below(15)) + 1;
        const std::size_t alignment = std::size_t{1} << (action < 40 ? below(7) : below(13));
        void* block = resource.allocate(bytes, alignment);
        reference.issue(
            block, {bytes, alignment, resource.stamp(block), static_cast<unsigned char>(random())});
      } else if (action < 99) {
        if (reference.live.empty()) continue;
        // The newest, the oldest by address, or any.
        auto it = reference.live.begin();
        std::advance(it, action < 80 ? below(reference.live.size()) : 0);
        reference.check_contents(it);
        resource.deallocate(it->first, it->second.bytes, it->second.alignment);
        reference.forget(it);
      } else {
        const auto generation = resource.generation();
        reference.forget_all();
        model.clear();
        CHECK(resource.generation() != generation);
      }
      compare(resource, reference);
      if (step % 250 == 0) check_names(resource, reference);
    }
    check_names(resource, reference);
    for (auto it = reference.live.begin(); it != reference.live.end(); ++it)
      reference.check_contents(it);
    model.clear();
  }
}

TEMPLATE_TEST_CASE("A resource equals itself only", "[memory]", TENON_MEMORY_MODELS) {
  TestType model;
  TestType other;
  CHECK(model.resource.is_equal(model.resource));
  CHECK_FALSE(model.resource.is_equal(other.resource));
}

TEMPLATE_TEST_CASE("Containers of the standard library stand on every resource", "[memory]",
                   TENON_MEMORY_MODELS) {
  TestType model;
  {
    std::pmr::vector<int> numbers(&model.resource);
    std::pmr::list<std::pmr::string> words(&model.resource);
    for (int i = 0; i < 1000; ++i) {
      numbers.push_back(i);
      words.emplace_back(std::string(static_cast<std::size_t>(i % 50), 'x'));
      if (i % 3 == 0) words.pop_front();
    }
    for (int i = 0; i < 1000; ++i) REQUIRE(numbers[static_cast<std::size_t>(i)] == i);
  }
  CHECK(model.resource.stats().live_count == 0);
}

TEMPLATE_TEST_CASE("The virtual interface is the same resource", "[memory]", TENON_MEMORY_MODELS) {
  TestType model;
  std::pmr::memory_resource& base = model.resource;
  void* block = base.allocate(100, 16);
  CHECK(model.resource.stats().live_bytes == 100);
  CHECK(model.resource.stamp(block) != 0);
  base.deallocate(block, 100, 16);
  CHECK(model.resource.stats().live_bytes == 0);
  if (checks_frees<TestType>) CHECK(model.resource.stamp(block) == 0);
}

TEMPLATE_TEST_CASE("Empty blocks are blocks", "[memory]", TENON_MEMORY_MODELS) {
  TestType model;
  auto& resource = model.resource;
  void* first = resource.allocate(0);
  const auto first_stamp = resource.stamp(first);
  void* second = resource.allocate(0, 4096);
  const auto second_stamp = resource.stamp(second);
  if (checks_frees<TestType>) CHECK(first_stamp != second_stamp);
  CHECK(resource.is_live(first, first_stamp));
  CHECK(resource.is_live(second, second_stamp));
  void* third = resource.allocate(8);
  resource.deallocate(first, 0);
  if (checks_frees<TestType>) CHECK_FALSE(resource.is_live(first, first_stamp));
  CHECK(resource.is_live(second, second_stamp));
  resource.deallocate(second, 0, 4096);
  resource.deallocate(third, 8);
  CHECK(resource.stats().live_count == 0);
}

TEMPLATE_TEST_CASE("A request that no memory can hold is refused and changes nothing", "[memory]",
                   TENON_MEMORY_MODELS) {
  TestType model;
  auto& resource = model.resource;
  void* block = resource.allocate(1000);
  const auto before = resource.stats();
  for (const std::size_t bytes :
       {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 63, SIZE_MAX / 2 + 1, SIZE_MAX / 2}) {
    CAPTURE(bytes);
    CHECK_THROWS_AS(resource.allocate(bytes), std::bad_alloc);
    CHECK_THROWS_AS(resource.allocate(bytes, 4096), std::bad_alloc);
    CHECK_THROWS_AS(resource.allocate(bytes, 8192), std::bad_alloc);
  }
  const auto after = resource.stats();
  CHECK(after.live_bytes == before.live_bytes);
  CHECK(after.live_count == before.live_count);
  CHECK(after.peak_bytes == before.peak_bytes);
  CHECK(after.allocations == before.allocations);
  resource.deallocate(block, 1000);
}

TEMPLATE_TEST_CASE("Misuse is reported and changes nothing", "[memory]", TENON_MEMORY_MODELS) {
  if constexpr (!checks_frees<TestType>) return;
  TestType model;
  auto& resource = model.resource;
  void* below = resource.allocate(64);
  void* block = resource.allocate(1000);
  void* above = resource.allocate(64);
  alignas(64) std::byte foreign[64];
  CHECK_THROWS_AS(resource.deallocate(foreign, 64), ContractError);
  CHECK_THROWS_AS(resource.deallocate(nullptr, 64), ContractError);
  CHECK_THROWS_WITH(resource.deallocate(block, 999), Catch::Contains("999 B"));
  CHECK(resource.stats().live_bytes == 1128);
  resource.deallocate(block, 1000);
  CHECK_THROWS_AS(resource.deallocate(block, 1000), ContractError);
  CHECK(resource.stats().live_bytes == 128);
  resource.deallocate(above, 64);
  resource.deallocate(below, 64);
  CHECK(resource.stats().live_bytes == 0);
}

TEMPLATE_TEST_CASE("A free after clear is reported", "[memory]", TENON_MEMORY_MODELS) {
  TestType model;
  auto& resource = model.resource;
  void* block = resource.allocate(100);
  const auto stamp = resource.stamp(block);
  const auto generation = resource.generation();
  model.clear();
  CHECK(resource.generation() != generation);
  CHECK_FALSE(resource.is_live(block, stamp));
  if (checks_frees<TestType>) {
    CHECK(resource.stamp(block) == 0);
    CHECK_THROWS(resource.deallocate(block, 100));
  }
  CHECK(resource.stats().live_count == 0);
  // The same address under a new name does not bring the old handle back.
  void* again = resource.allocate(100);
  CHECK(resource.stamp(again) != stamp);
  CHECK_FALSE(resource.is_live(again, stamp));
  resource.deallocate(again, 100);
}

namespace {
LeakReport seen{};
void see(const LeakReport& report) noexcept { seen = report; }

template <class Resource>
struct Alone {
  Resource resource;
};
template <>
struct Alone<FixedBufferAllocator> {
  alignas(64) std::byte buffer[4096];
  FixedBufferAllocator resource{buffer};
};
}  // namespace

TEMPLATE_TEST_CASE("A resource that dies before its handles says so in checked builds", "[memory]",
                   PoolAllocator, BufferPool, Arena, FixedBufferAllocator, MemoryPool) {
  const LeakHandler before = set_leak_handler(see);
  seen = {};
  {
    Alone<TestType> alone;
    for (const std::size_t bytes : {100U, 200U, 400U}) {
      void* block = alone.resource.allocate(bytes);
      CHECK(alone.resource.stamp(block) != 0);
      if (bytes == 400) alone.resource.deallocate(block, bytes);
    }
  }
  CHECK(seen.block_count == (checked_build ? 2 : 0));
  CHECK(seen.live_bytes == (checked_build ? 300 : 0));
  seen = {};
  {
    Alone<TestType> alone;
    void* block = alone.resource.allocate(100);
    CHECK(alone.resource.stamp(block) != 0);
    alone.resource.deallocate(block, 100);
  }
  CHECK(seen.block_count == 0);
  set_leak_handler(before);
}

TEST_CASE("The first leak handler is in place and prints", "[memory]") {
  const LeakHandler first = set_leak_handler(see);
  CHECK(set_leak_handler(first) == see);
  REQUIRE(first != nullptr);
}
