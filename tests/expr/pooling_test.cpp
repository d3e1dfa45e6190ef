// Pooling against plain loops; its shapes, plans and errors.

#include "catch.hpp"
#include "naive.hpp"
#include "static_shapes.hpp"

#include <tenon/tenon.hpp>

#include <string>

namespace tn = tenon;
namespace td = tenon::detail;
using naive::index_t;
using static_shapes::has_shape;
using static_shapes::View;
using namespace tenon::literals;

namespace {

using Line = decltype(tn::max_pool<tn::Pool1d{.kernel = 2}>(std::declval<View<3, 9>>()));
static_assert(has_shape<Line, 3, 4>);
static_assert(tn::plan_of<Line>.stages == 1 && tn::plan_of<Line>.workspace_bytes == 0);
using Plane =
    decltype(tn::avg_pool<tn::Pool2d{.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}}>(
        std::declval<View<2, 5, tn::upto<9>, 8>>()));
static_assert(has_shape<Plane, 2, 5, tn::upto<5>, 7>);
static_assert(tn::plan_of<Plane>.stages == 1 && tn::plan_of<Plane>.workspace_bytes == 0);

// max and mean over the windows of x (outer, height, width), the mean within n roundings.
template <tn::Pool2d O, class Max, class Mean>
int wrong(const std::vector<float>& x, index_t outer, index_t height, index_t width, const Max& max,
          const Mean& mean) {
  const index_t stride_h = O.stride.rows == 0 ? O.kernel.rows : O.stride.rows;
  const index_t stride_w = O.stride.columns == 0 ? O.kernel.columns : O.stride.columns;
  const auto places = [](index_t n, tn::Padding p, index_t k, index_t d, index_t s) {
    return (n + p.before + p.after - d * (k - 1) - 1) / s + 1;
  };
  const index_t oh = places(height, {O.padding.rows.before, O.padding.rows.after}, O.kernel.rows,
                            O.dilation.rows, stride_h);
  const index_t ow = places(width, {O.padding.columns.before, O.padding.columns.after},
                            O.kernel.columns, O.dilation.columns, stride_w);
  if (max.size() != outer * oh * ow || mean.size() != max.size()) return -1;
  int count = 0;
  std::size_t at = 0;
  const index_t taps = O.kernel.rows * O.kernel.columns;
  naive::for_each_index({outer, oh, ow}, [&](const auto& o) {
    float most = -HUGE_VALF;
    double sum = 0, magnitude = 0;
    naive::for_each_index({O.kernel.rows, O.kernel.columns}, [&](const auto& k) {
      const index_t i = o[1] * stride_h + k[0] * O.dilation.rows - O.padding.rows.before;
      const index_t j = o[2] * stride_w + k[1] * O.dilation.columns - O.padding.columns.before;
      if (i < 0 || i >= height || j < 0 || j >= width) return;
      const float v = x[static_cast<std::size_t>((o[0] * height + i) * width + j)];
      most = std::max(most, v);
      sum += static_cast<double>(v);
      magnitude += std::fabs(static_cast<double>(v));
    });
    const double bound = static_cast<double>(taps + 1) * 0x1p-24 * magnitude;
    count += max.data()[at] != most;
    count += !(std::fabs(static_cast<double>(mean.data()[at]) * static_cast<double>(taps) - sum) <=
               bound * 1.0001);
    ++at;
  });
  return count;
}

}  // namespace

TEST_CASE("pooling along two axes agrees with plain loops", "[expr]") {
  tn::PoolAllocator pool;
  const auto values = naive::values<float>(3 * 13 * 40, 1);
  const auto check = [&]<tn::Pool2d O>(std::integral_constant<int, 0>, index_t height,
                                       index_t width) {
    CAPTURE(height, width);
    const auto x = tn::view(values.data(), tn::shape(3, height, width));
    const auto max = tn::eval(tn::max_pool<O>(x), pool);
    const auto mean = tn::eval(tn::avg_pool<O>(x), pool);
    CHECK(wrong<O>(values, 3, height, width, max, mean) == 0);
  };
  for (const index_t width : {7, 16, 33, 40}) {
    check.operator()<tn::Pool2d{.kernel = 2}>({}, 13, width);
    check.operator()<tn::Pool2d{
        .kernel = {3, 2}, .stride = {2, 1}, .padding = {{1, 2}, {0, 1}}, .dilation = {1, 2}}>(
        {}, 8, width);
  }
}

