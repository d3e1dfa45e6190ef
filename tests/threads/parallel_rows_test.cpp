// Reductions, normalisations, windows and row-block regions on threads: the bits of one thread.

#include "parallel.hpp"

namespace tn = tenon;
using namespace parallel;

TEST_CASE("Parallel: reductions cut their outputs") {
  const auto x = some(1, 301, 407);
  check(tn::sum<0>(x));
  check(tn::sum<1>(x));
  check(tn::max<1>(tn::exp(x)));
  check(tn::argmax<0>(x));
  check(tn::mean<1>(x * x) + 1);
  check(tn::sum<0>(tn::transpose(x)));
  const auto y = some(1, 17, 40, 300);
  check(tn::sum<0, 2>(y));
  check(tn::sum<1>(y));
  check(tn::min<0>(y));
  check(tn::sum<1>(some<std::int32_t>(1, 301, 407)));
  check(tn::sum<0>(some(1, 100000, 3)), Cut::none);  // three outputs of one pack
}

TEST_CASE("Parallel: a fold of everything has pieces that do not depend on the number of threads") {
  for (const index_t n : {100003, 4096 * 64, 4096 * 64 + 1, 4096 * 65, 4096 * 128 - 1, 1000000}) {
    check(tn::sum(some(1, n)));
    check(tn::max(some(1, n) * 2));
  }
  check(tn::sum(tn::square(some<double>(1, 300001))));
  check(tn::sum(some(1, 301, 407)));
  check(tn::prod(some(1, 301, 407) * 0.001F + 1));
  check(tn::sum(some(1, 301, 407)) * 2 + 1);
  check(tn::sum(some<std::int32_t>(1, 301, 407)));
  check(tn::sum(tn::transpose(some(1, 301, 407)) * some(2, 407, 301)), Cut::none);  // not one row
  check(tn::argmax(some(1, 301, 407)), Cut::none);
  check(tn::sum(some(1, 1000)), Cut::none);
  check(tn::mean(some(1, 0)), Cut::none);
}

TEST_CASE("Parallel: normalisations cut their rows") {
  const auto x = some(1, 301, 407);
  check(tn::softmax<-1>(x));
  check(tn::softmax<0>(x));
  check(tn::log_softmax<-1>(x * 2));
  check(tn::softmax<-1>(tn::transpose(x)));
  check(tn::softmax<1>(some(1, 7, 50, 60)));
  check(tn::softmax<-1>(fixed<float, 301, 407>(1)));
  check(tn::softmax<-1>(some(1, 100000)), Cut::none);
  using E = decltype(tn::softmax<-1>(fixed<float, 301, 407>(1)));
  static_assert(tn::workspace_bytes_for<E>(2) == 1664 + 407 * 4);  // a row buffer for each
}

TEST_CASE("Parallel: convolutions cut batches or channels") {
  check(tn::conv1d(some(1, 6, 8, 300), some(2, 32, 8, 5)));
  check(tn::conv1d<tn::Conv1d{.padding = 2}>(some(1, 1, 8, 900), some(2, 50, 8, 5)));
  check(tn::conv2d(some(1, 1, 8, 40, 30), some(2, 33, 8, 3, 3)));
}

TEST_CASE("Parallel: regions cut their rows, each part with slots of its own") {
  const auto layers = [](const auto& x, auto width) {
    constexpr index_t w = decltype(width)::value;
    return tn::matmul(tn::relu(tn::matmul(x, fixed<float, w, w>(2)) + fixed<float, w>(3)),
                      fixed<float, w, w>(4));
  };
  const auto rows = [](index_t n) {
    return operand<float>(tn::Shape<tn::dyn, 64>::from_extents({n, 64}), 1);
  };
  constexpr std::integral_constant<index_t, 64> width;
  const auto in_regions = UsesAllBytes::not_in_regions;
  const auto fixed_rows = layers(fixed<float, 1000, 64>(1), width);
  REQUIRE(tn::plan(fixed_rows).structure.is_region(0));
  check(fixed_rows, Cut::any, in_regions);
  for (const index_t n : {100, 128, 250, 333, 1000, 1025})
    check(layers(rows(n), width), Cut::any, in_regions);
  for (const index_t n : {0, 1, 5, 11}) check(layers(rows(n), width), Cut::none, in_regions);

  // Few rows: the stages of the one block are cut, along their columns.
  const auto wide = [&](const auto& x) {
    return tn::matmul(tn::relu(tn::matmul(x, fixed<float, 300, 500>(2)) + fixed<float, 500>(3)),
                      fixed<float, 500, 400>(4));
  };
  for (const index_t n : {5, 11, 13, 17, 23})
    check(wide(operand<float>(tn::Shape<tn::dyn, 300>::from_extents({n, 300}), 1)), Cut::any,
          in_regions);
  const auto few = wide(operand<float>(tn::Shape<tn::upto<600>, 300>::from_extents({13, 300}), 1));
  check(few, Cut::any, in_regions);
  for (const int threads : {2, 3, 7})
    CHECK(tn::workspace_bytes_for(few, threads) <= tn::workspace_bytes_for<decltype(few)>(threads));

  const auto attention = [](const auto& q, const auto& k, const auto& v) {
    return tn::matmul(tn::softmax<-1>(tn::matmul(q, tn::transpose(k)) * 0.25F), v);
  };
  check(attention(some(1, 300, 64), some(2, 300, 64), some(3, 300, 64)), Cut::any, in_regions);
  check(attention(fixed<float, 513, 32>(1), fixed<float, 513, 32>(2), fixed<float, 513, 32>(3)),
        Cut::any, in_regions);
  const auto heads = [](unsigned seed) { return some(seed, 5, 130, 32); };
  const auto batched = tn::matmul(
      tn::softmax<-1>(tn::matmul(heads(1), tn::permute<0, 2, 1>(heads(2))) * 0.25F), heads(3));
  check(batched, Cut::any, in_regions);

  // A constant for two threads, and storage of it.
  using E = decltype(fixed_rows);
  tn::ParallelWorkspace<E, 2> workspace;
  std::vector<float> memory(64000);
  const auto dst = tn::view(memory.data(), fixed_rows.shape());
  tn::eval_into(dst, fixed_rows, workspace, team(2));
  tn::PoolAllocator pool;
  CHECK(tn::array_equal(dst, tn::eval(fixed_rows, pool)));
}
