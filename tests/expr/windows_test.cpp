// Shapes and errors of convolutions.

#include "catch.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/expr/operators.hpp>
#include <tenon/expr/windows.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/tensor/factories.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace tn = tenon;
using tn::index_t;

namespace {

template <index_t... E>
using View = tn::TensorView<const float, tn::Shape<E...>>;

template <class E, index_t... X>
constexpr bool has_shape = std::same_as<tn::shape_t<E>, tn::Shape<X...>>;

template <tn::Conv1d Options, class X, class W>
using conv1d_t = decltype(tn::conv1d<Options>(std::declval<X>(), std::declval<W>()));

// Extents stay constants, bounded ones bounded.
static_assert(has_shape<conv1d_t<tn::Conv1d{}, View<3, 17>, View<8, 3, 3>>, 8, 15>);
static_assert(has_shape<conv1d_t<tn::Conv1d{.stride = 2, .padding = {1, 2}, .dilation = 3},
                                 View<2, 5, 3, 17>, View<8, 3, 3>>,
                        2, 5, 8, 7>);
static_assert(
    has_shape<conv1d_t<tn::Conv1d{.padding = 1, .groups = 3}, View<3, 17>, View<6, 1, 3>>, 6, 17>);
static_assert(
    has_shape<conv1d_t<tn::Conv1d{.stride = 2}, View<tn::dyn, 3, tn::upto<64>>, View<8, 3, 4>>,
              tn::dyn, 8, tn::upto<31>>);
static_assert(has_shape<conv1d_t<tn::Conv1d{}, View<3, tn::dyn>, View<8, 3, 3>>, 8, tn::dyn>);
static_assert(
    has_shape<conv1d_t<tn::Conv1d{}, View<3, 17>, View<tn::dyn, 3, tn::dyn>>, tn::dyn, tn::dyn>);

// The windows are a view: nothing is stored but what packing needs.
static_assert(tn::plan_of<conv1d_t<tn::Conv1d{}, View<3, 17>, View<8, 3, 3>>>.stages == 1);

template <tn::Conv1d Options, std::size_t X, std::size_t W>
std::string refusal(const std::array<index_t, X>& x, const std::array<index_t, W>& w) {
  std::vector<float> memory(10'000);
  const auto dynamic = [&]<std::size_t R>(const std::array<index_t, R>& extents) {
    return [&]<std::size_t... D>(std::index_sequence<D...>) {
      return tn::view(memory.data(), tn::shape(extents[D]...));
    }(std::make_index_sequence<R>{});
  };
  try {
    (void)tn::conv1d<Options>(dynamic(x), dynamic(w));
  } catch (const tn::ShapeError& error) {
    return error.what();
  }
  return "";
}
using Two = std::array<index_t, 2>;
using Three = std::array<index_t, 3>;

}  // namespace

TEST_CASE("shapes that do not fit a convolution are refused with numbers", "[expr]") {
  const auto says = [](const std::string& text, const char* part) {
    INFO(text);
    return text.find(part) != std::string::npos;
  };
  const std::string channels = refusal<tn::Conv1d{}>(Two{3, 17}, Three{8, 4, 3});
  CHECK(says(channels, "conv1d"));
  CHECK(says(channels, "(3, 17)"));
  CHECK(says(channels, "(8, 4, 3)"));
  CHECK(says(refusal<tn::Conv1d{.groups = 2}>(Two{6, 17}, Three{8, 6, 3}), "2 groups"));
  CHECK(says(refusal<tn::Conv1d{.groups = 2}>(Two{6, 17}, Three{7, 3, 3}), "do not divide"));
  CHECK(says(refusal<tn::Conv1d{.groups = 2}>(Two{5, 17}, Three{8, 3, 3}), "do not divide"));
  CHECK(says(refusal<tn::Conv1d{}>(Two{3, 17}, Three{8, 3, 0}), "no tap"));
  CHECK(says(refusal<tn::Conv1d{}>(Two{3, 4}, Three{8, 3, 5}), "longer than the padded axis"));
  CHECK(says(refusal<tn::Conv1d{.dilation = 3}>(Three{2, 3, 6}, Three{8, 3, 3}), "longer"));
  CHECK(refusal<tn::Conv1d{.padding = {0, 1}}>(Two{3, 4}, Three{8, 3, 5}).empty());
  CHECK(refusal<tn::Conv1d{.dilation = 3}>(Three{2, 3, 7}, Three{8, 3, 3}).empty());
}

TEST_CASE("element types of a convolution promote, owned operands are moved in", "[expr]") {
  tn::PoolAllocator pool;
  std::vector<float> x{1, 2, 3, 4};
  std::vector<double> w{1, -1};
  const auto difference =
      tn::conv1d(tn::view(x.data(), tn::shape<1, 4>()), tn::view(w.data(), tn::shape<1, 1, 2>()));
  static_assert(std::same_as<tn::value_t<decltype(difference)>, double>);
  const auto y = tn::eval(difference, pool);
  for (index_t i = 0; i < 3; ++i) CHECK(y(0, i) == -1);
  const auto owned =
      tn::conv1d(tn::from<float>({1, 2, 4}, tn::shape(1, 3), pool),
                 tn::from<float>({2, 1}, tn::shape<1, 1, 2>(), pool));
  const auto z = tn::eval(owned, pool);
  CHECK(z(0, 0) == 4);
  CHECK(z(0, 1) == 8);
}
