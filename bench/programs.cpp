// A prepared program beside eval_into of the same small expression: "tenon" is run(), the peer eval_into.
//   taskset -c 1 bench_programs

#include "heap_trap.hpp"
#include "ratios.hpp"

#include <tenon/tenon.hpp>

#include <string>

namespace tn = tenon;

namespace {

template <class E, class View>
void add(const std::string& row, const E& e, const View& destination, tn::Arena& arena) {
  benchmark::RegisterBenchmark((row + "/tenon").c_str(), [=, &arena](benchmark::State& state) {
    auto program = tn::prepare(destination, e, tn::scratch(arena));
    for (auto _ : state) {
      program.run();
      benchmark::ClobberMemory();
    }
  });
  benchmark::RegisterBenchmark((row + "/eval_into").c_str(), [=, &arena](benchmark::State& state) {
    for (auto _ : state) {
      tn::eval_into(destination, e, tn::scratch(arena));
      benchmark::ClobberMemory();
    }
  });
}

// x * y + x, and two products with a sum before and after, of 2 x 2 matrices.
template <class Shape>
void add_rows(const std::string& extents, const Shape& shape, tn::Arena& data, tn::Arena& scratch) {
  static const auto x = tn::full<float>(shape, 1.5F, data), y = tn::full<float>(shape, 0.5F, data);
  static auto z = tn::zeros<float>(shape, data);
  const auto xs = x.view(), ys = y.view();
  add("x * y + x, " + extents, xs * ys + xs, z.view(), scratch);
  add("two products, " + extents, tn::matmul(tn::matmul(xs + ys, ys), xs) + ys, z.view(), scratch);
}

}  // namespace

int main(int argc, char** argv) {
  static tn::Arena data, scratch;  // before the tensors in them, which are static too
  add_rows("static 2 x 2", tn::shape<2, 2>(), data, scratch);
  add_rows("dynamic 2 x 2", tn::shape(2, 2), data, scratch);
  return tn::bench::run(argc, argv);
}
