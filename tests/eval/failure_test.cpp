// Every public operation on tensors that allocates, with every request refused in turn: the n-th, for
// every n, once and from then on. Operands, destinations and statistics stay as they were, nothing
// leaks, and once memory is back the same call gives the same answer.

#include "catch.hpp"
#include "memory/upstream.hpp"

#include <tenon/memory.hpp>
#include <tenon/tenon.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace tn = tenon;

namespace {

bool has_number(const std::bad_alloc& error) {
  const std::string text = error.what();
  return text.find("requested ") != std::string::npos &&
         std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

// `operation(resource)` gives a tensor from `resource`, whose upstream refuses. Each kind of resource
// is fresh: every request of a cold resource, bookkeeping included, is refused once.
template <class Resource, class Operation>
void sweep_on(const Operation& operation) {
  tn::Arena expected_memory;
  const auto expected = operation(expected_memory);
  for (const bool onwards : {false, true}) {
    for (std::size_t n = 0;; ++n) {
      CAPTURE(onwards, n);
      tn::test::Upstream upstream;
      Resource resource(&upstream);
      const auto kept = tn::full(tn::shape(100), 3.0F, resource);  // must survive
      upstream.fail_at(n, onwards);
      const auto before = resource.stats();
      bool failed = false;
      try {
        const auto result = operation(resource);
        CHECK(tn::array_equal(result, expected));
      } catch (const std::bad_alloc& error) {
        failed = true;
        CHECK(has_number(error));
      }
      CHECK(resource.stats().live_bytes == before.live_bytes);
      CHECK(resource.stats().live_count == before.live_count);
      CHECK(tn::array_equal(kept, tn::full(tn::shape(100), 3.0F, expected_memory)));
      const bool refused = upstream.refused > 0;
      upstream.heal();
      if (failed) CHECK(tn::array_equal(operation(resource), expected));
      if (!refused) {
        CHECK_FALSE(failed);
        break;
      }
    }
  }
}

template <class Operation>
void sweep(const Operation& operation) {
  sweep_on<tn::PoolAllocator>(operation);
  sweep_on<tn::Arena>(operation);
}

struct Operands {
  tn::Arena data;
  tn::Tensor<float, tn::Shape<tn::dyn, tn::dyn>> a = tn::full<float>(tn::shape(30, 40), 2, data);
  tn::Tensor<float, tn::Shape<tn::dyn, tn::dyn>> b = tn::full<float>(tn::shape(40, 20), 0.5, data);
  Operands() {
    for (tn::index_t i = 0; i < a.size(); ++i) a.data()[i] = static_cast<float>(i % 7) - 3;
    for (tn::index_t i = 0; i < b.size(); ++i) b.data()[i] = static_cast<float>(i % 5) - 2;
  }
};

}  // namespace

TEST_CASE("factories and clones whose memory is refused", "[eval][failure]") {
  const auto shape = tn::shape(50, 60);
  sweep([&](auto& r) { return tn::zeros<float>(shape, r); });
  sweep([&](auto& r) { return tn::ones<double>(shape, r); });
  sweep([&](auto& r) { return tn::full(shape, 4, r); });
  sweep([&](auto& r) { return tn::arange<int>(5000, r); });
  sweep([&](auto& r) { return tn::linspace<float>(0, 1, 5000, r); });
  sweep([&](auto& r) { return tn::eye<float>(60, r); });
  sweep([&](auto& r) { return tn::from({1.0F, 2.0F, 3.0F}, tn::shape(3), r); });
  sweep([&](auto& r) { return tn::from({{1, 2}, {3, 4}}, r); });
  sweep([&](auto& r) {
    std::mt19937 engine(3);
    return tn::random_uniform<float>(shape, engine, r);
  });
  sweep([&](auto& r) {
    std::mt19937 engine(3);
    return tn::random_normal<float>(shape, engine, r);
  });
  sweep([&](auto& r) {
    auto result = tn::empty<float>(shape, r);
    std::fill(result.data(), result.data() + result.size(), 1.0F);
    return result;
  });
  sweep([&](auto& r) {
    tn::Arena other;
    return tn::arange<float>(3000, other).clone(r);
  });
}

TEST_CASE("a request that no resource serves is refused with its numbers", "[eval][failure]") {
  alignas(64) std::byte buffer[1024];
  tn::FixedBufferAllocator fixed(buffer);
  CHECK_THROWS_WITH(tn::zeros<float>(tn::shape(1024), fixed),
                    Catch::Contains("requested 4096 B, available 1024 B, missing 3072 B"));
  tn::PoolAllocator pool;
  auto limited = tn::budget(&pool, 10'000);
  CHECK_THROWS_AS(tn::zeros<float>(tn::shape(5000), limited), tn::BudgetError);
  CHECK(limited.used_bytes() == 0);
  CHECK(pool.stats().live_count == 0);
}

TEST_CASE_METHOD(Operands, "evaluations whose result or workspace is refused", "[eval][failure]") {
  sweep([&](auto& r) { return tn::eval(a * 2.0F + a, r); });
  sweep([&](auto& r) { return tn::eval(tn::matmul(a, b), r); });
  sweep([&](auto& r) {
    return tn::eval(tn::softmax<-1>(tn::matmul(tn::matmul(a, b), tn::transpose(b))), r);
  });
  sweep([&](auto& r) { return tn::eval(tn::sum<0>(tn::exp(a)), r); });
}

TEST_CASE_METHOD(Operands, "evaluations with two resources, either of which refuses",
                 "[eval][failure]") {
  tn::Arena expected_memory;
  const auto e = tn::matmul(tn::matmul(a, b) + 1.0F, tn::transpose(b));
  const auto expected = tn::eval(e, expected_memory);
  for (const bool results_fail : {false, true}) {
    for (std::size_t n = 0;; ++n) {
      CAPTURE(results_fail, n);
      tn::test::Upstream results_upstream, scratch_upstream;
      tn::PoolAllocator results(&results_upstream);
      tn::Arena workspaces(&scratch_upstream);
      auto& failing = results_fail ? results_upstream : scratch_upstream;
      failing.fail_at(n, true);
      const auto run = [&] { return tn::eval(e, results, tn::scratch(workspaces)); };
      try {
        const auto result = run();
        CHECK(tn::array_equal(result, expected));
      } catch (const std::bad_alloc& error) {
        CHECK(has_number(error));
      }
      CHECK(results.stats().live_count == 0);
      CHECK(workspaces.stats().live_count == 0);
      if (failing.refused == 0) break;
      failing.heal();
      CHECK(tn::array_equal(run(), expected));
    }
  }
}

TEST_CASE_METHOD(Operands, "eval_into leaves the destination alone when its scratch is refused",
                 "[eval][failure]") {
  auto square = tn::eval(tn::matmul(a, tn::transpose(a)), data);
  auto dst = tn::full<float>(tn::shape(30, 30), 9, data);
  const auto untouched = dst.clone(data);
  const auto original = square.clone(data);
  // A workspace, and (last) the copy that true overlap needs.
  const auto into_other = [&](auto scratch) {
    tn::eval_into(dst, tn::matmul(square, square), scratch);
  };
  const auto into_itself = [&](auto scratch) {
    tn::eval_into(square, tn::matmul(square, square) + square, scratch);
  };
  const auto refuse_all = [&](const auto& into, auto& target, const auto& before) {
    for (std::size_t n = 0;; ++n) {
      CAPTURE(n);
      tn::test::Upstream upstream;
      tn::PoolAllocator pool(&upstream);
      upstream.fail_at(n, true);
      bool failed = false;
      try {
        into(tn::scratch(pool));
      } catch (const std::bad_alloc& error) {
        failed = true;
        CHECK(has_number(error));
        CHECK(tn::array_equal(target, before));
      }
      CHECK(pool.stats().live_count == 0);
      CHECK(failed == (upstream.refused > 0));
      if (!failed) break;
    }
  };
  refuse_all(into_other, dst, untouched);
  CHECK(tn::array_equal(dst, tn::eval(tn::matmul(original, original), data)));
  refuse_all(into_itself, square, original);
  CHECK(
      tn::allclose(square, tn::eval(tn::matmul(original, original) + original, data), 1e-4, 1e-3));
}

TEST_CASE_METHOD(Operands, "one byte less than the workspace is refused before anything is written",
                 "[eval][failure]") {
  const auto e = tn::matmul(tn::matmul(a, b), tn::transpose(b));
  const std::size_t needed = tn::plan(e).workspace_bytes;
  REQUIRE(needed > 0);
  auto dst = tn::full<float>(tn::shape(30, 40), 9, data);
  const auto untouched = dst.clone(data);
  std::vector<std::byte> buffer(needed + 64);
  auto* aligned = buffer.data() + (64 - reinterpret_cast<std::uintptr_t>(buffer.data()) % 64) % 64;
  {
    tn::FixedBufferAllocator fixed(std::span(aligned, needed - 1));
    CHECK_THROWS_AS(tn::eval_into(dst, e, tn::scratch(fixed)), tn::OutOfMemory);
    CHECK(tn::array_equal(dst, untouched));
    CHECK(fixed.stats().live_count == 0);
  }
  tn::FixedBufferAllocator fixed(std::span(aligned, needed));
  tn::eval_into(dst, e, tn::scratch(fixed));
  CHECK_FALSE(tn::array_equal(dst, untouched));
  CHECK(fixed.stats().used_bytes == 0);
}
