// Which expressions cannot throw while they run.

#include "catch.hpp"

#include <tenon/eval/nothrow.hpp>
#include <tenon/expr/contraction.hpp>
#include <tenon/expr/let.hpp>
#include <tenon/expr/operators.hpp>
#include <tenon/expr/reductions.hpp>

namespace tn = tenon;

namespace {

// noexcept on numbers alone counts for nothing where it takes packs.
struct Mixed {
  float operator()(float v) const noexcept { return v; }
  template <class P>
    requires(!std::same_as<P, float>)
  P operator()(const P& v) const {
    return v;
  }
};

template <class E>
constexpr bool is_nothrow = tn::detail::runs_nothrow<std::remove_cvref_t<E>>;

}  // namespace

TEST_CASE("Every operation of the library is noexcept; functors say so themselves") {
  float data[4] = {};
  const auto x = tn::view(data, tn::shape<2, 2>());
  const auto all = tn::where(x < 1.0F, -x + x - x * x / x, tn::abs(tn::square(tn::sqrt(x))));
  const auto more = tn::minimum(tn::relu(tn::tanh(x)), tn::maximum(tn::log(x), tn::pow(x, x)));
  const auto bits = (tn::cast<int>(x) % 3 == 1) | (~(x != 1.0F) & ((x >= 1.0F) ^ (x <= 2.0F)));
  STATIC_REQUIRE(is_nothrow<decltype(all)>);
  STATIC_REQUIRE(is_nothrow<decltype(more)>);
  STATIC_REQUIRE(is_nothrow<decltype(bits)>);
  STATIC_REQUIRE(
      is_nothrow<decltype(tn::softmax<0>(tn::sigmoid(tn::matmul(x, x))) + tn::mean(tn::exp(x)))>);
  STATIC_REQUIRE(is_nothrow<decltype(tn::let(x + x, [](auto h) { return h * h; }))>);
  STATIC_REQUIRE(is_nothrow<decltype(x)>);
  const auto mixed = tn::map(Mixed{}, x);
  STATIC_REQUIRE_FALSE(is_nothrow<decltype(mixed)>);
  STATIC_REQUIRE_FALSE(is_nothrow<decltype(tn::sum(x + mixed))>);
  STATIC_REQUIRE_FALSE(is_nothrow<decltype(tn::let(mixed, [](auto h) { return h * h; }))>);
}
