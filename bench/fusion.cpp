// What fusion is worth. `unfused` runs every operation by itself, each value in a buffer of its own;
// `stages` runs every stage of a region over all rows before the next one begins. Ratios are their time
// over that of the plan as it is; a second table has the memory that they take. Run pinned: taskset -c 1
// bench_fusion. Nothing allocates inside the timed loops: the trap would end the program.

#include "heap_trap.hpp"
#include "ratios.hpp"
#include "values.hpp"

#include <tenon/tenon.hpp>

#include <tenon/expr/unfused.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace tn = tenon;
using tenon::bench::values;
using tn::index_t;

namespace {

template <index_t... E>
auto constant(tn::Shape<E...> shape) {
  return tn::view(values(shape.size()), shape);
}

// What the rows take: peak_bytes of the plan, of the peer's plan.
struct Memory {
  std::string row;
  const char* peer;
  std::size_t peak, workspace, peer_peak, peer_workspace;
};
std::vector<Memory> memory;

template <class E>
void timed(benchmark::State& state, const E& e) {
  tn::PoolAllocator pool;
  auto result = tn::eval(e, pool);
  const auto run = [&] { tn::eval_into(tn::noalias(result), e, tn::scratch(pool)); };
  run();  // warm: every buffer is in the pool
  tenon::support::HeapTrap trap(tenon::support::HeapTrap::Mode::abort);
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  trap.stop();
  const auto plan = tn::plan(e);
  state.counters["flops"] = static_cast<double>(plan.flops);
  state.counters["bytes"] = static_cast<double>(plan.bytes_moved);
  state.counters["peak_bytes"] = static_cast<double>(plan.peak_bytes);
  state.counters["workspace_bytes"] = static_cast<double>(plan.workspace_bytes);
}

template <class E, class Peer>
void add_pair(const std::string& row, const E& e, const char* who, const Peer& peer) {
  const auto plan = tn::plan(e);
  const auto other = tn::plan(peer);
  memory.push_back(
      {row, who, plan.peak_bytes, plan.workspace_bytes, other.peak_bytes, other.workspace_bytes});
  benchmark::RegisterBenchmark((row + "/tenon").c_str(),
                               [e](benchmark::State& state) { timed(state, e); });
  benchmark::RegisterBenchmark((row + "/" + who).c_str(),
                               [peer](benchmark::State& state) { timed(state, peer); });
}
template <class E>
void add(const std::string& row, const E& e) {
  add_pair(row, e, "stages", tn::detail::StageByStage(e));
}
template <class E>
void add_unfused(const std::string& row, const E& e) {
  add_pair(row, e, "unfused", tn::testing::unfused(e));
}

void add_elementwise() {
  constexpr index_t n = 1'000'000;
  const auto x = constant(tn::shape(n)), y = constant(tn::shape(n)), z = constant(tn::shape(n));
  add_unfused("relu(exp(x)*y+z) n=10^6", tn::relu(tn::exp(x) * y + z));
  add_unfused("sum(square(x)) n=10^6", tn::sum(tn::square(x)));
  const auto a = constant(tn::shape(1024, 64)), w = constant(tn::shape(64, 1024)),
             r = constant(tn::shape(1024, 1024));
  const auto b = constant(tn::shape(1024));
  add_unfused("relu(matmul(x,w)+b)+r 1024x64x1024", tn::relu(tn::matmul(a, w) + b) + r);
}

// Three layers.
template <index_t Width, index_t Rows>
void add_mlp(tn::Shape<Rows, Width> batch) {
  const auto x = constant(batch);
  const auto layer = [](const auto& input) {
    const auto w = constant(tn::shape<Width, Width>());
    const auto b = constant(tn::shape<Width>());
    return tn::matmul(input, w) + b;
  };
  add("mlp " + std::to_string(Width) + " batch " + std::to_string(batch.extent(0)) +
          (Rows < 0 ? "" : " static"),
      layer(tn::relu(layer(tn::relu(layer(x))))));
}

// Six layers.
template <index_t Width, index_t Rows>
void add_deep(tn::Shape<Rows, Width> batch) {
  const auto x = constant(batch);
  const auto layer = [](const auto& input) {
    return tn::matmul(input, constant(tn::shape<Width, Width>())) + constant(tn::shape<Width>());
  };
  const auto two = [&](const auto& h) { return layer(tn::relu(layer(h))); };
  add("6 layers " + std::to_string(Width) + " batch " + std::to_string(batch.extent(0)) +
          (Rows < 0 ? "" : " static"),
      two(tn::relu(two(tn::relu(two(x))))));
}

template <index_t L, index_t D>
auto make_attention(tn::Shape<L, D> shape) {
  const auto q = constant(shape), k = constant(shape), v = constant(shape);
  return tn::matmul(tn::softmax<-1>(tn::matmul(q, tn::transpose(k)) * 0.125F), v);
}
template <index_t L, index_t D>
void add_attention(tn::Shape<L, D> shape) {
  add("attention " + std::to_string(shape.extent(0)) + " x " + std::to_string(shape.extent(1)) +
          (L < 0 ? "" : " static"),
      make_attention(shape));
}

// Layer norm, two layers, residual.
template <index_t Width>
void add_block(index_t rows) {
  const auto x = constant(tn::Shape<tn::dyn, Width>::from_extents({rows, Width}));
  const auto w1 = constant(tn::shape<Width, 4 * Width>());
  const auto w2 = constant(tn::shape<4 * Width, Width>());
  const auto c = x - tn::mean<1>(x, tn::keepdims);
  const auto norm = c / tn::sqrt(tn::mean<1>(tn::square(c), tn::keepdims) + 1e-5F);
  add("norm, mlp, residual " + std::to_string(Width) + " batch " + std::to_string(rows),
      tn::matmul(tn::tanh(tn::matmul(norm, w1)), w2) + x);
}

template <index_t Width>
void add_norm(index_t rows) {
  const auto x = constant(tn::Shape<tn::dyn, Width>::from_extents({rows, Width}));
  const auto c = x - tn::mean<1>(x, tn::keepdims);
  add("norm " + std::to_string(Width) + " batch " + std::to_string(rows),
      c / tn::sqrt(tn::mean<1>(tn::square(c), tn::keepdims) + 1e-5F));
}

}  // namespace

