#include "naive_elementwise.hpp"
#include "src/engine/elementwise_operators.hpp"
#include "src/engine/tile_program.hpp"

#include <tenon/memory/tracking_allocator.hpp>

#include "catch.hpp"

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace tenon;
using namespace std::string_view_literals;

namespace {

const Operator& named(std::string_view name) {
  for (const auto& entry : detail::elementwise_operators())
    if (entry.name == name) return *entry.op;
  FAIL("no operator " << name);
  std::abort();
}

template <class T>
std::vector<T> as(const std::vector<double>& values) {
  return std::vector<T>(values.begin(), values.end());
}

TensorType type_of(DType dtype, const std::vector<index_t>& shape) { return {dtype, shape}; }

naive::Array random_array(const std::vector<index_t>& shape, double low, double high,
                          std::mt19937& rng) {
  naive::Array a{shape, {}};
  std::uniform_real_distribution<double> uniform(low, high);
  std::size_t n = 1;
  for (const index_t e : shape) n *= static_cast<std::size_t>(e);
  // Rounded to float, so that float and double compute on the same numbers.
  for (std::size_t i = 0; i < n; ++i) a.at.push_back(static_cast<float>(uniform(rng)));
  return a;
}

// Inputs, outputs and workspace each in a vector of their own, between guards.
template <class T>
struct Run {
  static constexpr std::size_t guard = 16;
  std::vector<std::vector<T>> inputs, outputs;
  std::vector<std::byte> workspace;

  void operator()(const Kernel& kernel, const std::vector<naive::Array>& leaves,
                  const std::vector<std::size_t>& sizes) {
    std::vector<const void*> in;
    std::vector<void*> out;
    for (const auto& leaf : leaves) inputs.push_back(as<T>(leaf.at));
    for (const auto& i : inputs) in.push_back(i.data());
    for (const std::size_t n : sizes) outputs.emplace_back(n + guard, T(77));
    for (auto& o : outputs) out.push_back(o.data());
    workspace.assign(kernel.workspace_bytes() + 128, std::byte{0x5A});
    auto* base = workspace.data();
    while (reinterpret_cast<std::uintptr_t>(base) % 64 != 0) ++base;
    kernel.run({in, out, base, nullptr});
    for (const std::byte* b = base + kernel.workspace_bytes();
         b != workspace.data() + workspace.size(); ++b)
      REQUIRE(*b == std::byte{0x5A});
    for (std::size_t o = 0; o < outputs.size(); ++o)
      for (std::size_t g = 0; g < guard; ++g) REQUIRE(outputs[o][sizes[o] + g] == T(77));
  }
};

void require_close(double x, double expected, double tolerance) {
  if (std::isnan(expected)) {
    REQUIRE(std::isnan(x));
  } else if (std::isinf(expected)) {
    REQUIRE(x == expected);
  } else {
    REQUIRE(std::fabs(x - expected) <= tolerance * std::max(1.0, std::fabs(expected)));
  }
}

template <class T>
void check_operator(const Operator& op, const Attributes& attributes,
                    const std::vector<naive::Array>& leaves, double tolerance) {
  std::vector<TensorType> types;
  for (const auto& leaf : leaves) types.push_back(type_of(dtype_of<T>, leaf.shape));
  TensorType result;
  op.infer(types, attributes, std::span(&result, 1));
  const Elementwise elementwise = op.elementwise(attributes);
  const naive::Array expected = naive::apply(elementwise, leaves.front(), leaves.back());
  REQUIRE(result == type_of(dtype_of<T>, expected.shape));
  const KernelPtr kernel = op.compile(types, attributes, {system_resource()});
  Run<T> run;
  run(*kernel, leaves, {expected.at.size()});
  for (std::size_t i = 0; i < expected.at.size(); ++i)
    require_close(static_cast<double>(run.outputs[0][i]), expected.at[i], tolerance);
}

}  // namespace

