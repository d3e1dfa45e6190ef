// What threads are worth: evaluation by a team of as many threads as the machine has (or --threads=N) beside
// evaluation by one, measured in turn. Ratios are the time of one thread over that of the team, by the clock.
// Run bench_threads on a machine that does nothing else. Results of both are compared bit by bit before they
// are timed, and nothing allocates inside the timed loops: the trap would end the program.

#include "heap_trap.hpp"
#include "ratios.hpp"
#include "values.hpp"

#include <tenon/core/thread_team.hpp>
#include <tenon/eval/parallel.hpp>
#include <tenon/tenon.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tn = tenon;
using tenon::bench::values;
using tn::index_t;

namespace {

template <class... E>
auto some(E... extents) {
  const auto shape = tn::shape(extents...);
  return tn::view(values(shape.size()), shape);
}

template <class E, class... Executor>
void timed(benchmark::State& state, const E& e, Executor&... executor) {
  tn::PoolAllocator pool;
  auto result = tn::eval(e, pool);
  auto program = tn::prepare(result, e, tn::scratch(pool), executor...);
  program.run();
  tenon::support::HeapTrap trap(tenon::support::HeapTrap::Mode::abort,
                                tenon::support::HeapTrap::Scope::process);
  for (auto _ : state) {
    program.run();
    benchmark::ClobberMemory();
  }
  trap.stop();
  const auto plan = tn::plan(e);
  state.counters["flops"] = static_cast<double>(plan.flops);
  state.counters["bytes"] = static_cast<double>(plan.bytes_moved);
  state.counters["workspace_bytes"] = static_cast<double>(program.workspace_bytes());
}

template <class E>
void add(const std::string& row, const E& e, tn::ThreadTeam& team) {
  tn::PoolAllocator pool;
  if (!tn::array_equal(tn::eval(e, pool), tn::eval(e, pool, team))) {
    std::fprintf(stderr, "%s: other bits than with one thread\n", row.c_str());
    std::exit(1);
  }
  benchmark::RegisterBenchmark((row + "/tenon").c_str(), [e, &team](benchmark::State& state) {
    timed(state, e, team);
  })->UseRealTime();
  benchmark::RegisterBenchmark((row + "/one thread").c_str(), [e](benchmark::State& state) {
    timed(state, e);
  })->UseRealTime();
}

template <class X>
auto mlp(const X& x) {
  const auto h = tn::relu(tn::matmul(x, some(784, 512)) + some(512));
  return tn::matmul(tn::relu(tn::matmul(h, some(512, 256)) + some(256)), some(256, 10)) + some(10);
}

// --threads=N, taken out of the arguments.
int take_threads(int& argc, char** argv) {
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  int kept = 1;
  for (int i = 1; i < argc; ++i)
    if (const std::string_view option = argv[i]; option.starts_with("--threads="))
      threads = std::atoi(argv[i] + 10);
    else
      argv[kept++] = argv[i];
  argc = kept;
  return std::max(1, std::min(threads, tn::ThreadTeam::most_threads));
}

}  // namespace

int main(int argc, char** argv) {
  tn::ThreadTeam team(take_threads(argc, argv));
  std::printf("%d threads\n", team.thread_count());
  for (const index_t n : {64, 96, 128, 256, 512, 1024, 2048})
    add("matmul " + std::to_string(n), tn::matmul(some(n, n), some(n, n)), team);
  add("matmul 32 x 768 x 3072", tn::matmul(some(32, 768), some(768, 3072)), team);
  add("matmul 1 x 768 x 3072", tn::matmul(some(1, 768), some(768, 3072)), team);
  for (const index_t rows : {1, 16, 64, 256, 1024})
    add("mlp 784-512-256-10 batch " + std::to_string(rows), mlp(some(rows, 784)), team);
  for (const index_t length : {128, 512, 2048}) {
    const auto q = some(length, 64), k = some(length, 64), v = some(length, 64);
    add("attention " + std::to_string(length) + " x 64",
        tn::matmul(tn::softmax<-1>(tn::matmul(q, tn::transpose(k)) * 0.125F), v), team);
  }
  for (const index_t n : {10000, 100000, 1000000, 10000000}) {
    const auto a = some(n), b = some(n), c = some(n);
    add("a * b + c " + std::to_string(n), a * b + c, team);
    add("sum " + std::to_string(n), tn::sum(a), team);
  }
  const auto square = some(1024, 1024);
  add("exp 1024 x 1024", tn::exp(square), team);
  add("softmax 1024 x 1024", tn::softmax<-1>(square), team);
  add("sum<0> 1024 x 1024", tn::sum<0>(square), team);
  add("sum<1> 1024 x 1024", tn::sum<1>(square), team);
  return tenon::bench::run(argc, argv);
}
