// Orders of graphs, where a value has several readers: against every order of small ones.

#include "catch.hpp"

#include <tenon/plan/graph_order.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace tn = tenon;
namespace td = tenon::detail;

namespace {

struct Graph {
  std::vector<tn::StageNeed> needs;
  std::vector<td::StageRead> reads;
};

// Stages that read some of those before them, each but the last read at least once.
Graph random_graph(std::minstd_rand& random, std::size_t size) {
  Graph graph;
  std::vector<bool> is_read(size);
  for (std::size_t s = 0; s < size; ++s) {
    graph.needs.push_back({-1, 1 + random() % 20, random() % 3 == 0 ? random() % 30 : 0});
    for (std::size_t v = 0; v < s; ++v)
      if (random() % 3 == 0 || (s + 1 == size && !is_read[v])) {
        is_read[v] = true;
        // In place only where both are as large: the planner promises it.
        const bool in_place = random() % 4 == 0;
        if (in_place) graph.needs[s].value = graph.needs[v].value;
        graph.reads.push_back({static_cast<short>(s), static_cast<short>(v), in_place});
      }
  }
  for (auto& read : graph.reads)
    read.in_place = read.in_place && graph.needs[static_cast<std::size_t>(read.reader)].value ==
                                         graph.needs[static_cast<std::size_t>(read.value)].value;
  graph.needs.back().value = 0;  // the result lies elsewhere
  return graph;
}

// What an order takes, from the meaning of reading and dying alone.
std::size_t peak_of(const Graph& graph, const std::vector<std::size_t>& order) {
  std::vector<std::size_t> position(order.size());
  for (std::size_t p = 0; p < order.size(); ++p) position[order[p]] = p;
  const auto last_reader = [&](std::size_t v) {
    std::size_t last = position[v];
    for (const auto& read : graph.reads)
      if (read.value == static_cast<short>(v))
        last = std::max(last, position[static_cast<std::size_t>(read.reader)]);
    return last;
  };
  std::size_t peak = 0;
  for (std::size_t p = 0; p < order.size(); ++p) {
    std::size_t alive = graph.needs[order[p]].scratch;
    for (std::size_t v = 0; v < order.size(); ++v)
      if (position[v] <= p && p <= last_reader(v)) alive += graph.needs[v].value;
    for (const auto& read : graph.reads)
      if (static_cast<std::size_t>(read.reader) == order[p] && read.in_place &&
          last_reader(static_cast<std::size_t>(read.value)) == p) {
        alive -= graph.needs[order[p]].value;
        break;
      }
    peak = std::max(peak, alive);
  }
  return peak;
}

bool is_order(const Graph& graph, const std::vector<std::size_t>& order) {
  for (const auto& read : graph.reads)
    if (std::find(order.begin(), order.end(), static_cast<std::size_t>(read.reader)) <
        std::find(order.begin(), order.end(), static_cast<std::size_t>(read.value)))
      return false;
  return true;
}

template <std::size_t N>
td::GraphOrder<N, 64> searched(const Graph& graph, std::size_t most_steps) {
  return {graph.needs, graph.reads, most_steps};
}

template <std::size_t N>
std::vector<std::size_t> order_of(const td::GraphOrder<N, 64>& found) {
  return {found.order().begin(), found.order().end()};
}

}  // namespace

TEST_CASE("Orders of graphs have the least peak of all where the search ends", "[plan][order]") {
  constexpr std::size_t size = 7;
  std::minstd_rand random(21);
  int better = 0;
  for (int round = 0; round < 400; ++round) {
    const Graph graph = random_graph(random, size);
    REQUIRE(graph.reads.size() <= 64);
    std::vector<std::size_t> order(size);
    for (std::size_t s = 0; s < size; ++s) order[s] = s;
    const std::size_t as_written = peak_of(graph, order);
    std::size_t least = as_written;
    do
      if (is_order(graph, order)) least = std::min(least, peak_of(graph, order));
    while (std::next_permutation(order.begin(), order.end()));
    INFO("round " << round);
    const auto found = searched<size>(graph, 100'000);
    REQUIRE(is_order(graph, order_of(found)));
    REQUIRE(peak_of(graph, order_of(found)) == found.peak());
    REQUIRE(found.peak() == least);
    REQUIRE(found.lower_bound() == least);
    better += least < as_written;
    // Cut short, it is still an order, no worse than the one given, and its bound a bound.
    const auto cut = searched<size>(graph, random() % 30);
    REQUIRE(is_order(graph, order_of(cut)));
    REQUIRE(peak_of(graph, order_of(cut)) == cut.peak());
    REQUIRE(cut.peak() <= as_written);
    REQUIRE(cut.lower_bound() <= least);
  }
  CHECK(better > 100);
}