TEST_CASE("elementwise: every operator is what its formula says") {
  std::mt19937 rng(1);
  for (const auto& entry : detail::elementwise_operators()) {
    INFO(entry.name);
    const auto code = entry.op->elementwise({}).code;
    const bool is_positive = entry.name == "Log"sv || entry.name == "Sqrt"sv ||
                             entry.name == "Pow"sv || entry.name == "Reciprocal"sv ||
                             entry.name == "Div"sv;
    for (const index_t n : {0, 1, 7, 64, 1000, 5000}) {
      std::vector<naive::Array> leaves;
      for (int i = 0; i < operand_count(code); ++i)
        leaves.push_back(random_array({n}, is_positive ? 0.1 : -6, 6, rng));
      check_operator<float>(*entry.op, {}, leaves, 2e-6);
      check_operator<double>(*entry.op, {}, leaves, 1e-14);
    }
  }
}

TEST_CASE("elementwise: attributes") {
  std::mt19937 rng(2);
  const std::vector<naive::Array> leaf{random_array({1000}, -4, 4, rng)};
  check_operator<float>(named("LeakyRelu"), {{"alpha", 0.25}}, leaf, 1e-6);
  check_operator<float>(named("Clip"), {{"min", -1.5}, {"max", 2.0}}, leaf, 1e-6);
  check_operator<float>(named("HardSigmoid"), {{"alpha", 0.5}, {"beta", 0.25}}, leaf, 1e-6);
  check_operator<float>(named("Elu"), {{"alpha", 2.0}}, leaf, 1e-6);
  check_operator<double>(named("Gelu"), {{"approximate", 1}}, leaf, 1e-14);
  CHECK(named("Gelu").elementwise({{"approximate", 1}}).code == ElementwiseCode::gelu_tanh);
}

TEST_CASE("elementwise: not a number, infinities and signed zeros") {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const naive::Array special{{8}, {nan, inf, -inf, 0.0, -0.0, 1, -1, nan}};
  const naive::Array other{{8}, {1, nan, inf, -inf, 0.0, nan, -1, nan}};
  for (const char* name : {"Relu", "Abs", "Neg", "Sigmoid", "Tanh", "Exp", "Sqrt", "Clip"})
    check_operator<float>(named(name), {}, {special}, 1e-6);
  for (const char* name : {"Add", "Sub", "Mul", "Max", "Min"})
    check_operator<float>(named(name), {}, {special, other}, 1e-6);
}

TEST_CASE("elementwise: broadcasting as NumPy does") {
  std::mt19937 rng(3);
  const std::vector<std::vector<index_t>> shapes{
      {}, {1}, {300}, {7, 1}, {7, 300}, {1, 300}, {5, 1, 300}, {5, 7, 1}, {5, 1, 1}, {5, 7, 300}};
  for (const auto& a : shapes)
    for (const auto& b : shapes)
      check_operator<float>(named("Sub"), {},
                            {random_array(a, -1, 1, rng), random_array(b, -1, 1, rng)}, 1e-6);
  const std::vector<std::vector<index_t>> short_rows{
      {}, {3}, {4, 1}, {4, 3}, {60, 1, 3}, {60, 4, 1}, {1, 4, 3}, {60, 4, 3}, {60, 1, 1}};
  for (const auto& a : short_rows)
    for (const auto& b : short_rows)
      check_operator<double>(named("Mul"), {},
                             {random_array(a, -1, 1, rng), random_array(b, -1, 1, rng)}, 1e-15);
  check_operator<float>(named("Add"), {}, {{{0, 3}, {}}, {{1, 3}, {1, 2, 3}}}, 0);
  check_operator<float>(named("Add"), {}, {{{0}, {}}, {{}, {1}}}, 0);
}

TEST_CASE("elementwise: integers") {
  const naive::Array a{{5}, {7, -7, 2, 1000000, -3}}, b{{5}, {2, 2, -1, 3, -3}};
  for (const char* name : {"Add", "Sub", "Mul", "Max", "Min"}) {
    check_operator<std::int32_t>(named(name), {}, {a, b}, 0);
    check_operator<std::int64_t>(named(name), {}, {a, b}, 0);
  }
  check_operator<std::int32_t>(named("Relu"), {}, {a}, 0);
  const TensorType type(DType::int64, {3});
  const std::vector<TensorType> types{type, type};
  const KernelPtr divide = named("Div").compile(types, {}, {system_resource()});
  Run<std::int64_t> run;
  run(*divide, {{{3}, {7, -7, 5}}, {{3}, {2, 2, 0}}}, {3});
  CHECK(run.outputs[0][0] == 3);
  CHECK(run.outputs[0][1] == -3);
  CHECK(run.outputs[0][2] == 0);
}

