// Convolutions against plain loops in double; their plans, and what they may lie on.

#include "catch.hpp"
#include "heap_trap.hpp"
#include "naive_windows.hpp"

#include <tenon/expr/unfused.hpp>
#include <tenon/tenon.hpp>

namespace tn = tenon;
namespace td = tenon::detail;
using naive::index_t;
using naive::Recorder;
using naive::Sliding;
using naive::values;

namespace {

template <class T, class S>
struct Owned {
  std::vector<T> memory;
  tn::TensorView<const T, S> view;
  Owned(const S& shape, unsigned seed)
      : memory(values<T>(static_cast<std::size_t>(shape.size()), seed)),
        view(memory.data(), shape) {}
};
template <class T = float, class... E>
auto owned(unsigned seed, E... extents) {
  const auto shape = tn::shape(extents...);
  return Owned<T, std::remove_const_t<decltype(shape)>>(shape, seed);
}
template <class T, index_t... E>
auto fixed(unsigned seed) {
  return Owned<T, tn::Shape<E...>>(tn::Shape<E...>{}, seed);
}

constexpr Sliding sliding(const tn::Conv1d& o) {
  return {o.stride, o.padding.before, o.padding.after, o.dilation};
}

// conv1d of x (batches, channels, length), and w, by loops.
template <tn::Conv1d O>
naive::Sums expected(const std::vector<double>& x, const std::vector<double>& w, index_t batches,
                     index_t channels, index_t length, index_t rows, index_t taps) {
  return naive::Convolution{batches, channels, 1, length, rows, 1, taps, O.groups, {}, sliding(O)}
      .run(x, w);
}

// Evaluates in exactly the bytes of the plan, without the heap; the last byte is used, none beyond.
template <class E>
auto in_exact_bytes(const E& e, tn::PoolAllocator& pool) {
  const auto plan = tn::plan(e);
  Recorder record;
  auto y = tn::eval(e, pool, tn::scratch(record));
  CHECK_FALSE(record.overrun);
  CHECK(record.requests.size() == (plan.workspace_bytes > 0 ? 1U : 0U));
  if (plan.workspace_bytes > 0 && y.size() > 0) {
    CHECK(record.requests[0].bytes == plan.workspace_bytes);
    CHECK(record.requests[0].last_byte_written);
  }
  tn::PoolAllocator warm;
  warm.reserve(plan.workspace_bytes + 256);
  tn::eval_into(tn::view(y.data(), y.shape()), e, tn::scratch(warm));
  tenon::support::HeapTrap trap;
  tn::eval_into(tn::view(y.data(), y.shape()), e, tn::scratch(warm));
  const auto calls = trap.stop();
  CHECK(calls == 0);
  return y;
}

template <tn::Conv1d O, class T = float>
void sweep() {
  tn::PoolAllocator pool;
  unsigned seed = 0;
  for (const index_t batches : {1, 3})
    for (const index_t own : {1, 3, 5})
      for (const index_t own_rows : {1, 4, 13})
        for (const index_t taps : {1, 2, 3, 5})
          for (const index_t length : {1, 5, 8, 9, 17, 40}) {
            const index_t channels = own * O.groups, rows = own_rows * O.groups;
            if (length + O.padding.before + O.padding.after < O.dilation * (taps - 1) + 1) continue;
            if ((++seed + static_cast<unsigned>(O.stride + O.dilation)) % 3 == 0) continue;
            CAPTURE(batches, channels, rows, taps, length);
            const auto x = owned<T>(seed, batches, channels, length);
            const auto w = owned<T>(seed + 1, rows, own, taps);
            const auto y = in_exact_bytes(tn::conv1d<O>(x.view, w.view), pool);
            CHECK(naive::wrong_sums(y, expected<O>(naive::doubles(x.view), naive::doubles(w.view),
                                                   batches, channels, length, rows, taps)) == 0);
            pool.clear();
          }
}

}  // namespace

