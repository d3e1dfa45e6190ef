// Regions into their own operands, and into destinations of any layout.

#include "regions.hpp"

namespace tn = tenon;
namespace td = tenon::detail;
using namespace regions;

TEST_CASE("A region into its own operands") {
  const index_t n = 150;
  const auto w = fixed<32, 32>(1);
  const auto shape = tn::Shape<tn::dyn, 32>::from_extents({n, 32});
  const auto original = values<float>(static_cast<std::size_t>(n) * 32 + 96, 9);
  // Writes to elements [0, n · 32) of a copy of `original`.
  const auto into_own = [&](const auto& make, bool needs_temporary, index_t shift = 0) {
    auto memory = original;
    const auto x = tn::view(memory.data() + shift, shape);
    const auto dst = tn::view(memory.data(), shape);
    const auto e = make(tn::view(static_cast<const float*>(memory.data() + shift), shape));
    (void)x;
    tn::PoolAllocator pool;
    const auto expected = tn::eval(td::StageByStage(e), pool);
    Recorder record;
    tn::eval_into(dst, e, tn::scratch(record));
    CHECK(std::memcmp(expected.data(), dst.data(), sizeof(float) * 32 * n) == 0);
    REQUIRE(record.requests.size() == 1);
    const auto plan = tn::plan(e);
    CHECK(is_region(e));
    CHECK(record.requests[0].bytes ==
          (needs_temporary ? plan.workspace_bytes_if_aliased : plan.workspace_bytes));
    CHECK_FALSE(record.overrun);
  };
  // Each block reads only its own rows, before it writes them.
  const auto residual = [&](auto x) { return tn::matmul(tn::relu(tn::matmul(x, w)), w) + x; };
  into_own(residual, false);
  // The last stage of a block reads them again while it writes.
  into_own(
      [&](auto x) {
        return tn::matmul(tn::softmax<-1>(tn::matmul(x, w)), tn::transpose(w)) + tn::flip<1>(x);
      },
      true);
  // Later blocks read the rows of earlier ones.
  into_own([&](auto x) { return tn::matmul(tn::softmax<-1>(tn::matmul(x, tn::transpose(x))), x); },
           true);
  into_own([&](auto x) { return tn::matmul(tn::relu(tn::matmul(tn::flip<0>(x), w)), w); }, true);
  into_own(residual, true, 32);
  into_own(residual, true, 1);
  // A hoisted value has read its operand before any row is written.
  into_own(
      [&](auto x) {
        return tn::matmul(tn::relu(tn::matmul(x, w)), tn::matmul(tn::transpose(x), x));
      },
      false);
  {
    auto memory = original;
    const auto dst = tn::view(memory.data(), shape);
    const auto e = residual(tn::view(static_cast<const float*>(memory.data()), shape));
    tn::PoolAllocator pool;
    const auto expected = tn::eval(td::StageByStage(e), pool);
    tn::eval_into(tn::noalias(dst), e, tn::scratch(pool));
    CHECK(std::memcmp(expected.data(), dst.data(), sizeof(float) * 32 * n) == 0);
  }
}

TEST_CASE("Destinations of any layout") {
  const index_t n = 150;
  const auto w = fixed<24, 24>(1);
  const auto e = tn::matmul(tn::softmax<-1>(tn::matmul(rows<24>(n), w)), w);
  tn::PoolAllocator pool;
  const auto expected = tn::eval(td::StageByStage(e), pool);
  std::vector<float> memory(static_cast<std::size_t>(n) * 100);
  const auto compare = [&](const auto& dst) {
    std::fill(memory.begin(), memory.end(), -7.0F);
    tn::eval_into(dst, e, tn::scratch(pool));
    int wrong = 0;
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < 24; ++j) wrong += dst(i, j) != expected(i, j);
    CHECK(wrong == 0);
    CHECK(std::count(memory.begin(), memory.end(), -7.0F) == n * 76);
  };
  compare(tn::transpose(tn::view(memory.data(), tn::shape(24, n))));
  compare(tn::slice(tn::view(memory.data(), tn::shape(n, 100)), tn::full_extent, tn::range(3, 27)));
  compare(
      tn::slice(tn::view(memory.data(), tn::shape(n, 100)), tn::full_extent, tn::range(1, 72, 3)));
}
