// Other operands and destinations for a prepared program: what fits, what is refused, and that a
// refusal changes nothing.

#include "catch.hpp"
#include "heap_trap.hpp"
#include "naive.hpp"

#include <tenon/eval/prepare.hpp>
#include <tenon/memory/arena.hpp>
#include <tenon/tensor/factories.hpp>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;
using namespace tenon::literals;
using tenon::support::HeapTrap;

namespace {

constexpr index_t n = 9;

struct Blocks {
  std::vector<float> a = values<float>(n * n, 1), b = values<float>(n * n, 2),
                     c = values<float>(n * n, 3), d = values<float>(n * n, 4),
                     r = std::vector<float>(n * n);
  Recorder resource;
};

template <class S>
auto square(std::vector<float>& v, const S& shape) {
  return tn::view(v.data(), shape);
}

}  // namespace

TEMPLATE_TEST_CASE("Each operand can be another tensor of the same shape", "",
                   (tn::Shape<tn::dyn, tn::dyn>), (tn::Shape<n, n>), (tn::Shape<tn::upto<64>, n>)) {
  Blocks o;
  const auto shape = TestType::from_extents({n, n});
  const auto x = square(o.a, shape), y = square(o.b, shape), z = square(o.c, shape),
             w = square(o.d, shape), r = square(o.r, shape);
  std::vector<float> expected(n * n);
  const auto e = square(expected, shape);
  auto program = tn::prepare(r, tn::matmul(x * 2.0F, y) + z, tn::scratch(o.resource));
  static_assert(program.operand_count == 3);
  const auto requests = o.resource.requests.size();

  program.template rebind<0>(w);
  program.run();
  tn::eval_into(e, tn::matmul(w * 2.0F, y) + z, tn::scratch(o.resource));
  CHECK(o.r == expected);

  program.rebind(tn::operand<0>(x), tn::operand<1>(z), tn::operand<2>(w));
  program.run();
  tn::eval_into(e, tn::matmul(x * 2.0F, z) + w, tn::scratch(o.resource));
  CHECK(o.r == expected);
  CHECK(o.resource.requests.size() <= requests + 2);

  std::vector<float> other(n * n);
  HeapTrap trap;
  program.rebind(tn::destination(square(other, shape)));
  program.run();
  const auto calls = trap.stop();
  CHECK(calls == 0);
  CHECK(other == expected);
}

TEST_CASE("By the old tensor: all of its uses, parts and transposes included") {
  Blocks o;
  const auto shape = tn::shape(n, n);
  const auto x = square(o.a, shape), y = square(o.b, shape), r = square(o.r, shape);
  std::vector<float> expected(n * n);
  const auto make = [&](const auto& v) {
    return v * tn::transpose(v) + tn::slice(v, 2) + tn::slice(v, tn::full_extent, tn::range(1, 2)) +
           y;
  };
  auto program = tn::prepare(r, make(x));
  program.rebind(tn::replacing(x, square(o.d, shape)));
  program.run();
  tn::eval_into(square(expected, shape), make(square(o.d, shape)));
  CHECK(o.r == expected);
  CHECK_THROWS_AS(program.rebind(tn::replacing(x, y)), tn::ContractError);  // no longer there
  CHECK_THROWS_AS(tn::replacing(x, tn::slice(y, tn::range(0, 3))), tn::ShapeError);
  CHECK_THROWS_AS(tn::replacing(x, tn::transpose(y)), tn::ShapeError);
}

