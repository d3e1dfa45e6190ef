// A session of the engine beside the same work as an expression known when compiled: four dense layers of one row,
// and twenty elementwise operators. engine.py has ONNX Runtime beside it.
//   taskset -c 1 bench_engine

#include "heap_trap.hpp"
#include "interleaved.hpp"
#include "values.hpp"

#include <tenon/engine.hpp>
#include <tenon/tenon.hpp>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace tn = tenon;

namespace {

constexpr tn::index_t width = 64;

// A model bound in its session, whose run may not touch the heap.
class Bound {
 public:
  Bound(const tn::Graph& graph, bool fuse, const std::vector<tn::ConstAnyView>& inputs,
        const tn::AnyView& output)
      : model_(graph, {.fuse = fuse}), session_(model_) {
    session_.bind(inputs, std::array{output});
    tn::support::HeapTrap trap;
    session_.run();
    if (trap.stop() != 0) std::abort();
  }
  void run() noexcept { session_.run(); }
  [[nodiscard]] const tn::Model& model() const noexcept { return model_; }

 private:
  tn::Model model_;
  tn::Session session_;
};

struct Dense {
  const float *w, *b;
};

void require_close(const float* a, const float* b, tn::index_t n) {
  for (tn::index_t i = 0; i < n; ++i)
    if (!(std::abs(a[i] - b[i]) <= 1e-5F * std::max(1.0F, std::abs(b[i])))) {
      std::fprintf(stderr, "element %td: %g and %g\n", i, static_cast<double>(a[i]),
                   static_cast<double>(b[i]));
      std::abort();
    }
}

void dense(tn::bench::Rows& rows) {
  if (!rows.wanted("dense, 4 layers of 64")) return;
  const float* const x = tn::bench::values(width);
  std::array<Dense, 4> layers;
  for (Dense& layer : layers) layer = {tn::bench::values(width * width), tn::bench::values(width)};
  std::vector<float> y(width), z(width);

  tn::Graph graph;
  const tn::TensorType row(tn::DType::float32, {1, width});
  graph.input("x", row);
  std::string from = "x";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string n = std::to_string(i), w = "w" + n, b = "b" + n, h = "h" + n, r = "r" + n;
    graph.constant(w, tn::view(layers[i].w, tn::shape<width, width>()));
    graph.constant(b, tn::view(layers[i].b, tn::shape<width>()));
    graph.node("Gemm", {from, w, b}, std::string_view(h));
    from = h;
    if (i + 1 == layers.size()) break;
    graph.node("Relu", {h}, std::string_view(r));
    from = r;
  }
  graph.output(from);
  Bound session(graph, true, {{row, static_cast<const void*>(x)}},
                {row, static_cast<void*>(y.data())});

  const auto layer = [&](const auto& in, std::size_t i) {
    return tn::matmul(in, tn::view(layers[i].w, tn::shape<width, width>())) +
           tn::view(layers[i].b, tn::shape<width>());
  };
  const auto net =
      layer(tn::relu(layer(
                tn::relu(layer(tn::relu(layer(tn::view(x, tn::shape<1, width>()), 0)), 1)), 2)),
            3);
  tn::Arena arena;
  auto program = tn::prepare(tn::view(z.data(), tn::shape<1, width>()), net, tn::scratch(arena));
  session.run();
  program.run();
  require_close(y.data(), z.data(), width);
  rows.measure("dense", "dense, 4 layers of 64", {4 * 2.0 * width * width, 4 * 4.0 * width * width},
               {tn::bench::contender("tenon", [&] { session.run(); }),
                tn::bench::contender("expression", [&] { program.run(); })});
}

void chain(tn::bench::Rows& rows, tn::index_t n) {
  const std::string name = "20 operators, " + std::to_string(n);
  if (!rows.wanted(name)) return;
  const float *const x = tn::bench::values(n), *const y = tn::bench::values(n),
                     *const z = tn::bench::values(n);
  std::vector<float> a(static_cast<std::size_t>(n)), b(a);
  tn::Graph graph;
  const tn::TensorType type(tn::DType::float32, {n});
  for (const char* input : {"x", "y", "z"}) graph.input(input, type);
  std::string from = "x";
  int made = 0;
  const auto node = [&](const char* op, const char* other) {
    const std::string to = "v" + std::to_string(made++);
    if (other == nullptr)
      graph.node(op, {from}, std::string_view(to));
    else
      graph.node(op, {from, other}, std::string_view(to));
    from = to;
  };
  for (int i = 0; i < 4; ++i) {
    node("Add", "y");
    node("Mul", "z");
    node("Relu", nullptr);
    node("Sub", "x");
    node("Sigmoid", nullptr);
  }
  graph.output(from);
  const std::vector<tn::ConstAnyView> inputs{{type, static_cast<const void*>(x)},
                                             {type, static_cast<const void*>(y)},
                                             {type, static_cast<const void*>(z)}};
  const tn::AnyView output(type, static_cast<void*>(a.data()));
  Bound fused(graph, true, inputs, output), unfused(graph, false, inputs, output);

  const auto xs = tn::view(x, tn::shape(n)), ys = tn::view(y, tn::shape(n)),
             zs = tn::view(z, tn::shape(n));
  const auto part = [&](const auto& v) { return tn::sigmoid(tn::relu((v + ys) * zs) - xs); };
  const auto expression = part(part(part(part(xs))));
  const auto destination = tn::view(b.data(), tn::shape(n));
  fused.run();
  tn::eval_into(destination, expression, tn::scratch(tn::system_resource()));
  require_close(a.data(), b.data(), n);
  rows.measure("20 operators", name, {20.0 * static_cast<double>(n), 16.0 * static_cast<double>(n)},
               {tn::bench::contender("tenon", [&] { fused.run(); }),
                tn::bench::contender("unfused*", [&] { unfused.run(); }),
                tn::bench::contender("expression", [&] {
                  tn::eval_into(destination, expression, tn::scratch(tn::system_resource()));
                })});
}

}  // namespace

int main(int argc, char** argv) {
  tn::bench::Rows rows(argc, argv);
  dense(rows);
  chain(rows, 1000);
  chain(rows, 1'000'000);
  rows.finish();
}
