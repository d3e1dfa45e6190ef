// Row-block regions: the bits of stage by stage, the bytes of the plan, in every size of block.

#include "regions.hpp"

namespace tn = tenon;
namespace td = tenon::detail;
using namespace regions;

TEST_CASE("Layers: the workspace of any batch is that of a block") {
  using Two = decltype(two_layers<64>(fixed<4096, 64>()));
  using Less = decltype(two_layers<64>(fixed<1024, 64>()));
  static_assert(tn::plan_of<Two>.structure.is_region(0));
  static_assert(tn::plan_of<Two>.stages == 1 && tn::plan_of<Two>.temporaries == 0);
  static_assert(tn::plan_of<Two>.structure.regions.stages[0] == 2);
  static_assert(tn::plan_of<Two>.workspace_bytes <= tn::plan_of<Less>.workspace_bytes * 11 / 10);
  static_assert(tn::plan_of<Two>.workspace_bytes <
                static_cast<std::size_t>(block_of<Two>) * 64 * 4 * 3 + 65536);

  using Six = decltype(six_layers<256>(fixed<4096, 256>()));
  using Few = decltype(six_layers<256>(fixed<64, 256>()));
  static_assert(tn::plan_of<Six>.workspace_bytes <= tn::plan_of<Few>.workspace_bytes * 11 / 10);
  static_assert(tn::plan_of<Six>.workspace_bytes * 10 >= tn::plan_of<Few>.workspace_bytes * 9);
  static_assert(!tn::plan_of<Few>.structure.is_region(0));  // one block would be all of it

  check(two_layers<64>(fixed<1000, 64>()));
  check(six_layers<32>(fixed<3000, 32>()));
}

TEST_CASE("Layers: ragged batches known at run time") {
  const auto block = tn::plan(two_layers<64>(rows<64>(1))).structure.regions.rows[0];
  for (index_t n : ragged(block)) check(two_layers<64>(rows<64>(n)));
  check(six_layers<32>(rows<32>(2500)));
  const auto bytes = [](index_t n) {
    return tn::plan(six_layers<256>(rows<256>(n))).workspace_bytes;
  };
  CHECK(bytes(4096) <= bytes(64) * 11 / 10);
  CHECK(bytes(4096) == bytes(60 * 100));

  // Against a naive loop.
  const index_t n = 130;
  const auto x = rows<16>(n);
  const auto w = fixed<16, 16>(1);
  const auto b = fixed<16>(2);
  const auto r = check(tn::matmul(tn::relu(tn::matmul(x, w) + b), w) + b);
  int wrong = 0;
  for (index_t i = 0; i < n; ++i) {
    double h[16];
    for (index_t j = 0; j < 16; ++j) {
      h[j] = b(j);
      for (index_t k = 0; k < 16; ++k) h[j] += static_cast<double>(x(i, k)) * w(k, j);
      h[j] = std::max(h[j], 0.0);
    }
    for (index_t j = 0; j < 16; ++j) {
      double y = b(j);
      for (index_t k = 0; k < 16; ++k) y += h[k] * w(k, j);
      wrong += !naive::close(r[static_cast<std::size_t>(i * 16 + j)], y, 1e-5, 1e-5);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("Norm, layers, residual") {
  const auto block = [](const auto& x) {
    const auto norm = tn::let(x - tn::mean<1>(x, tn::keepdims), [](auto c) {
      return c / tn::sqrt(tn::mean<1>(tn::square(c), tn::keepdims) + 1e-5F);
    });
    return tn::matmul(tn::tanh(tn::matmul(norm, fixed<48, 96>(1))), fixed<96, 48>(2)) + x;
  };
  CHECK(is_region(block(rows<48>(200))));
  for (index_t n : ragged(64)) check(block(rows<48>(n)));
  check(block(fixed<700, 48>()));
}

TEST_CASE("Bounded rows") {
  using Bounded = tn::Shape<tn::upto<500>, 32>;
  for (index_t n : {1, 64, 65, 333, 500}) {
    const auto x = operand(Bounded::from_extents({n, 32}));
    const auto w = fixed<32, 32>(1);
    const auto e = tn::matmul(tn::relu(tn::matmul(x, w)), w) + x;
    using E = decltype(e);
    static_assert(tn::plan_of<E>.structure.is_region(0));
    std::vector<float> got(static_cast<std::size_t>(n) * 32), expected(got.size());
    tn::Workspace<E> workspace;
    tn::eval_into(tn::view(got.data(), e.shape()), e, workspace);
    tn::PoolAllocator pool;
    tn::eval_into(tn::view(expected.data(), e.shape()), td::StageByStage(e), tn::scratch(pool));
    CHECK(got == expected);
  }
}
