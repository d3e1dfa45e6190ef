// Expressions over half and bfloat16: the bits of the same expression over their values as floats.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/tenon.hpp>

#include <sstream>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using namespace tenon::literals;

namespace {

template <class H>
struct Data {
  tn::PoolAllocator pool;
  std::vector<H> stored;
  std::vector<float> values;

  Data() {
    for (const float x : naive::values<float>(6000, 3)) {
      stored.push_back(H(x));
      values.push_back(static_cast<float>(stored.back()));
    }
  }
  // f over the stored elements gives what it gives over floats.
  template <class S>
  bool agrees(const S& shape, const auto& f) {
    const auto h = f(tn::view(static_cast<const H*>(stored.data()), shape));
    static_assert(std::same_as<tn::value_t<decltype(h)>,
                               tn::value_t<decltype(f(tn::view(values.data(), shape)))>>);
    Recorder record;
    const auto lazy = tn::eval(h, pool, tn::scratch(record));
    CHECK_FALSE(record.overrun);
    return tn::array_equal(lazy, tn::eval(f(tn::view(values.data(), shape)), pool));
  }
};

}  // namespace

TEMPLATE_TEST_CASE("Elements of two bytes are computed with as floats", "[expr]", tn::half,
                   tn::bfloat16) {
  Data<TestType> data;
  const auto shape = tn::shape(7, 45);
  const auto same = [&](const auto& f) { return data.agrees(shape, f); };
  CHECK(same([](const auto& x) { return x + x; }));
  CHECK(same([](const auto& x) { return 2 * x - 0.5; }));
  CHECK(same([](const auto& x) { return -tn::relu(x) * tn::exp(x); }));
  CHECK(same([](const auto& x) { return x < 0.25F; }));
  CHECK(same([](const auto& x) { return tn::where(x > 0, x, 1.0F); }));
  CHECK(same([](const auto& x) { return tn::transpose(x) * 3.0F; }));
  CHECK(same([](const auto& x) { return tn::sum<0>(x); }));
  CHECK(same([](const auto& x) { return tn::mean<1>(x); }));
  CHECK(same([](const auto& x) { return tn::argmax<1>(x); }));
  CHECK(same([](const auto& x) { return tn::softmax<1>(x); }));
  CHECK(same([](const auto& x) { return tn::concat<0>(x, x * 2.0F); }));
  CHECK(same([](const auto& x) { return tn::pad<1>(x, 1, 2, 0.5F); }));
  CHECK(same([](const auto& x) { return tn::max_pool<tn::Pool1d{.kernel = 3}>(x); }));
  CHECK(same([](const auto& x) { return tn::map([](auto v) { return v * v; }, x); }));
  CHECK(same([](const auto& x) { return tn::cast<double>(x) / 3.0; }));
  CHECK(same([](const auto& x) { return tn::cast<std::int32_t>(x * 100.0F); }));
  CHECK(same([](const auto& x) { return tn::let(tn::square(x), [](auto v) { return v * v; }); }));
}

TEMPLATE_TEST_CASE("Weights of two bytes: converted where the product reads them", "[expr]",
                   tn::half, tn::bfloat16) {
  Data<TestType> data;
  const std::vector<float> left = naive::values<float>(40 * 45, 5);
  for (const index_t rows : {1, 3, 40}) {
    const auto x = tn::view(left.data(), tn::shape(rows, 45));
    CAPTURE(rows);
    CHECK(data.agrees(tn::shape(45, 67), [&](const auto& w) { return tn::matmul(x, w); }));
    CHECK(data.agrees(tn::shape(67, 45), [&](const auto& w) {
      return tn::relu(tn::matmul(x, tn::transpose(w)) + 1.0F);
    }));
  }
  const auto x = tn::view(left.data(), tn::shape<2, 9, 40>());
  CHECK(data.agrees(tn::shape<5, 9, 3>(),
                    [&](const auto& w) { return tn::conv1d<tn::Conv1d{.padding = 1}>(x, w); }));
  CHECK(data.agrees(tn::shape(12, 12), [&](const auto& w) { return tn::matmul(w, w); }));

  // Nothing is stored for the conversion.
  using X = tn::TensorView<float, tn::Shape<8, 32>>;
  using W = tn::TensorView<TestType, tn::Shape<32, 16>>;
  using F = tn::TensorView<float, tn::Shape<32, 16>>;
  constexpr auto& plan = tn::plan_of<decltype(tn::matmul(std::declval<X&>(), std::declval<W&>()))>;
  static_assert(plan.stages == 1 && plan.temporaries == 0);
  static_assert(
      plan.workspace_bytes <=
      tn::plan_of<decltype(tn::matmul(std::declval<X&>(), std::declval<F&>()))>.workspace_bytes +
          32 * 16 * sizeof(float));
}