TEST_CASE("Tensors, static tensors and views with strides are operands alike") {
  tn::Arena arena;
  auto x = tn::ones<float>(tn::shape(2, 3), arena), y = tn::full(tn::shape(2, 3), 5.0F, arena),
       r = tn::zeros<float>(tn::shape(2, 3), arena), s = tn::zeros<float>(tn::shape(2, 3), arena);
  auto program = tn::prepare(r, x + 1.0F);
  program.rebind<0>(y);
  program.run();
  CHECK(r(1, 2) == 6);
  program.rebind(tn::destination(s));
  program.run();
  CHECK(s(1, 2) == 6);

  const tn::StaticTensor<float, 2, 3> fixed{{1, 2, 3},
                                            {4, 5, 6}};  // a static shape where any may stand
  program.rebind<0>(fixed);
  program.run();
  CHECK(s(1, 2) == 7);

  float data[6] = {1, 2, 3, 4, 5, 6};
  const auto strided = tn::view(data, tn::shape(2, 3), std::array<index_t, 2>{1, 2});
  auto any = tn::prepare(s, strided * 2.0F);
  any.rebind<0>(y);  // row-major strides where any may stand
  any.run();
  CHECK(s(1, 0) == 10);
}

TEST_CASE("Two buffers that take turns are rebound together") {
  float a[3] = {1, 2, 3}, b[3] = {};
  const auto x = tn::view(a, tn::shape<3>()), y = tn::view(b, tn::shape<3>());
  auto program = tn::prepare(y, tn::flip<0>(x) + 1.0F);
  program.run();
  CHECK(b[0] == 4);
  CHECK_THROWS_AS(program.rebind<0>(tn::flip<0>(y)), tn::ContractError);
  program.rebind(tn::operand<0>(tn::flip<0>(y)), tn::destination(x));
  program.run();
  CHECK(a[0] == b[2] + 1);
}

TEST_CASE("A refused rebind changes nothing") {
  Blocks o;
  const auto shape = tn::shape(n, n);
  const auto x = square(o.a, shape), y = square(o.b, shape), z = square(o.c, shape),
             r = square(o.r, shape);
  auto program = tn::prepare(r, tn::matmul(x, y), tn::scratch(o.resource));
  program.run();
  const auto expected = o.r;
  const auto still_the_same = [&] {
    o.r.assign(n * n, 0.0F);
    program.run();
    CHECK(o.r == expected);
  };
  CHECK_THROWS_AS(program.rebind<0>(tn::slice(z, tn::range(0, 3))), tn::ShapeError);
  still_the_same();
  CHECK_THROWS_AS(program.rebind(tn::operand<0>(z), tn::operand<1>(tn::slice(z, tn::range(0, 3)))),
                  tn::ShapeError);
  still_the_same();
  CHECK_THROWS_AS(program.rebind(tn::operand<1>(z), tn::operand<0>(r)), tn::ContractError);
  still_the_same();
  CHECK_THROWS_AS(program.rebind(tn::operand<1>(z), tn::destination(x)), tn::ContractError);
  still_the_same();
  CHECK_THROWS_AS(program.rebind(tn::operand<1>(z), tn::replacing(r, z)), tn::ContractError);
  still_the_same();
  CHECK_THROWS_AS(program.rebind(tn::destination(tn::slice(z, tn::range(0, 3)))), tn::ShapeError);
  still_the_same();
}

TEST_CASE("A program prepared for overlap takes it on and off") {
  Blocks o;
  const auto shape = tn::shape(n, n);
  const auto x = square(o.a, shape), y = square(o.b, shape), r = square(o.r, shape);
  std::vector<float> expected(n * n);
  tn::eval_into(square(expected, shape), tn::matmul(x, y), tn::scratch(o.resource));
  o.r = o.a;
  auto program = tn::prepare(r, tn::matmul(r, y), tn::scratch(o.resource));
  CHECK(program.is_aliased());
  program.rebind<0>(x);
  CHECK_FALSE(program.is_aliased());
  program.run();
  CHECK(o.r == expected);
  o.r = o.a;
  program.rebind<0>(r);
  CHECK(program.is_aliased());
  program.run();
  CHECK(o.r == expected);

  auto vouched = tn::prepare(tn::noalias(r), tn::matmul(x, y), tn::scratch(o.resource));
  vouched.rebind<0>(r);  // its user's word
  CHECK_FALSE(vouched.is_aliased());
}
