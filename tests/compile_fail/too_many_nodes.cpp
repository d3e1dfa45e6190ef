// Expressions of more than 512 nodes are not planned.
// expect: This expression has more than 512 nodes

#include <tenon/tenon.hpp>

namespace {

// A sum of 2^Times products: 2^(Times + 2) - 1 nodes.
template <int Times>
auto doubled(const tenon::TensorView<const float, tenon::Shape<4>>& x) {
  if constexpr (Times == 0)
    return x * 1.0F;
  else
    return doubled<Times - 1>(x) + doubled<Times - 1>(x);
}
template <int Times>
using Doubled =
    decltype(doubled<Times>(std::declval<tenon::TensorView<const float, tenon::Shape<4>>&>()));

static_assert(tenon::plan_of<Doubled<7>>.stages == 1);  // 511 nodes
#ifdef TENON_SHOULD_FAIL
static_assert(tenon::plan_of<Doubled<8>>.stages == 1);  // 1,023 nodes
#endif

}  // namespace