int main(int argc, char** argv) {
  const auto batch = [](index_t rows, auto width) {
    return tn::Shape<tn::dyn, decltype(width)::value>::from_extents({rows, width});
  };
  using namespace tn::literals;
  add_elementwise();
  for (index_t rows : {1, 8, 64, 100, 1000, 4096}) add_mlp<256>(batch(rows, 256_c));
  add_mlp<256>(tn::shape<4096, 256>());
  for (index_t rows : {1, 100, 4096}) add_mlp<16>(batch(rows, 16_c));
  for (index_t rows : {64, 1000}) add_mlp<64>(batch(rows, 64_c));
  for (index_t rows : {64, 1000}) add_mlp<1024>(batch(rows, 1024_c));
  for (index_t rows : {1, 64, 1000, 4096}) add_deep<256>(batch(rows, 256_c));
  add_deep<256>(tn::shape<64, 256>());
  add_deep<256>(tn::shape<4096, 256>());
  add_unfused("attention 2048 x 64, unfused", make_attention(tn::shape<2048, 64>()));
  add_attention(tn::shape<2048, 64>());
  for (index_t length : {16, 128, 512, 2048}) add_attention(batch(length, 64_c));
  for (index_t rows : {1, 64, 1000}) add_block<256>(rows);
  for (index_t rows : {10, 1000}) add_norm<16>(rows);
  for (index_t rows : {64, 4096}) add_norm<1024>(rows);
  const int status = tenon::bench::run(argc, argv);
  std::printf("\n%-34s %12s %12s  %s\n", "row (bytes)", "peak", "workspace",
              "peer: peak, workspace (peak / peer's)");
  for (const Memory& m : memory)
    std::printf("%-34s %12zu %12zu  %s: %zu, %zu (%.3f)\n", m.row.c_str(), m.peak, m.workspace,
                m.peer, m.peer_peak, m.peer_workspace,
                static_cast<double>(m.peak) / static_cast<double>(m.peer_peak));
  return status;
}
