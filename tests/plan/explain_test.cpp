// Plans as text, written by the compiler.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/explain.hpp>

#include <tenon/memory/readable.hpp>

#include <sstream>
#include <string>

namespace tn = tenon;
using tn::index_t;

namespace {

template <index_t... E>
using Leaf = tn::TensorView<const float, tn::Shape<E...>>;
using M = Leaf<40, 50>;
using W = Leaf<50, 60>;
using Row = Leaf<50>;

using Loop = decltype(std::declval<M>() * 2.0F + std::declval<Row>());
static_assert(
    tn::explanation_of<Loop> ==
    R"(Stages                                                             flops        moved    flops/B
  1  result  float32 (40, 50)                                      4,000     15.8 KiB        0.2
             = add(multiply(a, #), b)
             reads     a (40, 50), b (50,)

Totals
  workspace, B                         0   0 B
  workspace if aliased, B          8,000   7.81 KiB, where the result overlaps an operand
  result, B                        8,000   7.81 KiB
  peak, B                          8,000   7.81 KiB, result and workspace
  flops                            4,000   0.2 for each byte moved
  moved, B                        16,200   15.8 KiB

Why, and > the way taken       workspace                           flops        moved
  One stage: nothing is stored, and nothing is computed twice.
)");

using Scaled = decltype(tn::softmax<-1>(std::declval<M>() * tn::exp(std::declval<Row>())) + 1.0F);
static_assert(
    tn::explanation_of<Scaled> ==
    R"(Stages                                                             flops        moved    flops/B
  1  T1      float32 (50,)                                         1,000        400 B        2.5
             = exp(b)
             reads     b (50,)
  2  result  float32 (40, 50)                                     52,000     15.8 KiB        3.2
             = add(softmax(multiply(a, T1)), #)
             prologue  multiply
             core      softmax
             epilogue  add
             reads     a (40, 50), T1

Slots             offset           bytes    stages   hold
                       0             200       1-2   T1
                     256             200         2   row buffer of stage 2

Totals
  workspace, B                       456   456 B, the least for any order of stages
  workspace if aliased, B          8,512   8.31 KiB, where the result overlaps an operand
  result, B                        8,000   7.81 KiB
  peak, B                          8,456   8.26 KiB, result and workspace
  flops                           53,000   3.2 for each byte moved
  moved, B                        16,600   16.2 KiB

Why, and > the way taken       workspace                           flops        moved
  T1 is stored: costly, and broadcast: computed once instead of once for each use
  > stored                         200 B                           1,000        600 B
    in place, 40×                    0 B                          40,000        200 B
)");

}  // namespace

namespace {

// Laws of every text: short lines without blanks at the end, and a plan that the text agrees with.
template <class E>
void check_text() {
  const std::string_view text = tn::explanation_of<E>;
  const auto& plan = tn::plan_of<E>;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string_view::npos);
    const std::string_view line = text.substr(at, end - at);
    CHECK(tn::detail::TextWriter::columns(line) <= 100);
    CHECK((line.empty() || line.back() != ' '));
    at = end + 1;
  }
  const auto has = [&](std::uint64_t n) {
    return text.find(tn::detail::grouped_text(n)) != std::string_view::npos;
  };
  CHECK(has(plan.workspace_bytes));
  CHECK(has(plan.workspace_bytes_if_aliased));
  CHECK((plan.workspace_bytes == plan.lower_bound_bytes || has(plan.lower_bound_bytes)));
  CHECK(has(plan.slots.order_bound_bytes));
  CHECK(has(plan.peak_bytes));
  CHECK(has(plan.flops));
  CHECK(has(plan.bytes_moved));
  for (int stage = 0; stage < plan.stages; ++stage) {
    const int root = plan.stage_root(stage);
    CHECK(has(plan.slots.value[static_cast<std::size_t>(root)].bytes));
    CHECK(has(plan.stage_cost(stage).flops));
    if (root != 0)
      CHECK(text.find(tn::describe(plan.structure.reason[static_cast<std::size_t>(root)])) !=
            std::string_view::npos);
  }
}

}  // namespace

TEST_CASE("Explanations have short lines and the numbers of the plan", "[plan]") {
  check_text<Loop>();
  check_text<Scaled>();
  using X = Leaf<64, 784>;
  using W1 = Leaf<784, 128>;
  using W2 = Leaf<128, 10>;
  check_text<decltype(tn::softmax<-1>(tn::matmul(
      tn::relu(tn::matmul(std::declval<X>(), std::declval<W1>()) + std::declval<Leaf<128>>()),
      std::declval<W2>())))>();
  check_text<decltype(tn::let(tn::matmul(std::declval<X>(), std::declval<W1>()), [](auto h) {
    return tn::matmul(h * tn::sigmoid(h), tn::transpose(h) + 1.0F);
  }))>();
  check_text<decltype(tn::let(std::declval<X>() + 1.0F, [](auto h) {
    return tn::let(h * h, [h](auto g) { return g * g + h; });
  }))>();
  check_text<decltype(tn::reshape(tn::transpose(std::declval<X>()), tn::shape<784 * 64>()) +
                      1.0F)>();
  using Long = decltype([](M a) {
    const auto b = a + a * a - a / 2.0F;
    const auto c = b * b + tn::sigmoid(b) * tn::exp(b);
    return tn::minimum(c, a) + tn::maximum(c, b);
  }(std::declval<M>()));
  check_text<Long>();
  check_text<M>();
}

TEST_CASE("Explanations name what is fused", "[plan]") {
  const M a(nullptr, {});
  const W w(nullptr, {});
  const Row r(nullptr, {});
  const auto e = tn::relu(tn::matmul(a + r, w)) * 0.5F;
  const std::string_view text = tn::explain(e);
  CHECK(text.find("= multiply(relu(matmul(add(a, b), c)), #)\n"
                  "             prologue  add\n"
                  "             core      matmul M 40, N 60, K 50\n"
                  "             epilogue  relu, multiply\n"
                  "             reads     a (40, 50), b (50,), c (50, 60)\n") !=
        std::string_view::npos);
}

TEST_CASE("Explanations name the stages of a block of rows, and what was hoisted", "[plan]") {
  using Rows = Leaf<4096, 64>;
  using Square = Leaf<64, 64>;
  using Layers = decltype(tn::matmul(
      tn::relu(tn::matmul(std::declval<Rows>(), std::declval<Square>()) + std::declval<Leaf<64>>()),
      tn::exp(std::declval<Square>())));
  check_text<Layers>();
  const auto& plan = tn::plan_of<Layers>;
  REQUIRE(plan.stages == 2);
  REQUIRE(plan.structure.is_region(0));
  const std::string text(tn::explanation_of<Layers>.view());
  const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  CHECK(has("= matmul(relu(add(B1, c)), T1)\n"));
  CHECK(has("B1 = matmul(a, b)\n"));
  CHECK(has("blocks    of at most " +
            std::string(tn::detail::grouped_text(
                static_cast<std::uint64_t>(plan.structure.regions.rows[0]))) +
            " along axis 0"));
  CHECK(has("T1 is stored: hoisted"));
  CHECK(has("a block of rows of stage 2\n"));
  CHECK(has("Stage 2 runs block of rows by block of rows"));
}

TEST_CASE("An explanation is a reference to a constant, or a value where extents are dynamic",
          "[plan]") {
  const M a(nullptr, {});
  const auto fixed = a * 2.0F;
  static_assert(std::is_reference_v<decltype(tn::explain(fixed))>);
  const auto x = tn::view(static_cast<const float*>(nullptr), tn::shape(40, 50));
  const auto w = tn::view(static_cast<const float*>(nullptr), tn::shape(50, 60));
  const auto text = tn::explain(x * 2.0F);
  CHECK(text == tn::explain(fixed).view());
  const W other(nullptr, {});
  CHECK(tn::explain(tn::relu(tn::matmul(x + 1.0F, w))) ==
        tn::explain(tn::relu(tn::matmul(a + 1.0F, other))).view());
  std::ostringstream out;
  out << text << tn::explain(fixed);
  CHECK(out.str() == std::string(text.view()) + std::string(text.view()));
}

TEST_CASE("Numbers in explanations are those of the memory reports", "[plan]") {
  for (std::uint64_t n :
       {0ULL, 1ULL, 999ULL, 1000ULL, 1023ULL, 1024ULL, 1536ULL, 10239ULL, 10240ULL, 100000ULL,
        1048575ULL, 1048576ULL, 123456789ULL, 99999999999ULL}) {
    CHECK(std::string_view(tn::detail::bytes_text(n)) == tn::detail::readable_bytes(n).text);
    CHECK(std::string_view(tn::detail::grouped_text(n)) == tn::detail::grouped(n).text);
  }
  CHECK(std::string_view(tn::detail::decimal_text(0)) == "0");
  CHECK(std::string_view(tn::detail::decimal_text(0.25)) == "0.3");
  CHECK(std::string_view(tn::detail::decimal_text(19.96)) == "20");
  CHECK(std::string_view(tn::detail::decimal_text(1234.5)) == "1,235");
}

TEST_CASE("A plan object explains itself as its expression does", "[plan]") {
  CHECK(tn::explain(tn::plan_of<Scaled>) == tn::explanation_of<Scaled>.view());
  static_assert(tn::explain(tn::plan_of<Loop>) == tn::explanation_of<Loop>.view());
}

TEST_CASE("A let whose body is its name is the value", "[plan]") {
  const auto e = tn::let(tn::exp(M(nullptr, {})), [](auto h) { return h; });
  const std::string_view text = tn::explain(e);
  CHECK(text.find("= exp(a)\n") != std::string_view::npos);
}
