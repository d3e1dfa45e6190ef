// pad and concat: shapes and errors, and that reading through them gives what reading a copy gives.

#include "catch.hpp"
#include "naive.hpp"
#include "static_shapes.hpp"

#include <tenon/tenon.hpp>

#include <string>

namespace tn = tenon;
namespace td = tenon::detail;
using naive::index_t;
using naive::Recorder;
using static_shapes::has_shape;
using static_shapes::View;
using namespace tenon::literals;

namespace {

using Padded = decltype(tn::pad<-1>(std::declval<View<2, 5>>(), 1_c, 2_c));
static_assert(has_shape<Padded, 2, 8>);
static_assert(has_shape<decltype(tn::pad<0>(std::declval<View<2, 5>>(), 1, 2_c)), tn::dyn, 5>);
static_assert(has_shape<decltype(tn::pad<1>(std::declval<View<2, tn::upto<5>>>(), 1_c, 2_c)), 2,
                        tn::upto<8>>);
template <int Axis, class... X>
using concat_t = decltype(tn::concat<Axis>(std::declval<X>()...));
static_assert(has_shape<concat_t<0, View<2, 5>, View<1, 5>, View<4, 5>>, 7, 5>);
static_assert(has_shape<concat_t<-1, View<tn::dyn, 5>, View<2, 4>>, 2, 9>);
static_assert(has_shape<concat_t<0, View<tn::upto<4>, tn::dyn>, View<2, tn::upto<9>>>, tn::upto<6>,
                        tn::upto<9>>);
static_assert(has_shape<concat_t<1, View<tn::dyn, 5>, View<2, tn::dyn>>, 2, tn::dyn>);

// Nothing is stored.
static_assert(tn::plan_of<Padded>.workspace_bytes == 0 && tn::plan_of<Padded>.stages == 1);

struct Data {
  tn::PoolAllocator pool;
  std::vector<float> memory = naive::values<float>(4000, 7);

  template <class... E>
  auto operator()(std::size_t first, E... extents) {
    return tn::view(static_cast<const float*>(memory.data() + first), tn::shape(extents...));
  }
};

// The elements of a tensor as get(index) says.
template <class Get, class... E>
auto made(tn::PoolAllocator& pool, const Get& get, E... extents) {
  auto t = tn::zeros<float>(tn::shape(extents...), pool);
  std::size_t i = 0;
  naive::for_each_index({extents...}, [&](const auto& at) { t.data()[i++] = get(at); });
  return t;
}

// What reads h gives the same bits as what reads the same values in memory.
template <class H, class T>
struct Consumers {
  const H& h;
  const T& copy;
  Data& data;
  index_t rows = copy.extent(0), columns = copy.extent(1);

  bool same(const auto& f) const {
    const auto e = f(h);
    Recorder record;
    const auto lazy = tn::eval(e, data.pool, tn::scratch(record));
    CHECK_FALSE(record.overrun);
    return tn::array_equal(lazy, tn::eval(f(copy), data.pool));
  }

  void check_rows_and_columns() const {
    REQUIRE(h.shape().extents() == copy.shape().extents());
    const auto wide = data(200, 2, 1, columns);
    const auto right = data(90, columns, 6);
    CHECK(same([&](const auto& x) { return tn::relu(x + wide) - x; }));
    CHECK(same([&](const auto& x) {
      return tn::slice(x, tn::range(1, rows, 2), tn::range(columns, 0, -3)) + 0.0F;
    }));
    CHECK(same([](const auto& x) { return tn::sum<1>(x); }));
    CHECK(same([&](const auto& x) { return tn::matmul(x, right); }));
  }