TEST_CASE("conv1d agrees with plain loops", "[eval][windows]") {
  SECTION("plain") { sweep<tn::Conv1d{}>(); }
  SECTION("padded on both sides") { sweep<tn::Conv1d{.padding = 2}>(); }
  SECTION("stride, uneven padding") { sweep<tn::Conv1d{.stride = 2, .padding = {3, 1}}>(); }
  SECTION("stride, dilation") { sweep<tn::Conv1d{.stride = 3, .padding = 4, .dilation = 2}>(); }
  SECTION("dilation") { sweep<tn::Conv1d{.padding = {0, 7}, .dilation = 3}>(); }
  SECTION("groups") { sweep<tn::Conv1d{.stride = 2, .padding = 1, .groups = 2}>(); }
  SECTION("groups, causal") { sweep<tn::Conv1d{.padding = {4, 0}, .groups = 3}>(); }
  SECTION("double") { sweep<tn::Conv1d{.padding = 1, .dilation = 2}, double>(); }
  SECTION("integers") { sweep<tn::Conv1d{.stride = 2, .padding = 1}, std::int32_t>(); }
}

TEST_CASE("conv1d of more or fewer batch axes, and of nothing", "[eval][windows]") {
  tn::PoolAllocator pool;
  constexpr tn::Conv1d o{.padding = 1, .groups = 2};
  const auto w = owned<float>(2, 6, 2, 3);
  const auto x = owned<float>(1, 4, 11);
  const auto one = tn::eval(tn::conv1d<o>(x.view, w.view), pool);
  CHECK(naive::wrong_sums(
            one, expected<o>(naive::doubles(x.view), naive::doubles(w.view), 1, 4, 11, 6, 3)) == 0);
  const auto many = owned<float>(1, 2, 3, 4, 11);
  const auto six = in_exact_bytes(tn::conv1d<o>(many.view, w.view), pool);
  CHECK(naive::wrong_sums(six, expected<o>(naive::doubles(many.view), naive::doubles(w.view), 6, 4,
                                           11, 6, 3)) == 0);
  const auto none = owned<float>(1, 0, 4, 11);
  CHECK(tn::eval(tn::conv1d<o>(none.view, w.view), pool).size() == 0);
  const auto no_channels = owned<float>(1, 2, 0, 11);
  const auto no_weights = owned<float>(1, 6, 0, 3);
  const auto zeros = tn::eval(tn::conv1d<o>(no_channels.view, no_weights.view), pool);
  CHECK(zeros.size() == 2 * 6 * 11);
  CHECK(std::all_of(zeros.data(), zeros.data() + zeros.size(), [](float v) { return v == 0; }));
  const auto no_length = owned<float>(1, 2, 4, 0);
  constexpr tn::Conv1d wide{.padding = 3, .groups = 2};
  const auto padding = tn::eval(tn::conv1d<wide>(no_length.view, w.view), pool);
  CHECK(padding.size() == 2 * 6 * 4);
  CHECK(std::all_of(padding.data(), padding.data() + 48, [](float v) { return v == 0; }));
}

TEST_CASE("conv1d reads operands of any memory order", "[eval][windows]") {
  tn::PoolAllocator pool;
  constexpr tn::Conv1d o{.stride = 1, .padding = {1, 2}, .dilation = 2};
  constexpr tn::Conv1d wide{.stride = 2, .padding = {1, 2}};
  const auto turned = owned<float>(1, 2, 23, 6);
  const auto w = owned<float>(2, 7, 3, 6);
  const auto x = tn::permute<0, 2, 1>(turned.view);
  const auto weights = tn::permute<0, 2, 1>(w.view);
  const auto check = [&](const auto& y, const auto& sums) {
    CHECK(naive::wrong_sums(y, sums) == 0);
  };
  const auto xs = naive::doubles(x), ws = naive::doubles(weights);
  check(in_exact_bytes(tn::conv1d<o>(x, weights), pool), expected<o>(xs, ws, 2, 6, 23, 7, 3));
  check(in_exact_bytes(tn::conv1d<wide>(x, weights), pool), expected<wide>(xs, ws, 2, 6, 23, 7, 3));
  const auto reversed = tn::flip<2>(x);
  check(tn::eval(tn::conv1d<wide>(reversed, weights), pool),
        expected<wide>(naive::doubles(reversed), ws, 2, 6, 23, 7, 3));
}

