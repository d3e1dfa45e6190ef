// Plans as graphs.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/explain_dot.hpp>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string>

namespace tn = tenon;
using tn::index_t;

namespace {

template <index_t... E>
auto leaf() {
  return tn::TensorView<const float, tn::Shape<E...>>(nullptr, {});
}

struct Quoted {
  static constexpr const char* name = "say \"x\" \\ y";
  template <class T>
  constexpr T operator()(const T& x) const {
    return x;
  }
};

template <class E>
std::string graph(const E& e) {
  std::ostringstream out;
  out << tn::explain_dot(e);
  return out.str();
}

// Nodes are declared once and before they are used, quotes and braces are closed.
void check_graph(const std::string& text) {
  std::set<std::string> nodes;
  int braces = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '"') {
        quoted = !quoted;
      } else if (!quoted) {
        braces += line[i] == '{' ? 1 : line[i] == '}' ? -1 : 0;
      }
    }
    CHECK_FALSE(quoted);
    std::istringstream words(line);
    std::string first, arrow, second;
    words >> first >> arrow >> second;
    if (arrow == "->") {
      CHECK(nodes.count(first) == 1);
      CHECK(nodes.count(second.substr(0, second.find(';'))) == 1);
    } else if (first.size() > 1 && first[0] == 'n' && first[1] >= '0' && first[1] <= '9') {
      CHECK(nodes.insert(first).second);
    }
  }
  CHECK(braces == 0);
  if (std::system("command -v dot > /dev/null 2>&1") == 0) {
    std::FILE* const dot = popen("dot -Tsvg > /dev/null", "w");
    REQUIRE(dot != nullptr);
    std::fputs(text.c_str(), dot);
    CHECK(pclose(dot) == 0);
  }
}

}  // namespace

TEST_CASE("A plan becomes a graph, coloured by stage", "[plan]") {
  const auto e = tn::softmax<-1>(tn::matmul(leaf<40, 50>(), leaf<50, 60>()) * 2.0F);
  const std::string text = graph(e);
  check_graph(text);
  CHECK(text.find("subgraph cluster_2") != std::string::npos);
  CHECK(text.find("subgraph cluster_3") == std::string::npos);
  CHECK(text.find("label=\"matmul\\n(40, 60)\\nT1: 9.38 KiB\", peripheries=2") !=
        std::string::npos);
  CHECK(text.find("label=\"a\\nfloat32 (40, 50)\"") != std::string::npos);
  std::ostringstream out;
  tn::explain_dot(out, tn::plan(e));
  CHECK(out.str() == text);
}

TEST_CASE("Lets are arrows from the value to its readers", "[plan]") {
  check_graph(graph(tn::let(tn::exp(leaf<40, 50>()), [](auto h) {
    return tn::let(h * 2.0F, [h](auto g) { return tn::sum<0>(g) + tn::max<0>(h); });
  })));
  check_graph(graph(tn::let(leaf<40, 50>(), [](auto h) { return h * h; })));
  const std::string text = graph(tn::let(leaf<4>() + 1.0F, [](auto h) { return h * h; }));
  check_graph(text);
  CHECK(text.find("let") == std::string::npos);
}

TEST_CASE("Names and extents do not break a graph", "[plan]") {
  check_graph(graph(tn::map(Quoted{}, leaf<4>())));
  check_graph(graph(leaf<4>() + 0.0F));
  const auto x = tn::view(static_cast<const float*>(nullptr), tn::shape(20, 30));
  check_graph(graph(tn::softmax<-1>(tn::matmul(x, leaf<30, 8>()))));
}