TEST_CASE("elementwise: what does not fit is refused with numbers") {
  TensorType result;
  const auto message = [&](const char* name, std::vector<TensorType> types) -> std::string {
    try {
      named(name).infer(types, {}, std::span(&result, 1));
    } catch (const Error& error) {
      return error.message();
    }
    return "accepted";
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(message("Add", {{DType::float32, {2, 3}}, {DType::float32, {2, 4}}}),
             Contains("Add") && Contains("float32[2, 3]") && Contains("float32[2, 4]") &&
                 Contains("3 and 4") && Contains("axis -1"));
  CHECK_THAT(message("Add", {{DType::float32, {2}}, {DType::float64, {2}}}),
             Contains("float32[2]") && Contains("float64[2]"));
  CHECK_THAT(message("Exp", {{DType::int32, {2}}}), Contains("Exp") && Contains("int32[2]"));
  CHECK_THAT(message("Add", {{DType::float32, {2}}}), Contains("1 inputs") && Contains("2"));
}

TEST_CASE("elementwise: the output may lie where an operand of its size does") {
  const TensorType whole(DType::float32, {6, 200}), row(DType::float32, {200});
  const std::vector<TensorType> types{row, whole};
  const KernelPtr kernel = named("Sub").compile(types, {}, {system_resource()});
  CHECK_FALSE(kernel->in_place(0));
  REQUIRE(kernel->in_place(1));
  std::vector<float> x(1200), b(200);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i) / 2;
  const void* in[] = {b.data(), x.data()};
  void* out[] = {x.data()};
  kernel->run({in, out, nullptr, nullptr});
  for (std::size_t i = 0; i < x.size(); ++i)
    REQUIRE(x[i] == static_cast<float>(i % 200) / 2 - static_cast<float>(i));
}

namespace {

// A random program of `count` nodes over random leaves, with its naive result.
struct RandomProgram {
  std::vector<naive::Array> values;  // leaves, then nodes
  std::vector<TensorType> leaves;
  std::vector<detail::TileNode> nodes;
  std::vector<int> outputs;

  RandomProgram(int count, std::mt19937& rng) {
    const auto pick = [&](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>(0, n - 1)(rng);
    };
    const std::vector<index_t> full =
        std::vector<std::vector<index_t>>{{6, 5, 40}, {3, 700}, {2000}, {9, 8, 3}}[pick(4)];
    const std::size_t leaf_count = 2 + pick(6);
    for (std::size_t i = 0; i < leaf_count; ++i) {
      std::vector<index_t> shape = full;
      if (i > 0) {
        for (index_t& e : shape)
          if (pick(3) == 0) e = 1;
        shape.erase(shape.begin(), shape.begin() + static_cast<index_t>(pick(shape.size() + 1)));
      }
      values.push_back(random_array(shape, -2, 2, rng));
      leaves.push_back(type_of(DType::float64, shape));
    }
    using enum ElementwiseCode;
    const Elementwise choice[] = {{add, {}},     {subtract, {}},    {multiply, {}},
                                  {maximum, {}}, {minimum, {}},     {relu, {}},
                                  {sigmoid, {}}, {tanh, {}},        {abs, {}},
                                  {negate, {}},  {clip, {-1, 1.5}}, {leaky_relu, {0.1, 0}}};
    // Values that nobody has read come first, so that all end in one.
    std::vector<int> unread;
    for (std::size_t i = 0; i < leaf_count; ++i) unread.push_back(static_cast<int>(i));
    for (int n = 0; n < count || unread.size() > 1; ++n) {
      const bool joins = n + static_cast<int>(unread.size()) > count;
      const Elementwise op = choice[joins ? pick(5) : pick(std::size(choice))];
      const auto take = [&] {
        if (unread.empty()) return static_cast<int>(pick(values.size()));
        const std::size_t at = pick(unread.size());
        const int value = unread[at];
        unread.erase(unread.begin() + static_cast<index_t>(at));
        return value;
      };
      const int a = take();
      int b = a;
      if (operand_count(op.code) == 2)
        b = joins || pick(2) == 0 ? take() : static_cast<int>(pick(values.size()));
      std::erase(unread, b);
      nodes.push_back({op, {a, b}});
      values.push_back(naive::apply(op, values[static_cast<std::size_t>(a)],
                                    values[static_cast<std::size_t>(b)]));
      unread.push_back(static_cast<int>(values.size()) - 1);
    }
    outputs.push_back(static_cast<int>(nodes.size()) - 1);
  }
};

}  // namespace

