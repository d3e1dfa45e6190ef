// Plans: bytes as constants, equal to what is asked for and used to the last byte.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;

namespace {

template <class T, index_t... E>
tn::TensorView<const T, tn::Shape<E...>> leaf() {
  static const auto v = values<T>(static_cast<std::size_t>((E * ... * 1)), 5);
  return {v.data(), {}};
}

// The constant plan against the requests of an evaluation, and against a buffer one byte too small.
template <class E>
void check_exact(const E& e) {
  constexpr auto plan = tn::plan_of<E>;
  static_assert(plan.peak_bytes == (plan.result_bytes + 63) / 64 * 64 + plan.workspace_bytes);
  CHECK(tn::plan(e).workspace_bytes == plan.workspace_bytes);
  Recorder results, work;
  {
    const auto r = tn::eval(e, results, tn::scratch(work));
    REQUIRE(results.requests.size() == 1);
    CHECK(results.requests[0].bytes == plan.result_bytes);
    if constexpr (plan.workspace_bytes == 0) {
      CHECK(work.requests.empty());
    } else {
      REQUIRE(work.requests.size() == 1);
      CHECK(work.requests[0].bytes == plan.workspace_bytes);
      CHECK(work.requests[0].alignment == tn::workspace_alignment);
      CHECK(work.requests[0].last_byte_written);
      alignas(64) static std::byte buffer[plan.workspace_bytes];
      {
        tn::FixedBufferAllocator exact{std::span(buffer)};
        const auto s = tn::eval(e, results, tn::scratch(exact));
        int wrong = 0;
        for (index_t i = 0; i < r.size(); ++i)
          wrong += !naive::same_value(r.data()[i], s.data()[i]);
        CHECK(wrong == 0);
        CHECK(exact.stats().live_count == 0);
      }
      tn::FixedBufferAllocator small{std::span(buffer).first(plan.workspace_bytes - 1)};
      CHECK_THROWS_AS(tn::eval(e, results, tn::scratch(small)), tn::OutOfMemory);
    }
  }
  CHECK(results.live == 0);
  CHECK_FALSE(results.overrun);
  CHECK_FALSE(work.overrun);
}

}  // namespace

TEST_CASE("Workspaces are constants, asked for once, used to the last byte") {
  const auto x = leaf<float, 7, 13>();
  const auto w = leaf<float, 13, 21>();
  const auto b = leaf<float, 21>();
  SECTION("none") {
    check_exact(x * x + 1.0f);
    check_exact(tn::sum<0>(x) + 1.0f);
    check_exact(tn::let(x + 1.0f, [](auto h) { return h * h; }));
  }
  SECTION("a row") { check_exact(tn::softmax<1>(x)); }
  SECTION("a pack of rows") { check_exact(tn::log_softmax<0>(x)); }
  SECTION("packing panels") { check_exact(tn::relu(tn::matmul(x, w) + b)); }
  SECTION("softmax of a product") { check_exact(tn::softmax<-1>(tn::relu(tn::matmul(x, w) + b))); }
  SECTION("two products") {
    check_exact(tn::matmul(tn::relu(tn::matmul(x, w) + b), tn::transpose(w)));
  }
  SECTION("a costly row, broadcast") { check_exact(tn::matmul(x, w) + tn::exp(b)); }
  SECTION("a stored let") {
    check_exact(tn::let(x * 2.0f, [](auto h) { return tn::sum<1>(h) + tn::max<1>(h); }));
  }
  SECTION("a reshape that has to copy") {
    check_exact(tn::reshape(tn::transpose(x), tn::shape<91>()) + 1.0f);
  }
}

