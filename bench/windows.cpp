// Convolutions and pooling beside oneDNN and plain loops, measured in turn.
//
//   onednn          tensors as they lie (…, channels, places), weights in the order that oneDNN likes best
//   onednn_blocked  all tensors in the order that it likes best: what a chain of its layers keeps between them
//   loops           plain loops over channels, taps and places, the places innermost
//
// Results are compared before they are timed; nothing of ours allocates inside the timed loops.

#include "heap_trap.hpp"
#include "ratios.hpp"
#include "values.hpp"

#include <tenon/tenon.hpp>

#if TENON_BENCH_ONEDNN
#include <dnnl.hpp>
#endif

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace tn = tenon;
using tenon::bench::values;
using tn::index_t;

namespace {

// A convolution of x (channels, rows, columns) with w (outputs, channels / groups, taps, taps); rows and the
// taps along them are 1 where it has one axis.
struct Case {
  std::string row;
  index_t channels, rows, columns, outputs, row_taps, taps, stride, groups;

  [[nodiscard]] index_t padding() const { return taps / 2; }
  [[nodiscard]] index_t row_padding() const { return row_taps / 2; }
  [[nodiscard]] index_t out_rows() const {
    return (rows + 2 * row_padding() - row_taps) / (rows == 1 ? 1 : stride) + 1;
  }
  [[nodiscard]] index_t out_columns() const {
    return (columns + 2 * padding() - taps) / stride + 1;
  }
  [[nodiscard]] index_t result_size() const { return outputs * out_rows() * out_columns(); }
  [[nodiscard]] double flops() const {
    return 2.0 * static_cast<double>(result_size() * channels / groups * row_taps * taps);
  }
};

// Operands and results of a case live as long as the program.
struct Data {
  const float *x, *w;
  std::vector<float> y, expected;
};

void loops(const Case& c, const float* x, const float* w, float* y) {
  const index_t own = c.channels / c.groups, per_group = c.outputs / c.groups;
  const index_t out_rows = c.out_rows(), out_columns = c.out_columns();
  const index_t row_stride = c.rows == 1 ? 1 : c.stride;
  std::fill_n(y, c.result_size(), 0.0F);
  for (index_t o = 0; o < c.outputs; ++o)
    for (index_t i = 0; i < own; ++i)
      for (index_t p = 0; p < c.row_taps; ++p)
        for (index_t q = 0; q < c.taps; ++q) {
          const float factor = w[((o * own + i) * c.row_taps + p) * c.taps + q];
          const float* plane = x + (o / per_group * own + i) * c.rows * c.columns;
          const index_t before = std::max<index_t>(0, c.padding() - q);
          const index_t first = (before + c.stride - 1) / c.stride;
          const index_t last =
              std::min(out_columns, (c.columns - 1 + c.padding() - q) / c.stride + 1);
          for (index_t r = 0; r < out_rows; ++r) {
            const index_t at = r * row_stride + p - c.row_padding();
            if (at < 0 || at >= c.rows) continue;
            const float* from = plane + at * c.columns + q - c.padding();
            float* to = y + (o * out_rows + r) * out_columns;
            if (c.stride == 1)
              for (index_t j = first; j < last; ++j) to[j] += factor * from[j];
            else
              for (index_t j = first; j < last; ++j) to[j] += factor * from[j * c.stride];
          }
        }
}

void check(const Case& c, const char* who, const Data& data) {
  for (std::size_t i = 0; i < data.y.size(); ++i)
    if (!(std::fabs(data.y[i] - data.expected[i]) <= 1e-4F)) {
      std::fprintf(stderr, "%s, %s: element %zu is %g, by loops %g\n", c.row.c_str(), who, i,
                   static_cast<double>(data.y[i]), static_cast<double>(data.expected[i]));
      std::exit(1);
    }
}

void add(const Case& c, const char* who, const std::function<void()>& run) {
  const double flops = c.flops();
  benchmark::RegisterBenchmark((c.row + "/" + who).c_str(), [=](benchmark::State& state) {
    for (auto _ : state) {
      run();
      benchmark::ClobberMemory();
    }
    state.counters["flops"] = flops;
  });
}

template <class E, class S>
void add_tenon(const Case& c, Data& data, const E& e, const S& shape) {
  static auto& pool = *new tn::PoolAllocator;  // outlives benchmarks
  const auto result = tn::view(data.y.data(), shape);
  using Program = decltype(tn::prepare(result, e, tn::scratch(pool)));
  const auto program = std::make_shared<Program>(tn::prepare(result, e, tn::scratch(pool)));
  program->run();
  check(c, "tenon", data);
  add(c, "tenon", [program] {
    tenon::support::HeapTrap trap(tenon::support::HeapTrap::Mode::abort,
                                  tenon::support::HeapTrap::Scope::thread);
    program->run();
    trap.stop();
  });
}

#if TENON_BENCH_ONEDNN
using dnnl::memory;

dnnl::engine& engine() {
  static auto* const one = new dnnl::engine(dnnl::engine::kind::cpu, 0);  // outlives benchmarks
  return *one;
}
dnnl::stream& stream() {
  static auto* const one = new dnnl::stream(engine());
  return *one;
}

// `from` in the order of `order`, copied where it lies otherwise.
memory in_order(memory from, const memory::desc& order) {
  if (from.get_desc() == order) return from;
  memory to(order, engine());
  dnnl::reorder(from, to).execute(stream(), from, to);
  stream().wait();
  return to;
}

void add_onednn(const Case& c, Data& data, bool is_blocked) {
  using Tag = memory::format_tag;
  constexpr auto f32 = memory::data_type::f32;
  const index_t g = c.groups, row_stride = c.rows == 1 ? 1 : c.stride;
  const memory::dims x_dims{1, c.channels, c.rows, c.columns};
  const memory::dims y_dims{1, c.outputs, c.out_rows(), c.out_columns()};
  const memory::dims w_dims{g, c.outputs / g, c.channels / g, c.row_taps, c.taps};
  const Tag tensors = is_blocked ? Tag::any : Tag::nchw;
  const dnnl::convolution_forward::desc what(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
      {x_dims, f32, tensors}, {w_dims, f32, Tag::any}, {y_dims, f32, tensors},
      {row_stride, c.stride}, {c.row_padding(), c.padding()}, {c.row_padding(), c.padding()});
  const dnnl::convolution_forward::primitive_desc description(what, engine());
  const memory x = in_order({{x_dims, f32, Tag::nchw}, engine(), const_cast<float*>(data.x)},
                            description.src_desc());
  const memory w = in_order({{w_dims, f32, Tag::goihw}, engine(), const_cast<float*>(data.w)},
                            description.weights_desc());
  const memory plain({y_dims, f32, Tag::nchw}, engine(), data.y.data());
  const memory y =
      description.dst_desc() == plain.get_desc() ? plain : memory(description.dst_desc(), engine());
  const dnnl::convolution_forward primitive(description);
  const std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}};
  primitive.execute(stream(), arguments);
  stream().wait();
  if (y.get_data_handle() != plain.get_data_handle()) {
    memory from = y, to = plain;
    dnnl::reorder(from, to).execute(stream(), from, to);
    stream().wait();
  }
  const char* const who = is_blocked ? "onednn_blocked" : "onednn";
  check(c, who, data);
  add(c, who, [primitive, arguments] {
    primitive.execute(stream(), arguments);
    stream().wait();
  });
}
#endif