TEST_CASE("elementwise work around conv1d is part of it", "[eval][windows]") {
  tn::PoolAllocator pool;
  constexpr index_t batches = 2, channels = 5, length = 37, rows = 9, taps = 3;
  constexpr tn::Conv1d o{.stride = 2, .padding = 1};
  const auto x = owned<float>(1, batches, channels, length);
  const auto scale = owned<float>(2, channels, 1);
  const auto w = owned<float>(3, rows, channels, taps);
  const auto bias = owned<float>(4, rows, 1);
  const auto e = tn::relu(tn::conv1d<o>(tn::relu(x.view) * scale.view, w.view) + bias.view) * 0.5F;
  static_assert(td::structure_of<std::remove_const_t<decltype(e)>>.stages == 1);
  const auto y = in_exact_bytes(e, pool);
  auto before = naive::doubles(x.view);
  for (std::size_t i = 0; i < before.size(); ++i)
    before[i] = std::max(before[i], 0.0) * static_cast<double>(scale.memory[i / length % channels]);
  auto sums = expected<o>(before, naive::doubles(w.view), batches, channels, length, rows, taps);
  for (std::size_t i = 0; i < sums.value.size(); ++i) {
    const auto b = static_cast<double>(bias.memory[i / 19 % rows]);
    sums.value[i] = std::max(sums.value[i] + b, 0.0) * 0.5;
    sums.magnitude[i] += std::fabs(b);
  }
  CHECK(naive::wrong_sums(y, sums) == 0);

  SECTION("what is costly is computed once") {
    const auto costly = tn::conv1d<o>(tn::sigmoid(x.view), w.view);
    using E = std::remove_const_t<decltype(costly)>;
    static_assert(td::structure_of<E>.stages == 2);
    constexpr int inner = td::node_count<E> - 2;
    static_assert(td::structure_of<E>.reason[inner] == tn::Reason::repacked);
    auto steps = naive::doubles(x.view);
    for (double& v : steps) v = 1 / (1 + std::exp(-v));
    auto all = expected<o>(steps, naive::doubles(w.view), batches, channels, length, rows, taps);
    all.terms += 4;  // units of the last place of sigmoid
    CHECK(naive::wrong_sums(in_exact_bytes(costly, pool), all) == 0);
  }
  SECTION("a product below it is stored") {
    constexpr tn::Conv1d same{.padding = 1};
    const auto w2 = owned<float>(5, rows, rows, taps);
    const auto deep = tn::conv1d<same>(tn::relu(tn::conv1d<o>(x.view, w.view)), w2.view);
    static_assert(td::structure_of<std::remove_const_t<decltype(deep)>>.stages == 2);
    const auto hidden = tn::eval(tn::relu(tn::conv1d<o>(x.view, w.view)), pool);
    const auto apart = tn::eval(tn::conv1d<same>(hidden, w2.view), pool);
    CHECK(tn::array_equal(in_exact_bytes(deep, pool), apart));
    CHECK(tn::array_equal(tn::eval(tn::testing::unfused(deep), pool), apart));
  }
  SECTION("the result feeds a reduction") {
    const auto most = tn::max<-1>(tn::conv1d<o>(x.view, w.view));
    const auto value = tn::eval(tn::conv1d<o>(x.view, w.view), pool);
    CHECK(tn::array_equal(in_exact_bytes(most, pool), tn::eval(tn::max<-1>(value), pool)));
  }
  SECTION("a let names it") {
    const auto gated =
        tn::let(tn::conv1d<o>(x.view, w.view), [](auto h) { return h * tn::sigmoid(h); });
    static_assert(td::structure_of<std::remove_const_t<decltype(gated)>>.stages == 1);
    const auto h = tn::eval(tn::conv1d<o>(x.view, w.view), pool);
    CHECK(tn::array_equal(in_exact_bytes(gated, pool), tn::eval(h * tn::sigmoid(h), pool)));
  }
}

