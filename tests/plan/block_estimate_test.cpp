// How high blocks are: about equally high, as low as costs nothing, and one block of few rows.

#include "catch.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/plan.hpp>

namespace tn = tenon;
namespace td = tenon::detail;
using tn::index_t;

namespace {

template <index_t... E>
auto input() {
  return tn::TensorView<const float, tn::Shape<E...>>(nullptr, {});
}

// A perceptron with these widths; `rows` is its input.
template <index_t In, index_t Out, index_t... Next, class X>
auto perceptron(const X& rows) {
  const auto layer = tn::matmul(rows, input<In, Out>()) + input<Out>();
  if constexpr (sizeof...(Next) == 0)
    return layer;
  else
    return perceptron<Out, Next...>(tn::relu(layer));
}

template <index_t In, index_t... Widths>
constexpr index_t block_rows =
    td::structure_of<decltype(perceptron<In, Widths...>(input<100'000, In>()))>.regions.rows[0];

// Read in place, or all in L2: 64 rows. Little work for each: more rows.
static_assert(block_rows<256, 256, 256> <= 64 && block_rows<256, 256, 256> >= 60);
static_assert(block_rows<64, 64, 64, 64, 64, 64, 64> <= 64);
static_assert(block_rows<352, 352, 352, 352, 352, 352, 352> <= 64);
static_assert(block_rows<784, 256, 128, 64, 32, 16, 10> <= 64);
static_assert(block_rows<16, 16, 16> > 512);
// Packed again for each block, from beyond L2.
static_assert(block_rows<1024, 1024, 1024> > 512);
static_assert(block_rows<512, 512, 512, 512, 512, 512, 512> > 512);

// Six layers: the workspace of 4096 rows is that of 64, give or take a tenth.
template <index_t Rows, index_t In, index_t... Widths>
constexpr auto bytes = static_cast<double>(
    tn::plan_of<decltype(perceptron<In, Widths...>(input<Rows, In>()))>.workspace_bytes);
template <index_t... Widths>
constexpr bool stays_small = bytes<4096, Widths...> <= 1.1 * bytes<64, Widths...> &&
                             bytes<4096, Widths...> >= 0.9 * bytes<64, Widths...> &&
                             bytes<tn::upto<4096>, Widths...> <= 1.1 * bytes<64, Widths...>;
static_assert(stays_small<64, 64, 64, 64, 64, 64, 64>);
static_assert(stays_small<256, 256, 256, 256, 256, 256, 256>);
static_assert(stays_small<784, 256, 128, 64, 32, 16, 10>);

}  // namespace

TEST_CASE("Blocks are about equally high and cover all rows") {
  for (index_t most : {24, 36, 60, 64, 100, 768, 1024})
    for (index_t rows :
         {0, 1, 23, 24, 25, 60, 63, 64, 65, 100, 128, 129, 500, 1000, 4096, 100'000}) {
      const index_t height = td::rows_of_block(rows, most);
      CHECK(height <= most);
      CHECK(height <= rows);
      if (rows <= most) CHECK(height == rows);
      if (rows > most) CHECK(height * 2 > most - tn::kernels::Blocking<float>::mr);
      CHECK(td::rows_of_block(rows, std::max<index_t>(height, 1)) == height);  // settled
    }
}

TEST_CASE("Six layers: the workspace does not grow with rows known at run time") {
  const auto check = []<index_t In, index_t... Widths>(
                         std::integer_sequence<index_t, In, Widths...>) {
    const auto planned = [](index_t rows) {
      const auto shape = tn::Shape<tn::dyn, In>::from_extents({rows, In});
      return static_cast<double>(
          tn::plan(perceptron<In, Widths...>(tn::view(static_cast<const float*>(nullptr), shape)))
              .workspace_bytes);
    };
    const double few = planned(64);
    for (const index_t rows : {4096, 4000, 6400, 100'000}) {
      CAPTURE(In, rows);
      CHECK(planned(rows) <= 1.1 * few);
    }
  };
  check(std::integer_sequence<index_t, 64, 64, 64, 64, 64, 64, 64>{});
  check(std::integer_sequence<index_t, 256, 256, 256, 256, 256, 256, 256>{});
  check(std::integer_sequence<index_t, 784, 256, 128, 64, 32, 16, 10>{});
}
