// The engine: the documents' example, limits, statistics, failures, threads.

#include "naive_tensors.hpp"

#include "heap_trap.hpp"
#include "memory/upstream.hpp"

#include <thread>

namespace tn = tenon;
using namespace tenon::test;

namespace {

// The documents' product: [[1, 2, 3], [4, 5, 6]] · [[1, 2], [3, 4], [5, 6]].
struct Product {
  tn::AnyTensor a, b, c;
  explicit Product(tn::InferenceEngine& engine)
      : a(engine.get_tensor({2, 3}, tn::DType::float32)),
        b(engine.get_tensor({3, 2}, tn::DType::float32)),
        c(engine.get_tensor({2, 2}, tn::DType::float32)) {
    a.copy_from<float>({1, 2, 3, 4, 5, 6});
    b.copy_from<float>({1, 2, 3, 4, 5, 6});
  }
  void run(tn::InferenceEngine& engine) { engine.execute_operator("MatMul", {a, b}, {c}); }
  [[nodiscard]] bool is_right() const {
    return as_doubles<float>(c) == std::vector<double>{22, 28, 49, 64};
  }
};

}  // namespace

TEST_CASE("the documents' product, by name", "[engine]") {
  tn::InferenceEngine engine({.max_memory_bytes = 256 << 20, .tensor_pool_size = 10});
  Product product(engine);
  product.run(engine);
  CHECK(product.is_right());
  engine.cleanup_tensor(std::move(product.a));
  engine.return_tensor(std::move(product.b));
  CHECK(engine.stats().tensor_pool.pooled_count == 1);
}

TEST_CASE("the peak is what the resource below saw, to the byte", "[engine]") {
  tn::TrackingAllocator outer(std::pmr::new_delete_resource());
  {
    tn::InferenceEngine engine({}, &outer);
    Product product(engine);
    product.run(engine);
    auto wide = engine.get_tensor({300, 200}, tn::DType::float64);
    auto square = engine.get_tensor({200, 200}, tn::DType::float64);
    auto result = engine.get_tensor({300, 200}, tn::DType::float64);
    wide.fill(1.0);
    square.fill(2.0);
    engine.execute_operator("MatMul", {wide, square}, {result});  // needs a workspace
    CHECK(result.at<double>({299, 199}) == 400);
    const auto stats = engine.stats().memory;
    CHECK(stats.current_bytes == outer.stats().live_bytes);
    CHECK(stats.peak_bytes == outer.stats().peak_bytes);
    CHECK(stats.current_count == outer.stats().live_count);
    CHECK(stats.allocations == outer.stats().allocations);
  }
  CHECK(outer.stats().live_bytes == 0);
}

