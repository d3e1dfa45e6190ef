#include "failing_resource.hpp"
#include "graph_operators.hpp"
#include "naive_elementwise.hpp"
#include "src/engine/model_plan.hpp"

#include <tenon/engine/model.hpp>
#include <tenon/engine/session.hpp>
#include <tenon/memory/tracking_allocator.hpp>
#include <tenon/plan/lifetimes.hpp>

#include "catch.hpp"

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace tenon;

namespace {

using Home = detail::TensorPlace::Home;
using Doubles = std::vector<double>;

bool same(const Doubles& a, const Doubles& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

std::vector<Doubles> outputs_of(const Model& model) {
  std::vector<Doubles> outputs;
  for (std::size_t o = 0; o < model.output_count(); ++o)
    outputs.emplace_back(static_cast<std::size_t>(model.output_type(o).size()), -7777.0);
  return outputs;
}

// Runs the model twice in a session, on a poisoned workspace, and says what it takes.
std::vector<Doubles> run(const Model& model, const std::vector<Doubles>& inputs) {
  TrackingAllocator tracker;
  std::vector<Doubles> outputs = outputs_of(model);
  {
    Session session(model, &tracker);
    REQUIRE(tracker.stats().peak_bytes == model.session_bytes());
    std::vector<ConstAnyView> in;
    std::vector<AnyView> out;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      in.emplace_back(model.input_type(i), static_cast<const void*>(inputs[i].data()));
    for (std::size_t o = 0; o < outputs.size(); ++o)
      out.emplace_back(model.output_type(o), static_cast<void*>(outputs[o].data()));
    session.bind(in, out);
    session.run();
    const std::vector<Doubles> first = outputs;
    for (Doubles& o : outputs) std::ranges::fill(o, 5555.0);
    std::ranges::fill(session.workspace(), std::byte{0xFF});
    session.run(in, out);
    for (std::size_t o = 0; o < outputs.size(); ++o) REQUIRE(same(first[o], outputs[o]));
    REQUIRE(tracker.stats().allocations == 1);
    REQUIRE(tracker.stats().peak_bytes == model.session_bytes());
  }
  REQUIRE(tracker.stats().live_bytes == 0);
  return outputs;
}

// Slots that are in use together share no byte, and the workspace is as high as they are.
void check_plan(const Model& model) {
  std::vector<Lifetime> lives;
  std::vector<std::size_t> offsets;
  for (const auto& slot : model.plan().slots) {
    lives.push_back({slot.lower, slot.upper, slot.bytes});
    offsets.push_back(slot.offset);
  }
  REQUIRE_FALSE(validate_packing(lives, offsets, model.workspace_bytes()));
  REQUIRE(packing_height(lives, offsets) == model.workspace_bytes());
  REQUIRE(max_live_bytes(lives) == model.lower_bound_bytes());
  REQUIRE(static_cast<double>(model.workspace_bytes()) <=
          1.01 * static_cast<double>(model.lower_bound_bytes()));
}

// Runs the steps one by one from the plan alone: each changes nothing of the workspace but its own bytes, and all
// of the workspace's last byte is somebody's.
std::vector<Doubles> run_watched(const Model& model, const std::vector<Doubles>& inputs) {
  const detail::ModelPlan& plan = model.plan();
  std::vector<Doubles> outputs = outputs_of(model);
  std::vector<Doubles> memory(1, Doubles(model.workspace_bytes() / sizeof(double) + 16));
  auto* const workspace = reinterpret_cast<std::byte*>(memory[0].data() + 8);
  std::vector<std::byte> before(model.workspace_bytes() + 64);
  std::ranges::fill(std::span(workspace, before.size()), std::byte{0xFF});
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const detail::PlanStep& step = plan.steps[s];
    std::vector<const void*> in;
    std::vector<void*> out;
    const auto find = [&](const detail::TensorPlace& p) -> void* {
      return p.home == Home::output ? static_cast<void*>(outputs[p.index].data())
                                    : workspace + p.index;
    };
    for (const auto& p : step.inputs)
      in.push_back(p.home == Home::constant ? p.constant
                   : p.home == Home::input  ? inputs[p.index].data()
                                            : find(p));
    for (const auto& p : step.outputs) out.push_back(find(p));
    std::memcpy(before.data(), workspace, before.size());
    step.kernel->run({in, out, workspace + step.workspace_offset, nullptr});
    for (std::size_t b = 0; b < before.size(); ++b) {
      if (workspace[b] == before[b]) continue;
      bool is_own = b >= step.workspace_offset && b < step.workspace_offset + step.workspace_bytes;
      for (const auto& slot : plan.slots)  // of an output
        for (const auto& p : step.outputs)
          is_own = is_own ||
                   (p.home == Home::workspace && p.index == slot.offset &&
                    slot.lower <= static_cast<index_t>(s) && static_cast<index_t>(s) < slot.upper &&
                    b >= slot.offset && b < slot.offset + slot.bytes);
      REQUIRE(is_own);
    }
  }
  return outputs;
}

struct Case {
  Graph graph{graphs::registry()};
  std::vector<Doubles> inputs;

