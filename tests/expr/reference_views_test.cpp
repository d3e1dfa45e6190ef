// View operations against NumPy's.

#include "expr/reference.hpp"

#include <tenon/memory/pool_allocator.hpp>

using namespace tenon::test;

TEST_CASE("views walk the elements that NumPy's walk", "[reference]") {
  using tenon::full_extent, tenon::newaxis, tenon::range;
  using namespace tenon::literals;
  tenon::PoolAllocator pool;
  const auto x = load<std::int32_t, 3>("view.x", pool);
  const auto same = [&](const char* name, const auto& e) {
    check_same(std::string("view.") + name, tenon::eval(e, pool));
  };
  // Once on views, which give views, once on nodes, which give nodes.
  const auto everything = [&](const auto& t) {
    same("transpose", tenon::transpose(t));
    same("permute_102", tenon::permute<1, 0, 2>(t));
    same("permute_201", tenon::permute<2, 0, 1>(t));
    same("matrix_transpose", tenon::matrix_transpose(t));
    same("index", tenon::slice(t, 1));
    same("index_negative", tenon::slice(t, -1, -2));
    same("element", tenon::slice(t, 1, 2, 3));
    same("last_axis", tenon::slice(t, full_extent, full_extent, 2));
    same("middle", tenon::slice(t, range(1, 3), 2, range(1, 5)));
    same("middle", tenon::slice(t, range(1_c, 3_c), 2_c, range(1_c, 5_c)));
    same("newaxis", tenon::slice(t, full_extent, newaxis, range(1, 3)));
    same("reverse_all", tenon::flip<0>(tenon::flip<1>(tenon::flip<-1>(t))));
    same("flip", tenon::flip<1>(t));
    same("reshape_transposed", tenon::reshape(tenon::transpose(t), tenon::shape(12, 10)));
    same("flatten_slice", tenon::flatten(tenon::slice(t, range(1, 3), full_extent, 2)));
  };
  everything(x.view());
  everything(x + 0);
}

TEST_CASE("ranges count, cut and step as NumPy's slices", "[reference]") {
  tenon::PoolAllocator pool;
  const auto v = load<float, 1>("view.v", pool);
  const auto ranges = load<std::int64_t, 2>("view.ranges", pool);
  for (tenon::index_t i = 0; i < ranges.extent(0); ++i) {
    const auto part = tenon::range(ranges(i, 0), ranges(i, 1), ranges(i, 2));
    const auto name = "view.range." + std::to_string(i);
    check_same(name, tenon::eval(tenon::slice(v, part), pool));
    check_same(name, tenon::eval(tenon::slice(v * 1, part), pool));
  }
}