TEST_CASE("elementwise: random programs of twenty operators equal the formulas") {
  std::mt19937 rng(4);
  for (int round = 0; round < 200; ++round) {
    INFO("round " << round);
    RandomProgram random(20, rng);
    const bool has_second_output = round % 3 == 0;
    if (has_second_output) random.outputs.push_back(static_cast<int>(random.nodes.size()) / 2);
    TrackingAllocator tracker;
    {
      const KernelPtr kernel = make_kernel<detail::TileKernel>(
          &tracker, detail::TileGraph{random.leaves, random.nodes, random.outputs}, &tracker);
      std::vector<std::size_t> sizes;
      const std::size_t leaf_count = random.leaves.size();
      for (const int o : random.outputs)
        sizes.push_back(random.values[leaf_count + static_cast<std::size_t>(o)].at.size());
      Run<double> run;
      run(*kernel,
          {random.values.begin(), random.values.begin() + static_cast<index_t>(leaf_count)}, sizes);
      for (std::size_t o = 0; o < sizes.size(); ++o) {
        const auto& expected =
            random.values[leaf_count + static_cast<std::size_t>(random.outputs[o])];
        for (std::size_t i = 0; i < sizes[o]; ++i)
          require_close(run.outputs[o][i], expected.at[i], 1e-12);
      }
    }
    REQUIRE(tracker.stats().live_bytes == 0);
  }
}

TEST_CASE("elementwise: a chain of any length is one program") {
  std::vector<TensorType> leaves{{DType::float32, {10000}}};
  std::vector<detail::TileNode> nodes;
  for (int i = 0; i < 500; ++i) nodes.push_back({{ElementwiseCode::add, {}}, {i, 0}});
  const int output = 499;
  const detail::TileKernel kernel({leaves, nodes, std::span(&output, 1)}, system_resource());
  CHECK(kernel.program().instruction_count() == 500);
  CHECK(kernel.program().section_count() == 1);
  CHECK(kernel.program().bytes_moved() == 2 * leaves[0].bytes());
  std::vector<float> x(10000, 1), y(10000);
  std::vector<std::byte> memory(kernel.workspace_bytes() + 64);
  auto* base = memory.data();
  while (reinterpret_cast<std::uintptr_t>(base) % 64 != 0) ++base;
  const void* in[] = {x.data()};
  void* out[] = {y.data()};
  kernel.run({in, out, base, nullptr});
  for (const float v : y) REQUIRE(v == 501);
}

TEST_CASE("elementwise: wide sums keep their pointers in the workspace") {
  std::vector<TensorType> leaves(60, TensorType(DType::float64, {33}));
  std::vector<detail::TileNode> nodes;
  for (int i = 1; i < 60; ++i)
    nodes.push_back({{ElementwiseCode::add, {}}, {i == 1 ? 0 : 58 + i, i}});
  const int output = 58;
  const detail::TileKernel kernel({leaves, nodes, std::span(&output, 1)}, system_resource());
  std::vector<naive::Array> values;
  std::mt19937 rng(5);
  for (int i = 0; i < 60; ++i) values.push_back(random_array({33}, 0, 1, rng));
  Run<double> run;
  run(kernel, values, {33});
  for (std::size_t i = 0; i < 33; ++i) {
    double sum = 0;
    for (const auto& v : values) sum += v.at[i];
    REQUIRE(run.outputs[0][i] == Approx(sum));
  }
}
