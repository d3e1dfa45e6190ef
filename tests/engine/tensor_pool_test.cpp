// Tensors that come back.

#include "naive_tensors.hpp"

#include "heap_trap.hpp"
#include "memory/upstream.hpp"

#include <thread>

namespace tn = tenon;
using namespace tenon::test;

namespace {
const tn::TensorType small(tn::DType::float32, {2, 3});
const tn::TensorType other(tn::DType::float32, {3, 2});
const tn::TensorType large(tn::DType::float32, {512, 512});
}  // namespace

TEST_CASE("a tensor that came back serves the next one of its type", "[engine]") {
  Upstream memory;
  tn::TensorPool pool(&memory, 4);
  auto x = pool.get(small);
  const void* const place = x.data();
  pool.put(std::move(x));
  CHECK(pool.stats().pooled_count == 1);
  CHECK(pool.stats().pooled_bytes == 24);
  const auto y = pool.get(other);
  CHECK(y.data() != place);
  const auto z = pool.get(small);
  CHECK(z.data() == place);
  CHECK(pool.stats().hits == 1);
  CHECK(pool.stats().misses == 2);
  CHECK(pool.stats().hit_rate() == 1.0 / 3);
  CHECK(pool.stats().type_count == 2);
  CHECK(pool.stats().pooled_count == 0);
}

TEST_CASE("a pool keeps so many tensors of a type and no more", "[engine]") {
  Upstream memory;
  tn::TensorPool pool(&memory, 2);
  std::vector<tn::AnyTensor> tensors;
  for (int i = 0; i < 5; ++i) tensors.push_back(pool.get(small));
  tensors.push_back(pool.get(other));
  for (auto& tensor : tensors) pool.put(std::move(tensor));
  CHECK(pool.stats().pooled_count == 3);
  pool.trim();
  CHECK(pool.stats().pooled_count == 0);
  CHECK(memory.blocks.empty());
  tn::TensorPool none(&memory, 0);
  none.put(none.get(small));
  CHECK(none.stats().pooled_count == 0);
}

TEST_CASE("large tensors and empty ones go past the pool", "[engine]") {
  Upstream memory;
  tn::TensorPool pool(&memory, 4);
  CHECK(large.bytes() == tn::TensorPool::pooled_below);
  pool.put(pool.get(large));
  pool.put(pool.get({tn::DType::float32, {0, 7}}));
  CHECK(memory.blocks.empty());
  CHECK(pool.stats().direct == 2);
  CHECK(pool.stats().misses == 0);
  const tn::TensorType below(tn::DType::uint8, {(1 << 20) - 1});
  pool.put(pool.get(below));
  CHECK(pool.stats().pooled_bytes == (1 << 20) - 1);
}

TEST_CASE("a tensor of another resource, or of a type unknown, is freed", "[engine]") {
  Upstream memory, elsewhere;
  tn::TensorPool pool(&memory, 4);
  pool.put(tn::AnyTensor(small, &memory));
  CHECK(memory.blocks.empty());
  pool.put(pool.get(small));
  pool.put(tn::AnyTensor(small, &elsewhere));
  CHECK(elsewhere.blocks.empty());
  CHECK(pool.stats().pooled_count == 1);
}

TEST_CASE("tensors made ahead are hits", "[engine]") {
  Upstream memory;
  tn::TensorPool pool(&memory, 3);
  pool.reserve(small, 2);
  pool.reserve(small, 100);
  CHECK(pool.stats().pooled_count == 3);
  pool.reserve(large, 2);
  CHECK(pool.stats().pooled_count == 3);
  const auto requests = memory.requests;
  {
    const auto a = pool.get(small), b = pool.get(small);
    CHECK(memory.requests == requests);
    CHECK(pool.stats().hit_rate() == 1);
  }
}

TEST_CASE("a warm pool asks nobody", "[engine]") {
  tn::TensorPool pool(std::pmr::new_delete_resource(), 4);
  pool.put(pool.get(small));
  tn::support::HeapTrap trap;
  for (int i = 0; i < 10; ++i) pool.put(pool.get(small));
  CHECK(trap.stop() == 0);
}

TEST_CASE("whichever request is refused, the pool is as it was and leaks nothing", "[engine]") {
  Upstream memory;
  tn::TensorPool pool(&memory, 4);
  memory.fail_at(0);
  CHECK_THROWS_AS(pool.get(small), std::bad_alloc);
  CHECK(memory.blocks.empty());
  memory.fail_at(1);
  CHECK_THROWS_AS(pool.get(small), std::bad_alloc);
  memory.heal();
  pool.put(pool.get(small));
  CHECK(pool.stats().pooled_count == 1);
  memory.fail_at(1);
  CHECK_THROWS_AS(pool.reserve(small, 4), std::bad_alloc);
  CHECK(pool.stats().pooled_count == 2);
}

TEST_CASE("eight threads share a pool", "[engine][threads]") {
  tn::TensorPool pool(std::pmr::new_delete_resource(), 8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 200; ++i) {
        auto x = pool.get(i % 2 == 0 ? small : other);
        x.fill(static_cast<float>(t));
        if (x.at<float>({1, 1}) == static_cast<float>(t)) pool.put(std::move(x));
        if (i % 50 == 49 && t == 0) pool.trim();
      }
    });
  for (auto& thread : threads) thread.join();
  const auto stats = pool.stats();
  CHECK(stats.hits + stats.misses == 1600);
}