  void input(const char* name, const std::vector<index_t>& shape, double start = 1) {
    const TensorType type(DType::float64, shape);
    graph.input(name, type);
    Doubles& x = inputs.emplace_back(static_cast<std::size_t>(type.size()));
    for (double& v : x) v = start++;
  }
  std::vector<Doubles> results(bool fuse = true) {
    const Model model(graph, {.fuse = fuse});
    check_plan(model);
    const auto outputs = run(model, inputs);
    const auto watched = run_watched(model, inputs);
    for (std::size_t o = 0; o < outputs.size(); ++o) REQUIRE(same(outputs[o], watched[o]));
    return outputs;
  }
};

}  // namespace

TEST_CASE("model: a chain is one program that moves each tensor once") {
  Case c;
  c.input("x", {3, 4}, -5);
  const double b[] = {10, 20, 30, 40};
  c.graph.constant("b", {{DType::float64, {4}}, b});
  c.graph.node("Add", {"x", "b"}, "sum");
  c.graph.node("Relu", {"sum"}, "h");
  c.graph.node("Mul", {"h", "h"}, "y");
  c.graph.output("y");
  const Model model(c.graph);
  CHECK(model.step_count() == 1);
  CHECK(model.plan().steps[0].label == "Add Relu Mul");
  CHECK(model.plan().steps[0].bytes_moved == (12 + 4 + 12) * sizeof(double));
  CHECK(Model(c.graph, {.fuse = false}).step_count() == 3);
  const auto y = c.results();
  CHECK(y[0] == Doubles{25, 256, 729, 1444, 81, 400, 961, 1764, 169, 576, 1225, 2116});
  CHECK(same(y[0], c.results(false)[0]));
}

TEST_CASE("model: unfused steps take each other's place") {
  Case c;
  c.input("x", {1000});
  c.graph.node("Exp", {"x"}, "a");
  c.graph.node("Reverse", {"a"}, "b");
  c.graph.node("Neg", {"b"}, "c");
  c.graph.node("Reverse", {"c"}, "d");
  c.graph.node("Abs", {"d"}, "e");
  c.graph.output("e");
  const Model model(c.graph);
  // a; then b, which c takes the place of; d and e lie in the output; one reversal's workspace at a time.
  CHECK(model.workspace_bytes() == 3 * 8000);
  const auto e = c.results();
  CHECK(e[0][0] == Approx(std::exp(1.0)));
}

TEST_CASE("model: diamonds, several outputs and what is used later") {
  Case c;
  c.input("x", {64}, -32);
  c.graph.node("Parts", {"x"}, {"low", "high"});
  c.graph.node("Reverse", {"low"}, "r");
  c.graph.node("Sub", {"high", "r"}, "d");
  c.graph.node("Add", {"d", "high"}, "e");
  c.graph.node("Reverse", {"d"}, "f");
  c.graph.output("e");
  c.graph.output("d");
  c.graph.output("f");
  for (const bool fuse : {true, false}) {
    const auto r = c.results(fuse);
    for (std::size_t i = 0; i < 64; ++i) {
      const double x = static_cast<double>(i) - 32, back = 31 - static_cast<double>(i);
      const double d = std::max(x, 0.0) - std::min(back, 0.0);
      REQUIRE(r[1][i] == d);
      REQUIRE(r[0][i] == d + std::max(x, 0.0));
      REQUIRE(r[2][63 - i] == d);
    }
  }
}

