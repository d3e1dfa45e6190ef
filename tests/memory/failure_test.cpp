// Every request to the resource below may be refused: the n-th, for every n, once and from then on.
// Whatever was refused, everything is as it was before that operation, and the message has numbers.

#include "upstream.hpp"

#include <tenon/memory.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

using namespace tenon;

namespace {

struct PoolModel {
  test::Upstream upstream;
  PoolAllocator resource{&upstream};
  void clear() { resource.clear(); }
  void reserve() { resource.reserve(3000, 3); }
};
struct LimitedPoolModel : PoolModel {
  LimitedPoolModel() { resource.limit_per_bucket(1); }
};
struct BufferPoolModel {
  test::Upstream upstream;
  BufferPool resource{&upstream};
  void clear() { resource.clear(); }
};
struct ArenaModel {
  test::Upstream upstream;
  Arena resource{&upstream};
  void clear() { resource.reset(); }
};
struct SmallArenaModel {
  test::Upstream upstream;
  Arena resource{&upstream};
  void clear() { resource.reset(retain_limit(2000)); }
};
struct PageCacheModel {
  test::Upstream upstream;
  PageCache resource{&upstream};
  void clear() { resource.clear(); }
  void reserve() { resource.reserve(5000, 3); }
};
struct StackFallbackModel {
  test::Upstream upstream;
  StackFallbackAllocator<1024> resource{&upstream};
  void clear() { resource.reset(); }
};
struct MemoryPoolModel {
  test::Upstream upstream;
  MemoryPool resource{&upstream};
  void clear() { resource.clear(); }
  void reserve() { resource.reserve(3000, 3); }
};
struct TrackingModel {
  test::Upstream upstream;
  PoolAllocator pool{&upstream};
  EventLog log{&upstream};
  TrackingAllocator resource{&pool, {.log = &log}};
  void clear() { pool.clear(); }
};
struct DebugModel {
  test::Upstream upstream;
  PoolAllocator pool{&upstream};
  DebugAllocator resource{&pool, options()};
  void clear() { pool.clear(); }
  static DebugOptions options() {
    DebugOptions o;
    o.quarantine_bytes = 3000;
    o.call_stacks = false;
    return o;
  }
};
struct StackModel {  // every layer at once
  test::Upstream upstream;
  Budget limited{&upstream, std::size_t{1} << 30};
  Arena arena{&limited};
  PoolAllocator pool{&arena};
  DebugAllocator debug{&pool};
  TrackingAllocator resource{&debug};
  void clear() { pool.clear(); }
};

struct Snapshot {
  std::size_t live_bytes, live_count, peak_bytes;
  std::uint64_t allocations, deallocations;
  bool operator==(const Snapshot&) const = default;
};
template <class Resource>
Snapshot snapshot(const Resource& resource) {
  const auto s = resource.stats();
  return {s.live_bytes, s.live_count, s.peak_bytes, s.allocations, s.deallocations};
}

struct Live {
  unsigned char* data;
  std::size_t bytes, alignment;
  std::uint64_t stamp;
  unsigned char fill;
};

template <class Resource>
void check_blocks(const Resource& resource, const std::vector<Live>& live) {
  for (const Live& block : live) {
    if (!resource.is_live(block.data, block.stamp)) FAIL("a live block is said to be dead");
    if (!std::all_of(block.data, block.data + block.bytes,
                     [&](auto byte) { return byte == block.fill; }))
      FAIL("a block lost its contents");
  }
}

// True if the message of a refusal names the bytes.
bool has_number(const std::exception& error) {
  const std::string text = error.what();
  return text.find("requested ") != std::string::npos &&
         std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Some random work with request n refused; returns how many requests were refused.
template <class Model>
std::size_t work(std::size_t n, bool onwards) {
  Model model;
  auto& resource = model.resource;
  std::vector<Live> live;
  std::mt19937 random(7);
  model.upstream.fail_at(n, onwards);
  for (int step = 0; step < 120; ++step) {
    const auto action = random() % 100;
    const auto bytes = static_cast<std::size_t>(random() % (std::size_t{1} << (random() % 18)));
    const auto alignment = std::size_t{1} << (random() % 13);
    const auto pick = random();
    const Snapshot before = snapshot(resource);
    const auto unchanged = [&](const std::bad_alloc& error) {
      CHECK(has_number(error));
      CHECK(snapshot(resource) == before);
      check_blocks(resource, live);
    };
    if (action < 60) {
      try {
        auto* data = static_cast<unsigned char*>(resource.allocate(bytes, alignment));
        const auto fill = static_cast<unsigned char>(pick);
        std::memset(data, fill, bytes);
        live.push_back({data, bytes, alignment, resource.stamp(data), fill});
      } catch (const std::bad_alloc& error) {
        unchanged(error);
      }
    } else if (action < 90) {
      if (live.empty()) continue;
      const Live block = live[pick % live.size()];
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(pick % live.size()));
      resource.deallocate(block.data, block.bytes, block.alignment);
    } else if (action < 95) {
      if constexpr (requires { model.reserve(); }) {
        try {
          model.reserve();
        } catch (const std::bad_alloc& error) {
          unchanged(error);
        }
      }
    } else {
      model.clear();
      live.clear();
    }
  }
  check_blocks(resource, live);
  const std::size_t refused = model.upstream.refused;
  model.upstream.heal();
  for (const Live& block : live) resource.deallocate(block.data, block.bytes, block.alignment);
  CHECK(resource.stats().live_count == 0);
  CHECK(resource.stats().live_bytes == 0);
  resource.deallocate(resource.allocate(100'000), 100'000);
  return refused;  // ~Upstream checks that everything came back
}

}  // namespace

TEMPLATE_TEST_CASE("any request of a resource may be refused", "[memory][failure]", PoolModel,
                   LimitedPoolModel, BufferPoolModel, ArenaModel, SmallArenaModel, PageCacheModel,
                   StackFallbackModel, MemoryPoolModel, TrackingModel, DebugModel, StackModel) {
  for (const bool onwards : {false, true}) {
    std::size_t n = 0;
    while (work<TestType>(n, onwards) > 0) ++n;
    CAPTURE(onwards);
    CHECK(n > 3);  // there was something to refuse
  }
}

TEST_CASE("making a resource may be refused", "[memory][failure]") {
  for (const bool onwards : {false, true}) {
    std::size_t n = 0;
    for (bool refused = true; refused; ++n) {
      test::Upstream upstream;
      upstream.fail_at(n, onwards);
      const auto attempt = [&](const auto& make) {
        try {
          make();
        } catch (const std::bad_alloc& error) {
          CHECK(has_number(error));
        }
      };
      attempt([&] { const Arena arena(10'000, &upstream); });
      attempt([&] { const DualArena arena(10'000, 5'000, &upstream); });
      attempt([&] { const EventLog log(&upstream, 100); });
      attempt([&] { const MemoryPool pool(std::size_t{1} << 20, &upstream); });
      attempt([&] {
        MemoryPool pool(&upstream);
        const PooledAllocation block(1000, pool);
        const PooledArray<double> array(500, pool);
        CHECK(pool.stats().live_count == 2);
      });
      attempt([&] {
        DebugOptions options;
        options.records = &upstream;
        const DebugAllocator debug(&upstream, options);
      });
      CHECK(upstream.blocks.empty());
      refused = upstream.refused > 0;
    }
    CHECK(n > 3);
  }
}

TEST_CASE("containers stand as they were when their resource refuses", "[memory][failure]") {
  for (std::size_t n = 0;; ++n) {
    test::Upstream upstream;
    PoolAllocator pool(&upstream);
    std::pmr::vector<int> numbers(&pool);
    upstream.fail_at(n, true);
    for (int i = 0; i < 5000; ++i) {
      try {
        numbers.push_back(i);
      } catch (const std::bad_alloc&) {
        break;
      }
    }
    bool kept = true;
    for (std::size_t i = 0; i < numbers.size(); ++i)
      kept = kept && numbers[i] == static_cast<int>(i);
    CHECK(kept);
    CHECK(pool.stats().live_count == (numbers.capacity() > 0 ? 1 : 0));
    CHECK(pool.stats().live_bytes == numbers.capacity() * sizeof(int));
    if (upstream.refused == 0) break;
  }
}