  void check_the_rest() const {
    const auto row = data(11, columns);
    const auto left = data(5, 3, rows);
    CHECK(same([](const auto& x) { return x + 0.0F; }));
    CHECK(same([&](const auto& x) { return tn::relu(x * row) - x; }));
    CHECK(same([](const auto& x) { return tn::transpose(x) * 2.0F; }));
    CHECK(same([](const auto& x) { return tn::flip<1>(tn::flip<0>(x)) + 1.0F; }));
    CHECK(same([](const auto& x) { return tn::slice(x, 1) + 0.0F; }));
    CHECK(same([](const auto& x) { return tn::sum<0>(x); }));
    CHECK(same([](const auto& x) { return tn::max(x * x); }));
    CHECK(same([](const auto& x) { return tn::softmax<0>(x); }));
    CHECK(same([&](const auto& x) { return tn::matmul(left, x); }));
    CHECK(same([](const auto& x) { return tn::let(x, [](auto v) { return v * tn::sum(v); }); }));
  }
};

}  // namespace

TEST_CASE("reading through pad and concat is reading a copy", "[expr]") {
  Data data;
  const auto x = data(0, 5, 19), y = data(300, 5, 19), z = data(500, 5, 14), none = data(0, 0, 19);
  SECTION("padded on all sides") {
    const auto copy = made(
        data.pool,
        [&](const auto& at) {
          const index_t i = at[0] - 2, j = at[1] - 1;
          if (j < 0 || j >= 19) return 7.0F;
          return i < 0 || i >= 5 ? 0.0F : x(i, j);
        },
        index_t{8}, index_t{23});
    const auto h = tn::pad<1>(tn::pad<0>(x, 2, 1), 1, 3, 7);
    Consumers<decltype(h), decltype(copy)>{h, copy, data}.check_rows_and_columns();
  }
  SECTION("one below the other") {
    const auto copy = made(
        data.pool,
        [&](const auto& at) { return at[0] < 5 ? x(at[0], at[1]) : y(at[0] - 5, at[1]) * 2.0F; },
        index_t{10}, index_t{19});
    const auto h = tn::concat<0>(x, none, y * 2.0F);
    Consumers<decltype(h), decltype(copy)>{h, copy, data}.check_rows_and_columns();
  }
  SECTION("one beside the other") {
    const auto copy = made(
        data.pool,
        [&](const auto& at) {
          if (at[1] < 19) return x(at[0], at[1]);
          if (at[1] < 21) return 0.0F;
          return at[1] < 35 ? z(at[0], at[1] - 21) : y(at[0], 18 - (at[1] - 35));
        },
        index_t{5}, index_t{54});
    const auto h = tn::concat<1>(x, tn::pad<-1>(z, 2, 0), tn::flip<1>(y));
    const Consumers<decltype(h), decltype(copy)> consumers{h, copy, data};
    consumers.check_rows_and_columns();
    consumers.check_the_rest();
  }
}

TEST_CASE("pad and concat along each of three axes, of any type", "[expr]") {
  tn::PoolAllocator pool;
  const auto check = [&]<class T, int Axis>(std::type_identity<T>,
                                            std::integral_constant<int, Axis>) {
    const auto memory = naive::values<T>(200, 3);
    T flat[200];
    std::copy(memory.begin(), memory.end(), flat);
    const auto x = tn::view(static_cast<const T*>(flat), tn::shape(3, 4, 5));
    const auto y = tn::view(static_cast<const T*>(flat + 60), tn::shape(3, 4, 5));
    const auto p = tn::eval(tn::pad<Axis>(x, 2, 1), pool);
    const auto c = tn::eval(tn::concat<Axis - 3>(x, y, x), pool);
    int wrong = 0;
    naive::for_each_index({p.extent(0), p.extent(1), p.extent(2)}, [&](auto at) {
      const T got = p(at[0], at[1], at[2]);
      at[Axis] -= 2;
      const bool inside = at[Axis] >= 0 && at[Axis] < x.extent(Axis);
      wrong += got != (inside ? x(at[0], at[1], at[2]) : T{});
    });
    naive::for_each_index({c.extent(0), c.extent(1), c.extent(2)}, [&](auto at) {
      const T got = c(at[0], at[1], at[2]);
      const bool second = at[Axis] / x.extent(Axis) == 1;
      at[Axis] %= x.extent(Axis);
      wrong += got != (second ? y : x)(at[0], at[1], at[2]);
    });
    CHECK(wrong == 0);
  };
  const auto each_axis = [&](auto type) {
    check(type, std::integral_constant<int, 0>{});
    check(type, std::integral_constant<int, 1>{});
    check(type, std::integral_constant<int, 2>{});
  };
  each_axis(std::type_identity<float>{});
  each_axis(std::type_identity<double>{});
  each_axis(std::type_identity<bool>{});
  each_axis(std::type_identity<std::int8_t>{});
}

