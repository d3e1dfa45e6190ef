// Regions over operands in any order, stretched, hoisted; of any element type.

#include "regions.hpp"

namespace tn = tenon;
namespace td = tenon::detail;
using namespace regions;

TEST_CASE("Operands in other orders, and stretched") {
  const auto w = fixed<40, 40>(1);
  for (index_t n : {1, 100, 131}) {
    const auto v = values<float>(static_cast<std::size_t>(n) * 40, 7);
    const auto x = tn::transpose(
        tn::view(v.data(), tn::Shape<40, tn::dyn>::from_extents({40, n})));  // column-major
    const auto first = rows<1>(n, 2);
    check(tn::matmul(tn::softmax<-1>(tn::matmul(x, w)), tn::transpose(w)) + x);
    check(tn::sum<1>(tn::exp(tn::matmul(x, w)) * x));
    check(tn::matmul(tn::softmax<-1>(tn::matmul(x, w) + first), w * 2.0F) * first);
    check(tn::matmul(tn::tanh(tn::matmul(tn::flip<0>(x), w)), w));
    check(tn::softmax<-1>(tn::matmul(tn::softmax<0>(tn::matmul(x, w)), w)));
    check(tn::matmul(tn::relu(tn::matmul(x, w)), fixed<40>(3)));
    check(tn::argmax<-1>(tn::matmul(tn::relu(tn::matmul(x, w)), w)));
    check(tn::matmul(tn::softmax<-1>(tn::matmul(tn::slice(x, tn::full_extent, tn::range(0, 20)),
                                                fixed<20, 40>(4))),
                     w));
  }
  // Extents that turn out to be 1, and are stretched over the rows.
  for (index_t n : {1, 200})
    for (index_t m : {index_t{1}, n}) {
      const auto x = operand(tn::shape(n, 24), 1), c = operand(tn::shape(m, 24), 2);
      const auto u = operand(tn::shape(24, 24), 3);
      check(tn::matmul(tn::relu(tn::matmul(x, u) + c), u));
      check(tn::matmul(tn::relu(tn::matmul(c, u) + x), u));
      check(tn::matmul(tn::relu(tn::matmul(c, u)), u) + x);
      check(tn::softmax<-1>(tn::matmul(tn::exp(c) + x, u)) * tn::sum<1>(c, tn::keepdims));
    }
}

TEST_CASE("Regions below a stage that is none, and of other types") {
  const auto x = operand(tn::shape(150, 20), 1);
  const auto w = fixed<20, 20>(1);
  const auto hidden = tn::relu(tn::matmul(tn::softmax<-1>(tn::matmul(x, w)), w));
  const auto gram = tn::matmul(tn::transpose(hidden), hidden);
  check(gram);
  CHECK_FALSE(is_region(gram));
  check(tn::softmax<0>(hidden));
  check(tn::cast<double>(tn::matmul(tn::relu(tn::matmul(x, w)), w)));
  const auto d = values<double>(150 * 20, 3);
  const auto y = tn::view(d.data(), tn::shape(150, 20));
  check(tn::matmul(tn::exp(tn::matmul(y, tn::cast<double>(w))), tn::cast<double>(w)));
  const auto i = values<std::int32_t>(150 * 20, 3);
  const auto z = tn::view(i.data(), tn::shape(150, 20));
  check(tn::matmul(tn::matmul(z, tn::transpose(z)), z));
}
