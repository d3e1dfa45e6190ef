#include "failing_resource.hpp"
#include "graph_operators.hpp"

#include <tenon/engine/graph.hpp>
#include <tenon/memory/tracking_allocator.hpp>

#include "catch.hpp"

#include <string>

using namespace tenon;

namespace {

template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.message();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("graph: shapes follow from the operators") {
  Graph graph(graphs::registry());
  graph.input("x", {DType::float64, {2, 3}});
  const double b[] = {1, 2, 3};
  graph.constant("b", {{DType::float64, {3}}, b});
  graph.node("Add", {"x", "b"}, "y");
  graph.node("Parts", {"y"}, {"low", "high"});
  graph.output("high");
  CHECK(graph.type("y") == TensorType(DType::float64, {2, 3}));
  CHECK(graph.type("high") == graph.type("x"));
  CHECK(graph.node_count() == 2);
}

TEST_CASE("graph: an error names node, operator and shapes, and changes nothing") {
  using Catch::Matchers::Contains;
  Graph graph(graphs::registry());
  graph.input("hidden", {DType::float32, {2, 3}});
  graph.input("other", {DType::float32, {4}});
  graph.input("wide", {DType::float64, {3}});
  CHECK_THAT(message_of([&] { graph.node("Add", {"hidden", "other"}, "sum"); }),
             Contains("'sum'") && Contains("Add") && Contains("float32[2, 3]") &&
                 Contains("float32[4]") && Contains("3 and 4"));
  CHECK_THAT(message_of([&] { graph.node("Add", {"hidden", "wide"}, "sum"); }),
             Contains("'sum'") && Contains("float64[3]"));
  CHECK_THROWS_AS(graph.node("Add", {"hidden", "other"}, "sum"), ShapeError);
  CHECK_THROWS_AS(graph.node("Add", {"hidden", "wide"}, "sum"), DTypeError);
  CHECK_THAT(message_of([&] { graph.node("Add", {"hiden", "other"}, "sum"); }),
             Contains("'hiden'") && Contains("closest name is hidden"));
  CHECK_THAT(message_of([&] { graph.node("Ad", {"hidden", "other"}, "sum"); }), Contains("Add"));
  CHECK_THAT(message_of([&] { graph.output("widee"); }), Contains("closest name is wide"));
  CHECK_THAT(message_of([&] { graph.input("wide", {DType::float64, {3}}); }),
             Contains("'wide' already"));
  CHECK_THAT(message_of([&] { graph.node("Relu", {"hidden"}, "wide"); }),
             Contains("'wide' already"));
  CHECK_THAT(message_of([&] { graph.node("Parts", {"wide"}, {"a", "a"}); }), Contains("'a'"));
  CHECK_THAT(message_of([&] { graph.node("Parts", {"wide"}, "a"); }), Contains("1 outputs, not 2"));
  CHECK_THAT(message_of([&] { graph.node("Relu", {"y"}, "y"); }), Contains("no tensor 'y'"));
  CHECK(graph.node_count() == 0);
  graph.node("Relu", {"hidden"}, "sum");
  CHECK(graph.node_count() == 1);
}

TEST_CASE("graph: out of memory at any allocation leaves the graph as it was") {
  TrackingAllocator tracker;
  {
    FailingResource failing(&tracker);
    Graph graph(graphs::registry(), &failing);
    graph.input("a tensor with a name that is long", {DType::float64, {3}});
    for (int refused = 0, built = 0; built < 8; ++refused) {
      const std::string name = "a node with a name that is long " + std::to_string(built);
      failing.refused = refused;
      try {
        graph.node("Relu", {"a tensor with a name that is long"}, std::string_view(name));
        ++built;
        refused = -1;
      } catch (const std::bad_alloc&) {
        REQUIRE(graph.node_count() == static_cast<std::size_t>(built));
      }
      failing.refused = -1;
    }
    CHECK(graph.values().size() == 9);
  }
  CHECK(tracker.stats().live_bytes == 0);
}