TEST_CASE("the padding of conv1d is that of pad", "[expr]") {
  Data data;
  const auto x = data(0, 2, 3, 17), w = data(200, 4, 3, 3);
  const auto inside =
      tn::eval(tn::conv1d<tn::Conv1d{.stride = 2, .padding = {2, 1}}>(x, w), data.pool);
  const auto outside =
      tn::eval(tn::conv1d<tn::Conv1d{.stride = 2}>(tn::pad<-1>(x, 2, 1), w), data.pool);
  CHECK(tn::array_equal(inside, outside));
}

TEST_CASE("what pad and concat cannot read in place is stored once", "[expr]") {
  Data data;
  const auto x = data(0, 6, 9), w = data(100, 9, 9);
  const auto e = tn::concat<0>(tn::matmul(x, w), x) + 1.0F;
  using E = std::remove_const_t<decltype(e)>;
  static_assert(td::structure_of<E>.stages == 2);
  const auto product = tn::eval(tn::matmul(x, w), data.pool);
  CHECK(tn::array_equal(tn::eval(e, data.pool),
                        tn::eval(tn::concat<0>(product, x) + 1.0F, data.pool)));
  // Work that a reader would repeat is done once: sigmoid for every column.
  const View<6, 1> column(data.memory.data(), {});
  const auto costly = tn::pad<0>(tn::sigmoid(column), 1, 1) * data(300, 8, 5);
  static_assert(td::structure_of<std::remove_const_t<decltype(costly)>>.stages == 2);
}

TEST_CASE("each operand of concat is computed for its share", "[expr]") {
  using X = View<4, 10>;
  using Y = View<6, 10>;
  using E = decltype(tn::concat<0>(std::declval<X>() * 2.0F, std::declval<Y>() * 2.0F));
  static_assert(tn::plan_of<E>.flops == 100);
  static_assert(tn::plan_of<E>.bytes_moved == 2 * 100 * sizeof(float));
}

TEST_CASE("concat into its own operand is right", "[expr]") {
  tn::PoolAllocator pool;
  auto x = tn::eval(tn::reshape(tn::arange<float>(20, pool), tn::shape(4, 5)), pool);
  const auto top = tn::slice(x, tn::range(0, 2)), bottom = tn::slice(x, tn::range(2, 4));
  const auto expected = tn::eval(tn::concat<0>(bottom, top), pool);
  tn::eval_into(x, tn::concat<0>(bottom, top), tn::scratch(pool));
  CHECK(tn::array_equal(x, expected));
}

TEST_CASE("shapes that do not join are refused with numbers", "[expr]") {
  Data data;
  const auto says = [](const auto& f, const char* part) {
    try {
      f();
    } catch (const tn::ShapeError& error) {
      INFO(error.what());
      return std::string(error.what()).find(part) != std::string::npos;
    }
    return false;
  };
  const auto x = data(0, 3, 4), y = data(0, 3, 5);
  CHECK(says([&] { (void)tn::concat<0>(x, y); }, "(3, 5)"));
  CHECK(says([&] { (void)tn::concat<0>(x, x, y); }, "concat"));
  CHECK(says([&] { (void)tn::pad<0>(x, -1, 2); }, "-1 elements before"));
}
