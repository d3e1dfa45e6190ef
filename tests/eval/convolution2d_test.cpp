// conv2d against plain loops in double; its plan, and the places that it writes.

#include "catch.hpp"
#include "naive_windows.hpp"

#include <tenon/tenon.hpp>

namespace tn = tenon;
namespace td = tenon::detail;
using naive::index_t;
using naive::Recorder;
using naive::values;

namespace {

template <tn::Conv2d O>
naive::Sums expected(const std::vector<double>& x, const std::vector<double>& w, index_t batches,
                     index_t channels, index_t height, index_t width, index_t rows, index_t down,
                     index_t across) {
  const naive::Sliding by_rows{O.stride.rows, O.padding.rows.before, O.padding.rows.after,
                               O.dilation.rows};
  const naive::Sliding by_columns{O.stride.columns, O.padding.columns.before,
                                  O.padding.columns.after, O.dilation.columns};
  return naive::Convolution{batches, channels, height,   width,   rows,
                            down,    across,   O.groups, by_rows, by_columns}
      .run(x, w);
}

template <tn::Conv2d O>
void sweep() {
  tn::PoolAllocator pool;
  unsigned seed = 0;
  for (const index_t batches : {1, 2})
    for (const index_t own : {1, 3})
      for (const index_t own_rows : {1, 6, 17})
        for (const index_t taps : {1, 2, 3})
          for (const index_t height : {4, 7})
            for (const index_t width : {5, 8, 21, 34}) {
              const index_t channels = own * O.groups, rows = own_rows * O.groups;
              if (++seed % 3 == 0) continue;
              CAPTURE(batches, channels, rows, taps, height, width);
              const auto xs = values<float>(
                  static_cast<std::size_t>(batches * channels * height * width), seed);
              const auto ws =
                  values<float>(static_cast<std::size_t>(rows * own * taps * 2), seed + 1);
              const auto x = tn::view(xs.data(), tn::shape(batches, channels, height, width));
              const auto w = tn::view(ws.data(), tn::shape(rows, own, taps, 2));
              const auto e = tn::conv2d<O>(x, w);
              Recorder record;
              const auto y = tn::eval(e, pool, tn::scratch(record));
              CHECK_FALSE(record.overrun);
              if (const auto bytes = tn::plan(e).workspace_bytes; bytes > 0) {
                CHECK(record.requests[0].bytes == bytes);
                CHECK(record.requests[0].last_byte_written);
              }
              CHECK(naive::wrong_sums(y, expected<O>(naive::doubles(x), naive::doubles(w), batches,
                                                     channels, height, width, rows, taps, 2)) == 0);
              pool.clear();
            }
}

template <index_t... E>
using View = tn::TensorView<const float, tn::Shape<E...>>;

}  // namespace

TEST_CASE("conv2d agrees with plain loops", "[eval][windows]") {
  SECTION("plain") { sweep<tn::Conv2d{}>(); }
  SECTION("padded") { sweep<tn::Conv2d{.padding = 1}>(); }
  SECTION("all options, unlike on the two axes") {
    sweep<tn::Conv2d{.stride = {2, 1}, .padding = {{1, 0}, {2, 3}}, .dilation = {1, 2}}>();
  }
  SECTION("stride, groups") { sweep<tn::Conv2d{.stride = 2, .padding = 1, .groups = 2}>(); }
}

TEST_CASE("the plan of conv2d is a constant, its epilogue part of it", "[eval][windows]") {
  constexpr tn::Conv2d o{.stride = 2, .padding = {1, {2, 1}}};
  using X = View<2, 3, 11, 13>;
  using W = View<20, 3, 3, 3>;
  const auto xs = values<float>(2 * 3 * 11 * 13, 1), ws = values<float>(20 * 27, 2),
             bs = values<float>(20, 3);
  const X x(xs.data(), {});
  const W w(ws.data(), {});
  const View<20, 1, 1> bias(bs.data(), {});
  const auto e = tn::relu(tn::conv2d<o>(x, w) + bias);
  using E = std::remove_const_t<decltype(e)>;
  static_assert(std::same_as<tn::shape_t<E>, tn::Shape<2, 20, 6, 7>>);
  static_assert(td::structure_of<E>.stages == 1);
  static_assert(tn::plan_of<E>.workspace_bytes ==
                tn::kernels::gemm_workspace_bytes<float>(20, 42, 27));
  tn::Workspace<E> workspace;
  tn::StaticTensor<float, 2, 20, 6, 7> y;
  tn::eval_into(y, e, workspace);
  auto sums = expected<o>(naive::doubles(x), naive::doubles(w), 2, 3, 11, 13, 20, 3, 3);
  for (std::size_t i = 0; i < sums.value.size(); ++i) {
    const auto b = static_cast<double>(bs[i / 42 % 20]);
    sums.value[i] = std::max(sums.value[i] + b, 0.0);
    sums.magnitude[i] += std::fabs(b);
  }
  CHECK(naive::wrong_sums(y, sums) == 0);

  SECTION("into a view whose channels come last") {
    std::vector<float> memory(2 * 6 * 7 * 20, -1.0F);
    const auto last = tn::permute<0, 3, 1, 2>(tn::view(memory.data(), tn::shape<2, 6, 7, 20>()));
    tn::eval_into(last, e, workspace);
    CHECK(tn::array_equal(last, y));
  }
  SECTION("over its own operand") {
    constexpr tn::Conv2d same{.padding = 1};
    auto image = values<float>(3 * 11 * 13, 5);
    const auto place = tn::view(image.data(), tn::shape<3, 11, 13>());
    const View<3, 3, 3, 3> kernel(ws.data(), {});
    tn::PoolAllocator pool;
    const auto apart = tn::eval(tn::conv2d<same>(place, kernel), pool);
    tn::eval_into(place, tn::conv2d<same>(place, kernel), tn::scratch(pool));
    CHECK(tn::array_equal(place, apart));
  }
}

TEST_CASE("layers of conv2d run image by image", "[eval][windows]") {
  constexpr tn::Conv2d o{.padding = 1};
  const auto xs = values<float>(3 * 8 * 24 * 24, 1), ws = values<float>(16 * 16 * 9, 2);
  const View<3, 8, 24, 24> x(xs.data(), {});
  const View<16, 8, 3, 3> w1(ws.data(), {});
  const View<16, 16, 3, 3> w2(ws.data(), {});
  const auto e = tn::conv2d<o>(tn::relu(tn::conv2d<o>(x * 0.1F, w1)), w2);
  using E = std::remove_const_t<decltype(e)>;
  static_assert(tn::plan_of<E>.structure.is_region(0));
  tn::PoolAllocator pool;
  CHECK(tn::array_equal(tn::eval(e, pool), tn::eval(td::StageByStage<E>(e), pool)));
}
