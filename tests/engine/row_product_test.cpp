#include "failing_resource.hpp"
#include "src/engine/model_plan.hpp"

#include <tenon/core/thread_team.hpp>
#include <tenon/engine.hpp>

#include "catch.hpp"

#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace tenon;

namespace {

template <class T>
std::vector<T> random_values(index_t n, std::mt19937& rng) {
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& v : values) v = uniform(rng);
  return values;
}

// Two layers of one row, a Gemm with what follows it and a MatMul; fused and not they have the same bits.
template <class T>
void check(index_t k, index_t n, bool has_bias) {
  std::mt19937 rng(static_cast<unsigned>(k * 1000 + n));
  const auto x = random_values<T>(k, rng), w = random_values<T>(k * n, rng),
             b = random_values<T>(n, rng), u = random_values<T>(n * n, rng);
  Graph graph;
  graph.input("x", {dtype_of<T>, {1, k}});
  graph.constant("w", view(w.data(), shape(k, n)));
  graph.constant("b", view(b.data(), shape(n)));
  graph.constant("u", view(u.data(), shape(n, n)));
  if (has_bias)
    graph.node("Gemm", {"x", "w", "b"}, "h");
  else
    graph.node("Gemm", {"x", "w"}, "h");
  graph.node("LeakyRelu", {"h"}, "r", {{"alpha", 0.5}});
  graph.node("Abs", {"r"}, "a");
  graph.node("MatMul", {"a", "u"}, "y");
  graph.output("y");
  const Model fused(graph), unfused(graph, {.fuse = false});
  REQUIRE(fused.step_count() == 2);
  REQUIRE(fused.plan().steps[0].label == "Gemm LeakyRelu Abs");
  std::vector<T> y(static_cast<std::size_t>(n)), z(y);
  const void* in[] = {x.data()};
  void *to_y[] = {y.data()}, *to_z[] = {z.data()};
  Session(fused).run(std::span<const void* const>(in), to_y);
  Session(unfused).run(std::span<const void* const>(in), to_z);
  REQUIRE(std::memcmp(y.data(), z.data(), y.size() * sizeof(T)) == 0);
  std::vector<double> a;
  for (std::size_t j = 0; j < y.size(); ++j) {
    double sum = has_bias ? b[j] : 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += static_cast<double>(x[i]) * w[i * y.size() + j];
    a.push_back(std::abs(sum < 0 ? 0.5 * sum : sum));
  }
  for (std::size_t j = 0; j < y.size(); ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * u[i * y.size() + j];
    REQUIRE(static_cast<double>(y[j]) == Approx(sum).epsilon(1e-4).margin(1e-4));
  }
}

std::string first_label(index_t m, index_t n, const Attributes& attributes) {
  const std::vector<float> w(static_cast<std::size_t>(8 * n));
  const bool transposed = attributes.integer("transB", 0) != 0;
  Graph graph;
  graph.input("x", {DType::float32, {m, 8}});
  graph.constant("w", transposed ? ConstAnyView(view(w.data(), shape(n, 8)))
                                 : ConstAnyView(view(w.data(), shape(8, n))));
  graph.node("Gemm", {"x", "w"}, "h", attributes);
  graph.node("Relu", {"h"}, "y");
  graph.output("y");
  return std::string(Model(graph).plan().steps[0].label);
}

}  // namespace

TEST_CASE("row product: what follows a product of one row is done to the row") {
  for (const index_t k : {1, 3, 64})
    for (const index_t n : {2, 5, 16, 64, 100, 128}) {
      INFO("k " << k << ", n " << n);
      check<float>(k, n, true);
      check<float>(k, n, false);
      check<double>(k, n, true);
    }
}

TEST_CASE("row product: other products run by themselves") {
  CHECK(first_label(1, 256, {}) == "Gemm Relu");
  CHECK(first_label(1, 257, {}) == "Gemm");
  CHECK(first_label(2, 16, {}) == "Gemm");
  CHECK(first_label(1, 1, {}) == "Gemm");
  CHECK(first_label(1, 16, {{"alpha", 2.0}}) == "Gemm");
}

TEST_CASE("row product: weights that are read transposed are transposed once, at load") {
  std::mt19937 rng(7);
  const index_t k = 24, n = 40;
  const auto x = random_values<float>(k, rng), w = random_values<float>(n * k, rng),
             b = random_values<float>(n, rng);
  Graph graph;
  graph.input("x", {DType::float32, {1, k}});
  graph.input("y", {DType::float32, {3, k}});
  graph.constant("w", view(w.data(), shape(n, k)));
  graph.constant("b", view(b.data(), shape(n)));
  graph.node("Gemm", {"x", "w", "b"}, "h", {{"transB", 1}});
  graph.node("Relu", {"h"}, "r");
  graph.node("Gemm", {"x", "w"}, "g", {{"transB", 1}, {"alpha", 2.0}});  // the same weights
  graph.node("Gemm", {"y", "w"}, "m", {{"transB", 1}});                  // read where they lie
  for (const char* name : {"r", "g", "m"}) graph.output(name);
  const NoDefaultResource none;
  const Model model(graph);
  CHECK(model.weights_bytes() == static_cast<std::size_t>(n * k) * sizeof(float));
  CHECK(model.plan().steps[0].label == "Gemm Relu");
  std::vector<float> y(static_cast<std::size_t>(3 * k)), r(static_cast<std::size_t>(n)), g(r),
      m(3 * r.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i % x.size()];
  const void* in[] = {x.data(), y.data()};
  void* out[] = {r.data(), g.data(), m.data()};
  Session session(model);
  session.run(std::span<const void* const>(in), out);
  for (std::size_t j = 0; j < r.size(); ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += static_cast<double>(x[i]) * static_cast<double>(w[j * x.size() + i]);
    CHECK(static_cast<double>(r[j]) ==
          Approx(std::max(sum + static_cast<double>(b[j]), 0.0)).margin(1e-5));
    CHECK(static_cast<double>(g[j]) == Approx(2 * sum).margin(1e-5));
    for (std::size_t row = 0; row < 3; ++row)
      CHECK(static_cast<double>(m[row * r.size() + j]) == Approx(sum).margin(1e-5));
  }
}

TEST_CASE("session: a model for two threads has the bits of one for one, and asks for its team") {
  std::mt19937 rng(8);
  const index_t n = 200;
  const auto x = random_values<float>(n * n, rng), w = random_values<float>(n * n, rng);
  Graph graph;
  graph.input("x", {DType::float32, {n, n}});
  graph.constant("w", view(w.data(), shape(n, n)));
  graph.node("MatMul", {"x", "w"}, "h");
  graph.node("Relu", {"h"}, "r");
  graph.node("MatMul", {"r", "w"}, "y");
  graph.output("y");
  const Model one(graph), two(graph, {.threads = 2});
  CHECK_THROWS_AS(Session(two), ContractError);
  ThreadTeam team(2);
  Session alone(one), together(two, system_resource(), &team);
  std::vector<float> y(x.size()), z(x.size());
  const void* in[] = {x.data()};
  void *to_y[] = {y.data()}, *to_z[] = {z.data()};
  alone.run(std::span<const void* const>(in), to_y);
  for (int i = 0; i < 20; ++i) together.run(std::span<const void* const>(in), to_z);
  CHECK(std::memcmp(y.data(), z.data(), y.size() * sizeof(float)) == 0);
}