TEST_CASE("model: a tensor that is read later keeps its bytes") {
  Case c;
  c.input("x", {100});
  c.graph.node("Reverse", {"x"}, "a");
  c.graph.node("Neg", {"a"}, "b");  // not in place: a is read again
  c.graph.node("Reverse", {"b"}, "c");
  c.graph.node("Add", {"c", "a"}, "d");
  c.graph.node("Add", {"d", "d"}, "y");  // the same input twice
  c.graph.output("y");
  for (const bool fuse : {true, false}) {
    const auto y = c.results(fuse);
    for (std::size_t i = 0; i < 100; ++i)
      REQUIRE(y[0][i] == 2 * (100 - static_cast<double>(i) - (static_cast<double>(i) + 1)));
  }
}

TEST_CASE("model: outputs that are inputs, constants, or one tensor twice") {
  Case c;
  c.input("x", {5});
  const double k[] = {7, 8};
  c.graph.constant("k", {{DType::float64, {2}}, k});
  c.graph.node("Neg", {"x"}, "y");
  for (const char* name : {"x", "k", "y", "y", "x"}) c.graph.output(name);
  const auto r = c.results();
  const Doubles x{1, 2, 3, 4, 5}, y{-1, -2, -3, -4, -5};
  CHECK(r[0] == x);
  CHECK(r[1] == Doubles{7, 8});
  CHECK(r[2] == y);
  CHECK(r[3] == y);
  CHECK(r[4] == x);
}

TEST_CASE("model: scalars and tensors without elements") {
  Case c;
  c.input("x", {});
  c.input("none", {0, 3});
  c.graph.node("Exp", {"x"}, "e");
  c.graph.node("Reverse", {"e"}, "r");
  c.graph.node("Add", {"none", "r"}, "n");
  c.graph.node("Reverse", {"n"}, "m");
  c.graph.output("r");
  c.graph.output("m");
  const auto r = c.results();
  CHECK(r[0][0] == Approx(std::exp(1.0)));
  CHECK(r[1].empty());
}

TEST_CASE("model: constants are folded, dead nodes dropped") {
  TrackingAllocator tracker;
  {
    Case c;
    c.input("x", {4});
    const double k[] = {1, 2, 3, 4};
    c.graph.constant("k", {{DType::float64, {4}}, k});
    c.graph.node("Neg", {"k"}, "minus");
    c.graph.node("Reverse", {"minus"}, "back");
    c.graph.node("Exp", {"x"}, "dead");
    c.graph.node("Reverse", {"dead"}, "dead too");
    c.graph.node("Add", {"x", "back"}, "y");
    c.graph.output("y");
    const Model model(c.graph, {.resource = &tracker});
    CHECK(model.step_count() == 1);
    CHECK(model.weights_bytes() == 32);
    CHECK(model.workspace_bytes() == 0);
    CHECK(run(model, c.inputs)[0] == Doubles{-3, -1, 1, 3});
    CHECK(model.explain().find("weights computed 32 B") != std::string::npos);
  }
  CHECK(tracker.stats().live_bytes == 0);
}

TEST_CASE("model: a program is never entered from within") {
  // a's reader outside of the program leads back into it.
  Case c;
  c.input("x", {32});
  c.graph.node("Neg", {"x"}, "a");
  c.graph.node("Reverse", {"a"}, "r");
  c.graph.node("Add", {"a", "r"}, "y");
  c.graph.output("y");
  CHECK(Model(c.graph).step_count() == 3);
  const auto y = c.results();
  for (const double v : y[0]) REQUIRE(v == -33);
}

TEST_CASE("model: a tensor that others read too is stored beside the result") {
  Case c;
  c.input("x", {32});
  c.graph.node("Neg", {"x"}, "a");
  c.graph.node("Exp", {"a"}, "y");
  c.graph.node("Reverse", {"a"}, "r");
  c.graph.output("y");
  c.graph.output("r");
  const Model model(c.graph);
  CHECK(model.step_count() == 2);
  const auto out = c.results();
  CHECK(out[1][0] == -32);
}

