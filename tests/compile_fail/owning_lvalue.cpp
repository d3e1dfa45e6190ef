// expect: This expression owns a tensor, so it can only be moved into a larger one: write std::move(e), or share its value with let(std::move(e), ...).

#include <tenon/expr/operators.hpp>

#include <utility>

using Vector = tenon::Tensor<float, tenon::Shape<3>>;

auto right(Vector x, Vector y) {
  auto e = std::move(x) + 1;
  return std::move(e) * std::move(y);
}

#ifdef TENON_SHOULD_FAIL
auto wrong(Vector x, Vector y) {
  auto e = std::move(x) + 1;
  return e * std::move(y);
}
#endif