TEST_CASE("the limit is refused with numbers before the resource is asked", "[engine]") {
  Upstream memory;
  tn::InferenceEngine engine({.max_memory_bytes = 100'000}, &memory);
  const auto x = engine.get_tensor({100, 100}, tn::DType::float32);
  const auto used = engine.stats().memory.current_bytes;
  const auto requests = memory.requests;
  const auto message = message_of<tn::BudgetError>(
      [&] { static_cast<void>(engine.get_tensor({1000, 1000}, tn::DType::float32)); });
  CHECK(message == "budget: requested 4000000 B, used " + std::to_string(used) +
                       " B of 100000 B, missing " + std::to_string(4'000'000 + used - 100'000) +
                       " B");
  CHECK(memory.requests == requests);
  CHECK(engine.stats().memory.current_bytes == used);
}

TEST_CASE("the second call of an operator makes no heap call", "[engine]") {
  tn::InferenceEngine engine;
  Product product(engine);
  product.run(engine);
  auto x = engine.get_tensor({130, 120}, tn::DType::float32);
  auto w = engine.get_tensor({120, 110}, tn::DType::float32);
  auto y = engine.get_tensor({130, 110}, tn::DType::float32);
  x.fill(1.0F);
  w.fill(1.0F);
  engine.execute_operator("Gemm", {x, w}, {y}, {{"alpha", 0.5}});
  tn::support::HeapTrap trap;
  product.run(engine);
  engine.execute_operator("Gemm", {x, w}, {y}, {{"alpha", 0.5}});
  engine.return_tensor(engine.get_tensor({2, 3}, tn::DType::float32));
  const auto again = trap.calls();
  engine.return_tensor(engine.get_tensor({2, 3}, tn::DType::float32));
  const auto calls = trap.stop();
  CHECK(again <= 1);  // a tensor of its type had to be made
  CHECK(calls == again);
  CHECK(product.is_right());
  CHECK(y.at<float>({129, 109}) == 60);
}

TEST_CASE("whatever does not fit is refused before anything is written", "[engine]") {
  tn::InferenceEngine engine;
  Product product(engine);
  auto wrong = engine.get_tensor({2, 3}, tn::DType::float32);
  auto other = engine.get_tensor({2, 2}, tn::DType::float64);
  product.c.fill(7.0F);
  wrong.fill(7.0F);
  other.fill(7.0);
  const auto message = [&](std::initializer_list<tn::ConstAnyView> in,
                           std::initializer_list<tn::AnyView> out,
                           std::string_view name = "MatMul") {
    return message_of<std::exception>([&] { engine.execute_operator(name, in, out); });
  };
  auto& [a, b, c] = product;
  CHECK(message({a, b}, {wrong}) ==
        "execute_operator: MatMul: output 0 is float32[2, 3]; it has to be float32[2, 2]");
  CHECK(message({a, b}, {other}) ==
        "execute_operator: MatMul: output 0 is float64[2, 2]; it has to be float32[2, 2]");
  CHECK(message({a, b}, {c, wrong}) == "execute_operator: MatMul has 1 outputs; 2 were given");
  CHECK(message({a, b}, {}) == "execute_operator: MatMul has 1 outputs; 0 were given");
  CHECK(message({a}, {c}) == "MatMul: 1 inputs; it takes 2 to 2");
  CHECK(message({a, a, a, a, a, a, a, a, a}, {c}) ==
        "execute_operator: MatMul with 9 inputs; at most 8 are supported");
  CHECK(
      message({a, a}, {c}).starts_with("MatMul: float32[2, 3] and float32[2, 3] do not multiply"));
  CHECK(message({a, b}, {c}, "MatMull").ends_with("the closest name is MatMul"));
  for (const double x : as_doubles<float>(c)) CHECK(x == 7);
  auto square = engine.get_tensor({2, 2}, tn::DType::float32);
  square.fill(1.0F);
  CHECK(message({square, c}, {c}) == "execute_operator: MatMul: output 0 overlaps input 1");
  CHECK(message({c, square}, {c}) == "execute_operator: MatMul: output 0 overlaps input 0");
  product.run(engine);
  CHECK(product.is_right());
}

TEST_CASE("the statistics are those of the documents, and real", "[engine]") {
  tn::InferenceEngine engine({.tensor_pool_size = 10});
  for (int i = 0; i < 10; ++i) {
    Product product(engine);
    product.run(engine);
    engine.return_tensor(std::move(product.a));
    engine.return_tensor(std::move(product.b));
    engine.return_tensor(std::move(product.c));
  }
  const auto stats = engine.stats();
  CHECK(stats.tensor_pool.hits == 27);
  CHECK(stats.tensor_pool.misses == 3);
  CHECK(stats.tensor_pool.pooled_count == 3);
  CHECK(stats.operator_count == tn::OperatorRegistry::built_in().size());
  const std::string expected =
      "=== MEMORY STATISTICS ===\nCurrent usage: " + std::to_string(stats.memory.current_bytes) +
      " bytes\nPeak usage: " + std::to_string(stats.memory.peak_bytes) +
      " bytes\nTensors in pool: 3\nPool hit rate: 90.0%\nActive operators: " +
      std::to_string(stats.operator_count) + "\n";
  CHECK(engine.memory_report().text == expected);
  tn::InferenceEngine limited({.max_memory_bytes = 4096});
  CHECK(std::string(limited.memory_report().text).ends_with("Limit: 4096 bytes\n"));
}

TEST_CASE("tensors made ahead cost nothing later", "[engine]") {
  tn::InferenceEngine engine;
  engine.reserve_tensors({tn::DType::float32, {8, 8}}, 2);
  tn::support::HeapTrap trap;
  auto x = engine.get_tensor({8, 8}, tn::DType::float32);
  auto y = engine.get_tensor({8, 8}, tn::DType::float32);
  CHECK(trap.stop() == 0);
  engine.return_tensor(std::move(x));
  engine.return_tensor(std::move(y));
  const auto before = engine.stats().memory.current_bytes;
  engine.trim();
  CHECK(engine.stats().memory.current_bytes < before);
}

TEST_CASE("whichever allocation is refused, the engine leaks nothing and the next try succeeds",
          "[engine]") {
  Upstream memory;
  std::size_t refused = 0;
  for (std::size_t n = 0;; ++n) {
    memory.fail_at(n);
    try {
      tn::InferenceEngine engine({}, &memory);
      Product product(engine);
      product.run(engine);
      auto x = engine.get_tensor({60, 200}, tn::DType::float32);
      auto w = engine.get_tensor({200, 300}, tn::DType::float32);
      auto y = engine.get_tensor({60, 300}, tn::DType::float32);
      x.fill(1.0F);
      w.fill(1.0F);
      engine.execute_operator("MatMul", {x, w}, {y});
      memory.heal();
      CHECK(product.is_right());
      CHECK(y.at<float>({59, 299}) == 200);
      break;
    } catch (const std::bad_alloc&) {
      REQUIRE(memory.blocks.empty());
      ++refused;
    }
  }
  CHECK(refused > 8);

  // The same within one engine: each call that fails leaves it usable.
  tn::InferenceEngine engine({}, &memory);
  Product product(engine);
  for (std::size_t n = 0;; ++n) {
    memory.fail_at(n);
    try {
      product.run(engine);
      break;
    } catch (const std::bad_alloc&) {
    }
  }
  memory.heal();
  CHECK(product.is_right());
}

TEST_CASE("eight threads use one engine", "[engine][threads]") {
  tn::TrackingAllocator outer(std::pmr::new_delete_resource());
  {
    tn::InferenceEngine engine({.thread_count = 2, .tensor_pool_size = 8}, &outer);
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          Product product(engine);
          product.run(engine);
          if (product.is_right()) ++right;
          engine.return_tensor(std::move(product.a));
          engine.return_tensor(std::move(product.b));
          engine.cleanup_tensor(std::move(product.c));
        }
        auto x = engine.get_tensor({100, 100}, tn::DType::float32);
        auto y = engine.get_tensor({100, 100}, tn::DType::float32);
        x.fill(1.0F);
        engine.execute_operator("MatMul", {x, x}, {y});  // cut for two threads
        if (y.at<float>({99, 99}) == 100) ++right;
      });
    for (auto& thread : threads) thread.join();
    CHECK(right == 8 * 51);
    CHECK(engine.stats().memory.current_bytes == outer.stats().live_bytes);
  }
  CHECK(outer.stats().live_bytes == 0);
}