TEMPLATE_TEST_CASE("Results of two bytes are rounded once, where they are stored", "[expr]",
                   tn::half, tn::bfloat16) {
  Data<TestType> data;
  const auto x = tn::view(data.values.data(), tn::shape(5, 45));
  const auto wide = tn::eval(tn::exp(x) * x, data.pool);
  const auto h = tn::eval(tn::cast<TestType>(tn::exp(x) * x), data.pool);
  static_assert(std::same_as<typename std::remove_cvref_t<decltype(h)>::value_type, TestType>);
  int wrong = 0;
  for (index_t i = 0; i < wide.size(); ++i)
    wrong += h.data()[i].bits != TestType(wide.data()[i]).bits;
  CHECK(wrong == 0);
  // A cast back and forth rounds too.
  CHECK(tn::array_equal(tn::eval(tn::cast<float>(tn::cast<TestType>(wide)), data.pool), h));

  // In place, along any stride, and through a view.
  auto state = tn::eval(tn::cast<TestType>(x), data.pool);
  const auto before = tn::eval(tn::cast<float>(state), data.pool);
  tn::eval_into(state, tn::cast<TestType>(state * 0.5F));
  auto turned = tn::zeros<TestType>(tn::shape(45, 5), data.pool);
  tn::eval_into(tn::view(turned.data(), tn::shape(5, 45), std::array<index_t, 2>{1, 5}),
                tn::cast<TestType>(state));
  for (index_t i = 0; i < 5; ++i)
    for (index_t j = 0; j < 45; ++j)
      wrong += turned(j, i).bits != TestType(before(i, j) * 0.5F).bits;
  CHECK(wrong == 0);
}

TEST_CASE("Tensors of half: factories and text are NumPy's", "[tensor]") {
  tn::PoolAllocator pool;
  const auto text = [](const auto& x) {
    std::ostringstream out;
    out << x;
    return out.str();
  };
  CHECK(text(tn::arange<tn::half>(0.1, 2, 0.3, pool)) ==
        "[0.1    0.4    0.6997 1.     1.3    1.6    1.899 ]");
  CHECK(text(tn::eval(tn::cast<tn::half>(tn::linspace<double>(0.1, 1000, 3, pool)), pool)) ==
        "[1.e-01 5.e+02 1.e+03]");
  CHECK(text(tn::full<tn::half>(tn::shape(2), tn::half(1.0F / 3), pool)) == "[0.3333 0.3333]");
  CHECK(text(tn::full<tn::half>(tn::shape(), tn::half(2048), pool)) == "2.048e+03");
  CHECK(text(tn::zeros<tn::bfloat16>(tn::shape(2), pool)) == "[0. 0.]");
  CHECK(text(tn::linspace<tn::bfloat16>(0, 1, 3, pool)) == "[0.  0.5 1. ]");
  CHECK(tn::eye<tn::half>(3, pool)(1, 1) == 1.0F);
  std::mt19937_64 engine(1), again(1);
  const auto drawn = tn::random_normal<tn::half>(tn::shape(50), engine, pool);
  const auto wide = tn::random_normal<double>(tn::shape(50), again, pool);
  CHECK(tn::array_equal(drawn, tn::eval(tn::cast<tn::half>(wide), pool)));
  CHECK(tn::allclose(drawn, wide, 1e-3, 1e-6));
}
