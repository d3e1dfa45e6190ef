// Reductions over every choice of axes against NumPy.

#include "expr/reference.hpp"

#include <tenon/memory/pool_allocator.hpp>

using namespace tenon::test;

TEST_CASE("reductions over any axes are NumPy's", "[reference]") {
  const std::string tag = "reduce.f4.";
  tenon::PoolAllocator pool;
  const auto x = load<float, 3>(tag + "x", pool);
  const auto same = [&](const char* name, const auto& e) {
    check_same(tag + name, tenon::eval(e, pool));
  };
  const auto every_fold = [&]<int... Axes>(const std::string& axes,
                                           std::integer_sequence<int, Axes...>) {
    same(("sum." + axes).c_str(), tenon::sum<Axes...>(x));
    same(("max." + axes).c_str(), tenon::max<Axes...>(x));
    same(("min." + axes).c_str(), tenon::min<Axes...>(x));
    same(("mean." + axes).c_str(), tenon::mean<Axes...>(x));
  };
  every_fold("all", std::integer_sequence<int>{});
  every_fold("0", std::integer_sequence<int, 0>{});
  every_fold("1", std::integer_sequence<int, -2>{});
  every_fold("2", std::integer_sequence<int, -1>{});
  every_fold("01", std::integer_sequence<int, 1, 0>{});
  every_fold("02", std::integer_sequence<int, 0, 2>{});
  every_fold("12", std::integer_sequence<int, 1, 2>{});
  same("argmax.0", tenon::argmax<0>(x));
  same("argmax.1", tenon::argmax<1>(x));
  same("argmax.2", tenon::argmax<2>(x));
  same("argmin.0", tenon::argmin<0>(x));
  same("argmin.1", tenon::argmin<1>(x));
  same("argmin.2", tenon::argmin<2>(x));
  same("argmax.all", tenon::argmax(x));
  same("prod.0", tenon::prod<0>(x));
  same("prod.1", tenon::prod<1>(x));
  same("prod.2", tenon::prod<2>(x));
  same("sum.keep1", tenon::sum<1>(x, tenon::keepdims));
  same("max.keep02", tenon::max<0, 2>(x, tenon::keepdims));
  same("sum.keepall", tenon::sum(x, tenon::keepdims));
  same("sum.transposed", tenon::sum<0>(tenon::transpose(x)));
  same("argmax.transposed", tenon::argmax<1>(tenon::transpose(x)));
}