namespace {

using X = decltype(leaf<float, 20, 30>() + leaf<float, 30>());
static_assert(tn::plan_of<X>.stages == 1);
static_assert(tn::plan_of<X>.temporaries == 0);
static_assert(tn::plan_of<X>.workspace_bytes == 0);
static_assert(tn::plan_of<X>.result_bytes == 2400);
static_assert(tn::plan_of<X>.peak_bytes == 2432);
static_assert(tn::plan_of<X>.workspace_bytes_if_aliased == 2400);

using P = decltype(tn::matmul(leaf<float, 64, 48>(), leaf<float, 48, 80>()) + 1.0f);
static_assert(tn::plan_of<P>.workspace_bytes ==
              tn::kernels::gemm_workspace_bytes<float>(64, 80, 48));
static_assert(tn::Workspace<P>::size_bytes == tn::plan_of<P>.workspace_bytes);
static_assert(alignof(tn::Workspace<P>) == 64);
constexpr std::byte as_array_bound[tn::plan_of<P>.workspace_bytes + 1] = {};
static_assert(sizeof as_array_bound > 1);

using S = decltype(tn::softmax<1>(leaf<double, 5, 9>()));
static_assert(tn::plan_of<S>.workspace_bytes == 9 * sizeof(double));

static_assert(tn::StaticallyPlanned<tn::TensorView<float, tn::Shape<2, tn::upto<8>>>>);
static_assert(!tn::StaticallyPlanned<tn::TensorView<float, tn::Shape<2, tn::dyn>>>);

}  // namespace

TEST_CASE("A Workspace object serves instead of a resource") {
  const auto x = leaf<float, 7, 13>();
  const auto w = leaf<float, 13, 21>();
  const auto e = tn::softmax<-1>(tn::matmul(x, w));
  tn::Workspace<decltype(e)> workspace;
  std::vector<float> out(7 * 21);
  tn::eval_into(tn::view(out.data(), tn::shape<7, 21>()), e, workspace);
  tn::PoolAllocator pool;
  const auto r = tn::eval(e, pool);
  CHECK(std::equal(out.begin(), out.end(), r.data()));
}

TEST_CASE("Plans for extents known at run time follow the extents") {
  const auto v = values<float>(400, 1);
  for (index_t n : {1, 5, 20}) {
    const auto x = tn::view(v.data(), tn::shape(n, n));
    const auto e = tn::matmul(x, tn::matmul(x, x) + 1.0f);
    const auto plan = tn::plan(e);
    CHECK(plan.stages == 2);
    CHECK(plan.temporaries == 1);
    CHECK(plan.result_bytes == static_cast<std::size_t>(n * n) * 4);
    Recorder results, work;
    {
      const auto r = tn::eval(e, results, tn::scratch(work));
      REQUIRE(work.requests.size() == 1);
      CHECK(work.requests[0].bytes == plan.workspace_bytes);
      CHECK(work.requests[0].last_byte_written);
      CHECK_FALSE(work.overrun);
    }
    tn::PoolAllocator pool;
    const auto inner = tn::eval(tn::matmul(x, x) + 1.0f, pool);
    const auto expected = tn::eval(tn::matmul(x, inner), pool);
    const auto r = tn::eval(e, pool);
    CHECK(std::equal(r.data(), r.data() + r.size(), expected.data()));
  }
}

namespace {

// No shape within the bounds packs more than the plan of the bounds says.
template <index_t M, index_t N, index_t K>
int beyond_the_bound() {
  using A = tn::TensorView<const float, tn::Shape<tn::upto<M>, tn::upto<K>>>;
  using B = tn::TensorView<const float, tn::Shape<tn::upto<K>, tn::upto<N>>>;
  using E = decltype(tn::matmul(std::declval<A>(), std::declval<B>()));
  constexpr std::size_t planned = tn::plan_of<E>.workspace_bytes;
  int beyond = 0;
  bool reached = false;
  const auto sizes = [](index_t bound) {
    std::vector<index_t> all;
    for (index_t i = 1; i <= bound && i <= 40; ++i) all.push_back(i);
    for (index_t i = 41; i < bound; i += 1 + bound / 60) all.push_back(i);
    for (index_t i = 240; i <= bound; i += 240) all.push_back(i), all.push_back(i - 1);
    all.push_back(bound);
    return all;
  };
  for (index_t m : sizes(M))
    for (index_t n : sizes(N))
      for (index_t k : sizes(K)) {
        const auto bytes = tn::kernels::gemm_workspace_bytes<float>(m, n, k);
        beyond += bytes > planned;
        reached = reached || 2 * bytes > planned;
      }
  return beyond + !reached;
}

}  // namespace

TEST_CASE("Bounded products never pack more than their plan") {
  CHECK(beyond_the_bound<300, 40, 600>() == 0);
  CHECK(beyond_the_bound<2000, 70, 700>() == 0);
  CHECK(beyond_the_bound<30, 2000, 5000>() == 0);
  CHECK(beyond_the_bound<241, 3, 9000>() == 0);
}