// All contenders of a case; `make` gives the expression over x and w, and the result's shape.
template <class Make>
void add_case(const Case& c, const Make& make) {
  auto* const data = new Data{values(c.channels * c.rows * c.columns),
                              values(c.outputs * c.channels / c.groups * c.row_taps * c.taps),
                              std::vector<float>(static_cast<std::size_t>(c.result_size())),
                              std::vector<float>(static_cast<std::size_t>(c.result_size()))};
  loops(c, data->x, data->w, data->expected.data());
  make(*data);
#if TENON_BENCH_ONEDNN
  add_onednn(c, *data, false);
  add_onednn(c, *data, true);
#endif
  add(c, "loops", [c, data] { loops(c, data->x, data->w, data->y.data()); });
}

template <tn::Conv1d Options>
void add_conv1d(const std::string& row, index_t channels, index_t length, index_t outputs,
                index_t taps) {
  const Case c{row, channels, 1, length, outputs, 1, taps, Options.stride, Options.groups};
  add_case(c, [&](Data& data) {
    const auto x = tn::view(data.x, tn::shape(channels, length));
    const auto w = tn::view(data.w, tn::shape(outputs, channels / Options.groups, taps));
    add_tenon(c, data, tn::conv1d<Options>(x, w), tn::shape(outputs, c.out_columns()));
  });
}

template <tn::Conv2d Options>
void add_conv2d(const std::string& row, index_t channels, index_t side, index_t outputs,
                index_t taps) {
  const Case c{row,           channels, side, side, outputs, taps, taps, Options.stride.columns,
               Options.groups};
  add_case(c, [&](Data& data) {
    const auto x = tn::view(data.x, tn::shape(channels, side, side));
    const auto w = tn::view(data.w, tn::shape(outputs, channels / Options.groups, taps, taps));
    add_tenon(c, data, tn::conv2d<Options>(x, w),
              tn::shape(outputs, c.out_rows(), c.out_columns()));
  });
}

}  // namespace

int main(int argc, char** argv) {
  add_conv1d<tn::Conv1d{.padding = 1}>("conv1d 64 x 1024, 3 taps, to 64", 64, 1024, 64, 3);
  add_conv1d<tn::Conv1d{}>("conv1d 64 x 1024, 1 tap, to 128", 64, 1024, 128, 1);
  add_conv1d<tn::Conv1d{.stride = 2, .padding = 2}>("conv1d 32 x 4096, 5 taps, stride 2, to 64", 32,
                                                    4096, 64, 5);
  add_conv1d<tn::Conv1d{.padding = 4}>("conv1d 1 x 16384, 9 taps, to 16", 1, 16384, 16, 9);
  add_conv1d<tn::Conv1d{.padding = 2, .groups = 256}>("conv1d depthwise 256 x 4096, 5 taps", 256,
                                                      4096, 256, 5);
  add_conv2d<tn::Conv2d{.padding = 1}>("conv2d 64 x 56 x 56, 3 x 3, to 64", 64, 56, 64, 3);
  add_conv2d<tn::Conv2d{.padding = 1}>("conv2d 256 x 14 x 14, 3 x 3, to 256", 256, 14, 256, 3);
  add_conv2d<tn::Conv2d{}>("conv2d 256 x 28 x 28, 1 x 1, to 128", 256, 28, 128, 1);
  add_conv2d<tn::Conv2d{.stride = 2, .padding = 3}>("conv2d 3 x 224 x 224, 7 x 7, stride 2, to 64",
                                                    3, 224, 64, 7);
  add_conv2d<tn::Conv2d{.padding = 1, .groups = 128}>("conv2d depthwise 128 x 56 x 56, 3 x 3", 128,
                                                      56, 128, 3);
  return tenon::bench::run(argc, argv);
}
