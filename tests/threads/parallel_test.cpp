// Products and elementwise work on threads: the bits of one thread, in the bytes that are said.

#include "parallel.hpp"

#include <stdexcept>

namespace tn = tenon;
using namespace parallel;
using namespace tenon::literals;

namespace {

struct Fails {
  static constexpr const char* name = "fails";
  float operator()(float x) const {
    if (x > 0.3F) throw std::runtime_error("functor");
    return x;
  }
};

}  // namespace

TEST_CASE("Parallel: products of odd extents") {
  check(tn::matmul(some(1, 129, 97), some(2, 97, 65)));
  check(tn::matmul(some(1, 257, 300), some(2, 300, 33)));
  check(tn::matmul(some(1, 13, 500), some(2, 500, 301)));  // columns
  check(tn::matmul(some(1, 5, 700), some(2, 700, 999)));   // columns, few rows
  check(tn::matmul(some(1, 1, 300), some(2, 300, 3001)));  // one row
  check(tn::matmul(some(1, 3001, 301), some(2, 301, 1)));  // one column: dots
  check(tn::matmul(some(1, 3001, 301), some(2, 301)));
  check(tn::matmul(some(1, 301), some(2, 301, 3001)));
  check(tn::matmul(some(1, 3, 60000), some(2, 60000, 5)), Cut::none);
  check(tn::matmul(some(1, 40, 9001), some(2, 9001, 50)));  // deep: accumulators between blocks
  check(tn::matmul(some(1, 1000, 40), some(2, 40, 30)));    // nothing packed
  check(tn::matmul(some(1, 20, 20), some(2, 20, 20)), Cut::none);
  check(tn::matmul(some(1, 0, 2000), some(2, 2000, 3000)), Cut::none);
}

TEST_CASE("Parallel: products of other types, layouts and batches") {
  check(tn::matmul(some<double>(1, 131, 97), some<double>(2, 97, 83)));
  check(tn::matmul(some<std::int32_t>(1, 131, 97), some<std::int32_t>(2, 97, 83)));
  check(tn::matmul(tn::transpose(some(1, 97, 131)), some(2, 97, 83)));
  check(tn::matmul(some(1, 131, 97), tn::transpose(some(2, 83, 97))));
  check(tn::matmul(some(1, 9, 40, 70), some(2, 9, 70, 50)));
  check(tn::matmul(some(1, 5, 2, 61, 70), some(2, 70, 50)));
  check(tn::matmul(some(1, 200, 70), some(2, 3, 70, 50)));
}

TEST_CASE("Parallel: products take in the work around them, once where it is on one side") {
  const auto x = some(1, 150, 140);
  const auto w = some(2, 140, 130);
  const auto bias = some(3, 130);
  const auto residual = some(4, 150, 130);
  check(tn::relu(tn::matmul(x, w) + bias) + residual);
  check(tn::matmul(x * 2 + 1, w));
  check(tn::matmul(x, w * 2 + 1));
  check(tn::matmul(x, tn::exp(w)));
}

TEST_CASE("Parallel: constants for static extents, and products with them") {
  const auto e = tn::relu(tn::matmul(fixed<float, 129, 200>(1), fixed<float, 200, 96>(2)) +
                          fixed<float, 96>(3));
  using E = decltype(e);
  check(e);
  constexpr std::size_t two = tn::workspace_bytes_for<E>(2);
  static_assert(tn::workspace_bytes_for<E>(1) == tn::plan_of<E>.workspace_bytes);
  static_assert(two > tn::plan_of<E>.workspace_bytes);
  CHECK(tn::workspace_bytes_for(e, 2) == two);
  CHECK(tn::workspace_bytes_for(e, 7) == tn::workspace_bytes_for<E>(7));

  tn::PoolAllocator pool;
  const auto expected = tn::eval(e, pool);
  auto got = tn::zeros<float>(tn::shape<129, 96>(), pool);
  tn::ParallelWorkspace<E, 2> workspace;
  static_assert(sizeof workspace >= two && workspace.size_bytes == two);
  tn::eval_into(got, e, workspace, team(2));
  CHECK(tn::array_equal(got, expected));
  CHECK_THROWS_AS(tn::eval_into(got, e, workspace, team(7)), tn::ContractError);  // made for two

  // Within bounds: enough for all of them.
  for (const index_t rows : {1, 2, 24, 63, 64, 65, 100, 255, 256}) {
    const auto x = operand<float>(tn::Shape<tn::upto<256>, 200>::from_extents({rows, 200}), 1);
    const auto bounded = tn::matmul(x, fixed<float, 200, 96>(2));
    using B = decltype(bounded);
    for (const int threads : {1, 2, 3, 7})
      CHECK(tn::workspace_bytes_for(bounded, threads) <= tn::workspace_bytes_for<B>(threads));
    tn::ParallelWorkspace<B, 3> room;
    std::vector<float> memory(static_cast<std::size_t>(rows * 96));
    const auto dst = tn::view(memory.data(), bounded.shape());
    tn::eval_into(dst, bounded, room, team(3));
    CHECK(tn::array_equal(dst, tn::eval(bounded, pool)));
  }
}

