// Plans of several results, as numbers and as text.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <string>

namespace tn = tenon;
using tn::index_t;

namespace {

template <index_t... E>
auto leaf() {
  return tn::TensorView<const float, tn::Shape<E...>>(nullptr, {});
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

void check_lines(std::string_view text) {
  CHECK(text.ends_with('\n'));
  CHECK(count(text, " \n") == 0);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    REQUIRE(end != text.npos);
    CHECK(end - at <= 110);
    at = end + 1;
  }
}

}  // namespace

TEST_CASE("Results that one pass makes are named so", "[eval][plan]") {
  const auto x = leaf<40, 50>();
  const auto group =
      tn::let(x * 2 + 1, [](auto v) { return tn::tie(tn::mean<1>(v), tn::mean<1>(v * v)); });
  const auto text = tn::explain(group);
  check_lines(text);
  INFO(text.view());
  CHECK(text.view().starts_with("One pass makes the following results\n\nResult 1\nStages"));
  CHECK(count(text, "\nResult ") == 2);
  CHECK(count(text, "Shared value") == 0);
  CHECK(count(text, "Together  2 results, 1 stages, 0 temporaries") == 1);
}

TEST_CASE("A shared value that is stored comes first, then each result", "[eval][plan]") {
  const auto x = leaf<40, 40>(), y = leaf<40, 40>();
  const auto group = tn::let(tn::exp(x), [&](auto h) {
    return tn::tie(tn::matmul(h, y), tn::softmax<-1>(tn::matmul(y, h)));
  });
  const auto text = tn::explain(group);
  check_lines(text);
  INFO(text.view());
  CHECK(text.view().starts_with("Shared value 1, stored while the results below read it\nStages"));
  CHECK(text.view().find("= exp(a)") < text.view().find("Result 1"));
  CHECK(text.view().find("Result 1") < text.view().find("Result 2"));
  CHECK(count(text, "packing panels") == 2);
  CHECK(count(text, "Together  2 results, 4 stages, 2 temporaries") == 1);
  CHECK(tn::plan(group).stages == 4);
}

TEST_CASE("Plans of dynamic extents are those of static ones", "[eval][plan]") {
  const auto same = [](const auto& fixed, const auto& open) {
    const tn::GroupPlan a = tn::plan(fixed), b = tn::plan(open);
    CHECK(a.workspace_bytes == b.workspace_bytes);
    CHECK(a.workspace_bytes_if_aliased == b.workspace_bytes_if_aliased);
    CHECK(a.result_bytes == b.result_bytes);
    CHECK(a.peak_bytes == b.peak_bytes);
    CHECK(a.results == b.results);
    CHECK(a.stages == b.stages);
    CHECK(a.temporaries == b.temporaries);
    CHECK(std::string(tn::explain(open)).find("Together") != std::string::npos);
  };
  const auto x = leaf<24, 24>();
  const tn::TensorView<const float, tn::Shape<tn::dyn, tn::dyn>> d(nullptr, tn::shape(24, 24));
  const auto loops = [](const auto& v) { return tn::tie(v + 1, v * v); };
  const auto products = [](const auto& v) {
    return tn::let(tn::matmul(v, v), [&](auto h) { return tn::tie(tn::relu(h), -h); });
  };
  const auto stored = [](const auto& v) {
    return tn::let(tn::exp(v), [&](auto h) { return tn::tie(tn::matmul(h, v), tn::sum<0>(h)); });
  };
  same(loops(x), loops(d));
  same(products(x), products(d));
  same(stored(x), stored(d));
}
