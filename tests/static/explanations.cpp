// Explanations are constants, also of 128 operations. Compiling this file is the test.

#include <tenon/tenon.hpp>

namespace {

using namespace tenon;

template <index_t... E>
auto input() {
  return TensorView<const float, Shape<E...>>(nullptr, {});
}

template <int N, class X>
auto layers(X x) {
  if constexpr (N == 0)
    return x;
  else
    return layers<N - 1>(relu(matmul(x, input<64, 64>()) + input<64>()));
}
template <int N, class X>
auto doubled(X x) {
  if constexpr (N == 0)
    return x;
  else
    return doubled<N - 1>(x * 2.0F);
}

using Layers = decltype(layers<42>(input<32, 64>()));
static_assert(explanation_of<Layers>.view().starts_with("Stages"));
static_assert(explanation_of<Layers>.view().ends_with("\n"));
static_assert(plan_of<Layers>.flops == 42ULL * 32 * 64 * (2 * 64 + 2));

using Doubled = decltype(doubled<128>(input<32, 64>()));
static_assert(explanation_of<Doubled>.view().find("= multiply(multiply(") !=
              std::string_view::npos);
static_assert(plan_of<Doubled>.flops == 128ULL * 32 * 64);

}  // namespace