TEST_CASE("Parallel: elementwise work of any layout") {
  const auto a = some(1, 301, 407), b = some(2, 301, 407);
  const auto row = some(3, 407);
  const auto column = some(4, 301, 1);
  check(a * b + a);
  check(tn::exp(a) * row + column);
  check(tn::tanh(tn::transpose(a)) + tn::transpose(b));
  check(tn::slice(a, tn::range(3, 300), tn::range(1, 406)) * 2);
  check(tn::flip<0>(a) + tn::flip<1>(b));
  check(tn::cast<std::int8_t>(a < b));
  check(tn::exp(some(1, 3, 100003)));
  check(tn::exp(some(1, 100003)));
  check(tn::exp(some<double>(1, 1, 7, 9, 11, 301)));
  check(tn::concat<0>(a, b) + 1);
  check(tn::pad<1>(a, 3, 5, 0.5F) * 2);
  check(tn::reshape(a, tn::shape(407, 301)) + 1);
  check(some(1, 30, 40) + 1, Cut::none);
  check(tn::exp(some(1, 0, 5000)), Cut::none);
  check(tn::let(tn::exp(a), [](auto h) { return h * h + h; }));
}

TEST_CASE("Parallel: several stages, each cut for itself") {
  const auto x = some(1, 123, 211), w = some(2, 211, 157), v = some(3, 157, 99);
  const auto h = tn::relu(tn::matmul(x, w));
  check(tn::matmul(h, v) * tn::exp(some(4, 99)), Cut::any, UsesAllBytes::not_in_regions);
  check(tn::matmul(tn::matmul(x, w),
                   tn::matmul(tn::matmul(some(5, 157, 180), some(6, 180, 190)), some(7, 190, 140))),
        Cut::any, UsesAllBytes::not_in_regions);
}

TEST_CASE("Parallel: the forms of eval, eval_into and prepare") {
  tn::PoolAllocator pool;
  tn::Arena arena;
  const auto x = some(1, 150, 140), w = some(2, 140, 130);
  const auto e = tn::relu(tn::matmul(x, w));
  const auto expected = tn::eval(e, pool);
  auto& two = team(2);
  CHECK(tn::array_equal(tn::eval(e, pool, two), expected));
  std::pmr::memory_resource* any = &pool;
  CHECK(tn::array_equal(tn::eval(e, any, two), expected));
  CHECK(tn::array_equal(tn::eval(e, pool, tn::scratch(arena), two), expected));
  auto dst = tn::zeros<float>(tn::shape(150, 130), pool);
  tn::eval_into(tn::noalias(dst), e, tn::scratch(arena), two);
  CHECK(tn::array_equal(dst, expected));
  const auto a = some(1, 300, 400);
  auto sum = tn::zeros<float>(tn::shape(300, 400), pool);
  tn::eval_into(sum, a + a, two);
  CHECK(tn::array_equal(sum, tn::eval(a + a, pool)));
  CHECK(tn::array_equal(tn::eval(a, pool, two), a));

  // A destination that overlaps an operand.
  auto square = tn::eval(some(5, 140, 140) * 1, pool);
  const auto product = tn::eval(tn::matmul(square, w), pool);
  auto in_place = tn::eval(some(5, 140, 140) * 1, pool);
  const auto doubled = tn::eval(tn::matmul(in_place, in_place) + in_place, pool);
  tn::eval_into(in_place, tn::matmul(in_place, in_place) + in_place, tn::scratch(pool), two);
  CHECK(tn::array_equal(in_place, doubled));

  // Prepared programs keep the executor.
  auto program = tn::prepare(dst, tn::relu(tn::matmul(x, w)), tn::scratch(arena), two);
  static_assert(noexcept(program.run()));
  CHECK(program.workspace_bytes() == tn::workspace_bytes_for(e, 2));
  tn::eval_into(dst, e * 0, tn::scratch(pool));
  tenon::support::HeapTrap trap(tenon::support::HeapTrap::Scope::process);
  program.run();
  const auto calls = trap.stop();
  CHECK(calls == 0);
  CHECK(tn::array_equal(dst, expected));
  const auto other = some(9, 150, 140);
  program.rebind<0>(other);
  program.run();
  CHECK(tn::array_equal(dst, tn::eval(tn::relu(tn::matmul(other, w)), pool)));
}

TEST_CASE("Parallel: errors reach the caller, and the resource gets its workspace back") {
  const auto x = some(1, 300, 500);
  const auto e = tn::map(Fails{}, x);
  Recorder record;
  std::vector<float> memory(150000);
  const auto dst = tn::view(memory.data(), tn::shape(300, 500));
  CHECK_THROWS_AS(tn::eval_into(dst, e, tn::scratch(record), team(3)), std::runtime_error);
  const auto product = tn::matmul(e, some(2, 500, 70));
  CHECK_THROWS_AS(tn::eval(product, record, team(3)), std::runtime_error);
  CHECK(record.live == 0);
  check(x + 1);  // the team works on
  CHECK_THROWS_AS(
      tn::eval_into(tn::view(memory.data(), tn::shape(100, 500)), x, tn::scratch(record), team(3)),
      tn::ShapeError);
}

TEST_CASE("Parallel: evaluations at once on one team") {
  const auto x = some(1, 200, 210), w = some(2, 210, 130);
  const auto e = tn::softmax<-1>(tn::matmul(x, w));
  tn::PoolAllocator pool;
  const auto expected = tn::eval(e, pool);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&] {
      tn::PoolAllocator mine;
      for (int i = 0; i < 20; ++i)
        if (!tn::array_equal(tn::eval(e, mine, team(2)), expected)) ++wrong;
    });
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
}