TEST_CASE("the plan of a convolution is a constant where extents are", "[eval][windows]") {
  constexpr tn::Conv1d o{.padding = 1};
  const auto x = fixed<float, 2, 6, 70>(1);
  const auto w = fixed<float, 20, 6, 3>(2);
  const auto e = tn::conv1d<o>(x.view, w.view);
  using E = std::remove_const_t<decltype(e)>;
  constexpr auto& plan = tn::plan_of<E>;
  static_assert(plan.stages == 1 && plan.temporaries == 0);
  static_assert(plan.workspace_bytes == tn::kernels::gemm_workspace_bytes<float>(20, 70, 18));
  static_assert(plan.flops == 2 * 2 * 20 * 70 * 18);
  tn::Workspace<E> workspace;
  tn::StaticTensor<float, 2, 20, 70> y;
  static_assert(tn::checked_build || noexcept(tn::eval_into(tn::noalias(y), e, workspace)));
  tn::eval_into(y, e, workspace);
  CHECK(naive::wrong_sums(
            y, expected<o>(naive::doubles(x.view), naive::doubles(w.view), 2, 6, 70, 20, 3)) == 0);

  SECTION("groups need the bytes of one group") {
    constexpr tn::Conv1d grouped{.padding = 1, .groups = 2};
    const auto v = fixed<float, 20, 3, 3>(3);
    const auto g = tn::conv1d<grouped>(x.view, v.view);
    using G = std::remove_const_t<decltype(g)>;
    static_assert(tn::plan_of<G>.workspace_bytes ==
                  tn::kernels::gemm_workspace_bytes<float>(10, 70, 9));
    tn::PoolAllocator pool;
    CHECK(naive::wrong_sums(in_exact_bytes(g, pool),
                            expected<grouped>(naive::doubles(x.view), naive::doubles(v.view), 2, 6,
                                              70, 20, 3)) == 0);
  }
  SECTION("bounded lengths are planned at their bound") {
    using Bounded = tn::Shape<6, tn::upto<70>>;
    const auto part = Owned<float, Bounded>(Bounded::from_extents({6, 33}), 5);
    const auto b = tn::relu(tn::conv1d<o>(part.view, w.view));
    using B = std::remove_const_t<decltype(b)>;
    static_assert(tn::plan_of<B>.workspace_bytes >=
                  tn::kernels::gemm_workspace_bytes<float>(20, 70, 18));
    tn::PoolAllocator pool;
    tn::Workspace<B> room;
    std::vector<float> into(20 * 33);
    tn::eval_into(tn::view(into.data(), b.shape()), b, room);
    const auto again = tn::eval(
        tn::relu(tn::conv1d<o>(tn::view(part.view.data(), tn::shape(6, 33)), w.view)), pool);
    CHECK(std::equal(into.begin(), into.end(), again.data()));
  }
}

TEST_CASE("a convolution into its own operand is right", "[eval][windows]") {
  constexpr tn::Conv1d o{.padding = 1};
  tn::PoolAllocator pool;
  const auto w = owned<float>(2, 6, 6, 3);
  auto x = owned<float>(1, 6, 41);
  const auto apart = tn::eval(tn::conv1d<o>(x.view, w.view) + x.view, pool);
  const auto place = tn::view(x.memory.data(), tn::shape(6, 41));
  const auto e = tn::conv1d<o>(place, w.view) + place;
  CHECK(tn::plan(e).workspace_bytes_if_aliased > tn::plan(e).workspace_bytes);
  tn::eval_into(place, e, tn::scratch(pool));
  CHECK(std::equal(x.memory.begin(), x.memory.end(), apart.data()));
}

TEST_CASE("convolutions are prepared, and write to views", "[eval][windows]") {
  constexpr tn::Conv1d o{.padding = 1, .groups = 3};
  tn::PoolAllocator pool;
  const auto w = owned<float>(2, 9, 2, 3);
  const auto x = owned<float>(1, 2, 6, 41), other = owned<float>(7, 2, 6, 41);
  std::vector<float> memory(2 * 41 * 9, -1.0F);
  const auto turned = tn::permute<0, 2, 1>(tn::view(memory.data(), tn::shape(2, 41, 9)));
  auto program = tn::prepare(turned, tn::relu(tn::conv1d<o>(x.view, w.view)), tn::scratch(pool));
  static_assert(noexcept(program.run()));
  const auto is = [&](const auto& input) {
    program.run();
    return tn::array_equal(turned, tn::eval(tn::relu(tn::conv1d<o>(input, w.view)), pool));
  };
  CHECK(is(x.view));
  program.rebind(tn::replacing(x.view, other.view));
  CHECK(is(other.view));
}

TEST_CASE("layers of convolutions run image by image", "[eval][windows]") {
  constexpr tn::Conv1d o{.padding = 1}, grouped{.padding = {2, 0}, .groups = 4};
  const auto x = fixed<float, 3, 16, 300>(1);
  const auto w1 = fixed<float, 24, 16, 3>(2);
  const auto w2 = fixed<float, 20, 6, 3>(3);
  const auto e = tn::relu(
      tn::conv1d<grouped>(tn::relu(tn::conv1d<o>(x.view * 0.1F, w1.view)), w2.view) + 1.0F);
  using E = std::remove_const_t<decltype(e)>;
  static_assert(tn::plan_of<E>.structure.is_region(0));
  using Apart = td::StageByStage<E>;
  static_assert(tn::plan_of<E>.workspace_bytes < tn::plan_of<Apart>.workspace_bytes);
  tn::PoolAllocator pool;
  CHECK(tn::array_equal(in_exact_bytes(e, pool), tn::eval(Apart(e), pool)));
}