TEST_CASE("model: more memory than allowed is refused with the number") {
  Case c;
  c.input("x", {1000});
  c.graph.node("Reverse", {"x"}, "a");
  c.graph.node("Reverse", {"a"}, "y");
  c.graph.output("y");
  const Model model(c.graph);
  CHECK_NOTHROW(Model(c.graph, {.max_memory_bytes = model.peak_bytes()}));
  try {
    const Model refused(c.graph, {.max_memory_bytes = model.peak_bytes() - 1});
    FAIL("accepted");
  } catch (const BudgetError& error) {
    CHECK_THAT(error.message(), Catch::Matchers::Contains("needs 16000 B") &&
                                    Catch::Matchers::Contains("missing 1 B"));
  }
  CHECK_THROWS_AS(Model(Graph(graphs::registry())), ContractError);
}

TEST_CASE("session: what does not fit is refused with both types") {
  Case c;
  c.input("x", {3});
  c.graph.node("Neg", {"x"}, "y");
  c.graph.output("y");
  const Model model(c.graph);
  Session session(model);
  Doubles x(8), y(8);
  const TensorType right(DType::float64, {3});
  const auto message = [&](std::vector<ConstAnyView> in, std::vector<AnyView> out) -> std::string {
    try {
      session.bind(in, out);
    } catch (const Error& error) {
      return error.message();
    }
    return "accepted";
  };
  using Catch::Matchers::Contains;
  const void* from = x.data();
  void* to = y.data();
  CHECK(message({{right, from}}, {{right, to}}) == "accepted");
  CHECK_THAT(message({}, {{right, to}}), Contains("0 inputs") && Contains("1"));
  CHECK_THAT(message({{{DType::float64, {4}}, from}}, {{right, to}}),
             Contains("'x' is float64[3], given as float64[4]"));
  CHECK_THAT(message({{{DType::float32, {3}}, from}}, {{right, to}}), Contains("float32[3]"));
  CHECK_THAT(message({{right, from}}, {{right, static_cast<void*>(x.data() + 2)}}),
             Contains("output 'y' shares bytes with input 'x'"));
}

namespace {

// A random graph and the naive values of its outputs.
struct RandomGraph : Case {
  std::vector<std::string> names;
  std::vector<naive::Array> values;
  std::vector<std::size_t> outputs;
  std::vector<Doubles> constants;

  RandomGraph(int count, bool only_elementwise, std::mt19937& rng) {
    const auto pick = [&](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>(0, n - 1)(rng);
    };
    const std::vector<std::vector<index_t>> shapes{{}, {40}, {6, 1}, {6, 40}, {1, 40}, {3, 6, 40}};
    const auto define = [&](naive::Array value) -> std::string_view {
      values.push_back(std::move(value));
      names.push_back("v" + std::to_string(names.size()));
      return names.back();
    };
    names.reserve(1000);
    constants.reserve(1000);
    for (std::size_t i = 0, n = 2 + pick(4); i < n; ++i) {
      const auto shape = i == 0 ? shapes.back() : shapes[pick(shapes.size())];
      const TensorType type(DType::float64, shape);
      Doubles x(static_cast<std::size_t>(type.size()));
      for (double& v : x) v = std::uniform_real_distribution<double>(-2, 2)(rng);
      const auto name = define({shape, x});
      if (i > 0 && pick(3) == 0) {
        constants.push_back(x);
        graph.constant(name, {type, static_cast<const void*>(constants.back().data())});
      } else {
        graph.input(name, type);
        inputs.push_back(x);
      }
    }
    using enum ElementwiseCode;
    const std::pair<const char*, ElementwiseCode> choice[] = {
        {"Add", add},   {"Sub", subtract}, {"Mul", multiply}, {"Max", maximum},    {"Min", minimum},
        {"Relu", relu}, {"Tanh", tanh},    {"Neg", negate},   {"Sigmoid", sigmoid}};
    for (int n = 0; n < count; ++n) {
      const std::size_t a = values.size() - 1 - pick(std::min<std::size_t>(values.size(), 5));
      const std::size_t b = pick(values.size());
      const std::string first = names[a], second = names[b];
      const std::size_t kind = only_elementwise ? 9 : pick(12);
      if (kind == 0) {
        naive::Array low = values[a], high = values[a];
        for (double& v : low.at) v = std::min(v, 0.0);
        for (double& v : high.at) v = std::max(v, 0.0);
        const std::string_view low_name = define(low), high_name = define(high);
        graph.node("Parts", {first}, {low_name, high_name});
      } else if (kind < 5) {
        naive::Array back = values[a];
        std::ranges::reverse(back.at);
        graph.node("Reverse", {first}, define(back));
      } else {
        const auto [name, code] = choice[pick(std::size(choice))];
        if (operand_count(code) == 2)
          graph.node(name, {first, second}, define(naive::apply({code, {}}, values[a], values[b])));
        else
          graph.node(name, {first}, define(naive::apply({code, {}}, values[a], values[a])));
      }
    }
    outputs.push_back(values.size() - 1);
    for (std::size_t o = 0, n = only_elementwise ? 0 : pick(4); o < n; ++o)
      outputs.push_back(pick(values.size()));
    for (const std::size_t o : outputs) graph.output(names[o]);
  }