TEST_CASE("pooling along one axis is that along two of a line", "[expr]") {
  tn::PoolAllocator pool;
  const auto values = naive::values<float>(4 * 50, 2);
  constexpr tn::Pool1d line{.kernel = 4, .stride = 3, .padding = {2, 3}};
  constexpr tn::Pool2d plane{.kernel = {1, 4}, .stride = {1, 3}, .padding = {0, {2, 3}}};
  for (const index_t width : {1, 9, 50}) {
    const auto x = tn::view(values.data(), tn::shape(4, width));
    const auto max = tn::eval(tn::max_pool<line>(x), pool);
    const auto mean = tn::eval(tn::avg_pool<line>(x), pool);
    CHECK(wrong<plane>(values, 4, 1, width, max, mean) == 0);
  }
  const std::int32_t numbers[] = {-5, -7, -3, -4};
  const auto x = tn::view(numbers, tn::shape(4));
  const auto pairs = tn::eval(tn::max_pool<tn::Pool1d{.kernel = 2, .padding = 1}>(x), pool);
  CHECK((pairs(0) == -5 && pairs(1) == -3 && pairs(2) == -4));
  const auto means = tn::eval(tn::avg_pool<tn::Pool1d{.kernel = 2}>(x), pool);
  CHECK((means(0) == -6.0 && means(1) == -3.5));
}

TEST_CASE("elementwise work around pooling is part of it, a product below is stored", "[expr]") {
  tn::PoolAllocator pool;
  constexpr tn::Pool1d o{.kernel = 3, .stride = 2, .padding = 1};
  const auto xs = naive::values<float>(6 * 31, 1), ws = naive::values<float>(8 * 6 * 3, 2);
  const View<6, 31> x(xs.data(), {});
  const View<8, 6, 3> w(ws.data(), {});
  const auto e = tn::max_pool<o>(x * 2.0F) + 1.0F;
  static_assert(td::structure_of<std::remove_const_t<decltype(e)>>.stages == 1);
  const auto doubled = tn::eval(x * 2.0F, pool);
  CHECK(tn::array_equal(tn::eval(e, pool), tn::eval(tn::max_pool<o>(doubled) + 1.0F, pool)));
  const auto deep = tn::max_pool<o>(tn::relu(tn::conv1d(x, w)));
  using Deep = std::remove_const_t<decltype(deep)>;
  static_assert(td::structure_of<Deep>.stages == 2);
  const auto layer = tn::eval(tn::relu(tn::conv1d(x, w)), pool);
  CHECK(tn::array_equal(tn::eval(deep, pool), tn::eval(tn::max_pool<o>(layer), pool)));
  using Costly = decltype(tn::max_pool<o>(tn::sigmoid(x)));
  static_assert(td::structure_of<Costly>.stages == 2);
}

TEST_CASE("a pooling window that does not fit is refused with numbers", "[expr]") {
  const float values[4] = {};
  std::string text;
  try {
    (void)tn::max_pool<tn::Pool1d{.kernel = 5}>(tn::view(values, tn::shape(4)));
  } catch (const tn::ShapeError& error) {
    text = error.what();
  }
  CHECK(text.find("max_pool") != std::string::npos);
  CHECK(text.find("5 taps") != std::string::npos);
}

TEST_CASE("layers with pooling and concat between them run image by image", "[expr]") {
  tn::PoolAllocator pool;
  constexpr tn::Conv1d o{.padding = 1};
  const auto xs = naive::values<float>(3 * 16 * 400, 1), ws = naive::values<float>(24 * 40 * 3, 2);
  const View<3, 16, 400> x(xs.data(), {});
  const View<24, 16, 3> w1(ws.data(), {});
  const View<20, 40, 3> w2(ws.data(), {});
  const View<20, 24, 3> w3(ws.data(), {});
  const auto same = [&](const auto& e) {
    using E = std::remove_cvref_t<decltype(e)>;
    static_assert(tn::plan_of<E>.structure.is_region(0));
    return tn::array_equal(tn::eval(e, pool), tn::eval(td::StageByStage<E>(e), pool));
  };
  const auto first = tn::relu(tn::conv1d<o>(x * 0.1F, w1));
  CHECK(same(tn::conv1d<o>(tn::max_pool<tn::Pool1d{.kernel = 2}>(first), w3)));
  CHECK(same(tn::conv1d<o>(tn::concat<-2>(first, tn::pad<-1>(x, 0_c, 0_c)), w2)));
}
