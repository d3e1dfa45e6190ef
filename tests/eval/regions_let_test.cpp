// Names of let within a region and across its border.

#include "regions.hpp"

namespace tn = tenon;
namespace td = tenon::detail;
using namespace regions;

TEST_CASE("Names of let within a region, and across its border") {
  for (index_t n : {1, 63, 150}) {
    const auto x = rows<32>(n);
    const auto w = fixed<32, 32>(1);
    check(tn::matmul(tn::let(tn::matmul(x, w), [](auto h) { return h * tn::sigmoid(h); }), w));
    check(tn::let(tn::relu(tn::matmul(x, w)), [&](auto h) { return tn::matmul(h, w) + h; }));
    // Used by rows and whole: stored before the blocks.
    check(tn::let(tn::matmul(x, w), [&](auto h) {
      return tn::matmul(tn::softmax<-1>(tn::matmul(h, tn::transpose(h))), h);
    }));
    check(tn::let(tn::exp(x), [&](auto h) {
      return tn::matmul(tn::softmax<-1>(tn::matmul(h, tn::transpose(h))), h) + h;
    }));
    check(tn::let(x, [&](auto h) {
      return tn::matmul(tn::softmax<-1>(tn::matmul(h, tn::transpose(h))), h) + h;
    }));
    check(tn::let(tn::softmax<-1>(w),
                  [&](auto g) { return tn::sum<0>(tn::matmul(tn::relu(tn::matmul(x, g)), g)); }));
    check(tn::let(tn::max<0>(tn::matmul(x, w)), [&](auto g) {
      return tn::let(tn::matmul(x, w) - g,
                     [&](auto h) { return tn::softmax<-1>(tn::matmul(h, w)) + h; });
    }));
  }
}