  void check() {
    const auto r = results(true);
    for (std::size_t o = 0; o < outputs.size(); ++o)
      for (std::size_t i = 0; i < r[o].size(); ++i)
        REQUIRE(r[o][i] == Approx(values[outputs[o]].at[i]).epsilon(1e-10).margin(1e-10));
    const auto unfused = results(false);
    for (std::size_t o = 0; o < outputs.size(); ++o) REQUIRE(same(r[o], unfused[o]));
  }
};

}  // namespace

TEST_CASE("model: random graphs are right, and packed to within a hundredth of what is alive") {
  std::mt19937 rng(11);
  for (int round = 0; round < 200; ++round) {
    INFO("round " << round);
    RandomGraph(20, false, rng).check();
  }
}

TEST_CASE("model: random graphs of twenty elementwise operators are one pass") {
  std::mt19937 rng(12);
  for (int round = 0; round < 100; ++round) {
    INFO("round " << round);
    RandomGraph random(20, true, rng);
    random.check();
    const Model model(random.graph);
    REQUIRE(model.step_count() == 1);
  }
}

TEST_CASE("model: long graphs") {
  Case c;
  c.input("x", {50});
  std::vector<std::string> names{"x"};
  names.reserve(400);
  for (int i = 0; i < 300; ++i) {
    const std::string& before = names.back();
    names.push_back("v" + std::to_string(i));
    if (i % 2 == 0)
      c.graph.node("Reverse", {before}, std::string_view(names.back()));
    else
      c.graph.node("Add", {before, "x"}, std::string_view(names.back()));
  }
  c.graph.output(names.back());
  const auto r = c.results();
  CHECK(r[0].size() == 50);
}

TEST_CASE("model: eight threads, each with its session", "[engine][threads]") {
  std::mt19937 rng(13);
  RandomGraph random(20, false, rng);
  const Model model(random.graph);
  const auto expected = run(model, random.inputs);
  std::vector<std::vector<Doubles>> results(8);
  std::vector<std::thread> threads;
  for (auto& result : results)
    threads.emplace_back([&] {
      result = outputs_of(model);
      Session session(model);
      std::vector<const void*> in;
      std::vector<void*> out;
      for (const auto& x : random.inputs) in.push_back(x.data());
      for (auto& y : result) out.push_back(y.data());
      for (int i = 0; i < 50; ++i) session.run(in, out);
    });
  for (auto& thread : threads) thread.join();
  for (const auto& result : results)
    for (std::size_t o = 0; o < expected.size(); ++o) CHECK(same(result[o], expected[o]));
}

TEST_CASE("model: out of memory at any allocation of load and session leaks nothing") {
  Case c;
  c.input("x", {4});
  const double k[] = {1, 2, 3, 4};
  c.graph.constant("k", {{DType::float64, {4}}, k});
  c.graph.node("Reverse", {"k"}, "back");
  c.graph.node("Add", {"x", "back"}, "a");
  c.graph.node("Relu", {"a"}, "b");
  c.graph.node("Reverse", {"b"}, "r");
  c.graph.node("Parts", {"r"}, {"low", "high"});
  c.graph.node("Sub", {"high", "low"}, "y");
  c.graph.output("y");
  c.graph.output("x");
  TrackingAllocator tracker;
  FailingResource failing(&tracker);
  int refusals = 0;
  const NoDefaultResource none;
  const Model untroubled(c.graph);  // all from its resource
  for (bool is_made = false; !is_made; ++refusals) {
    failing.refused = refusals;
    try {
      const Model model(c.graph, {.resource = &failing});
      Session session(model, &failing);
      is_made = true;
    } catch (const std::bad_alloc&) {
    }
    REQUIRE(tracker.stats().live_bytes == 0);
  }
  CHECK(refusals > 50);
}
