// unfused(e): one operation a stage, and the values of e.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/expr/unfused.hpp>
#include <tenon/memory/arena.hpp>

namespace tn = tenon;
using naive::index_t;
using naive::values;
using tn::testing::unfused;

namespace {

constexpr index_t n = 13;

template <class E>
int differences(const E& e, double bound) {
  tn::Arena arena;
  const auto fused = tn::eval(e, arena), apart = tn::eval(unfused(e), arena);
  CHECK(fused.shape() == apart.shape());
  int wrong = 0;
  for (std::size_t i = 0; i < fused.span().size(); ++i)
    wrong += !naive::close(static_cast<double>(fused.span()[i]),
                           static_cast<double>(apart.span()[i]), bound, bound);
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("Every operation has a stage of its own, and the values are the same", "",
                   (tn::Shape<n, n>), (tn::Shape<tn::dyn, tn::dyn>)) {
  const auto a = values<float>(n * n, 1), b = values<float>(n * n, 2);
  const auto shape = TestType::from_extents({n, n});
  const auto x = tn::view(a.data(), shape), y = tn::view(b.data(), shape);
  const auto chain = tn::relu(tn::exp(x * 0.5F) * y + x);
  const auto layer = tn::relu(tn::matmul(x + y, y) + x);
  const auto sums = tn::sum<0>(x * y) + tn::max(x) * tn::mean<1>(y);
  const auto soft = tn::softmax<1>(tn::matmul(x, tn::transpose(y)) * 0.1F);
  const auto shared = tn::let(x * y, [&](auto h) { return h * h + tn::transpose(h); });
  if constexpr (TestType::is_static) {
    using Chain = decltype(unfused(chain));
    static_assert(tn::plan_of<Chain>.stages == 5 && tn::plan_of<decltype(chain)>.stages == 1);
    static_assert(tn::plan_of<Chain>.temporaries == 4);
    static_assert(tn::plan_of<decltype(unfused(layer))>.stages == 4);
  }
  CHECK(differences(chain, 0) == 0);  // elementwise work rounds alike wherever it runs
  CHECK(differences(layer, 0) == 0);
  CHECK(differences(sums, 1e-6) == 0);
  CHECK(differences(soft, 1e-6) == 0);
  CHECK(differences(shared, 0) == 0);
  CHECK(differences(x, 0) == 0);
}
