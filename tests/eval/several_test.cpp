// Several results of one evaluation: the bits of each alone, shared work once, one workspace.

#include "heap_trap.hpp"
#include "several_cases.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/factories.hpp>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;
using namespace tenon::literals;
using tenon::support::HeapTrap;

namespace {

using several::check_group;
using several::columns;
using several::Operands;
using several::rows;
using several::same;

// How often a functor was called for an element.
int functor_calls = 0;
struct Counting {
  float operator()(float v) const noexcept {
    ++functor_calls;
    return v * 0.5F + 1.0F;
  }
};

}  // namespace

TEST_CASE("Independent results") {
  Operands<tn::Shape<rows, columns>> o;
  several::all_bytes_used = true;
  const auto sum = o.x + o.y;
  const auto compared = o.x < o.y;
  check_group(tn::tie(sum, compared), sum, compared);
  const auto most = tn::max<0>(o.x * o.y);
  const auto mean = tn::mean<0>(o.y);
  check_group(tn::tie(most, mean), most, mean);
  const auto product = tn::matmul(o.x, tn::transpose(o.y));
  const auto normal = tn::softmax<1>(o.x);
  check_group(tn::tie(product, sum, normal), product, sum, normal);
}

TEST_CASE("Results that share a value") { several::check_shared<tn::Shape<rows, columns>>(); }

TEST_CASE("Dynamic extents: one of each kind") {
  Operands<tn::Shape<tn::dyn, tn::dyn>> o;
  several::all_bytes_used = false;
  const auto v = o.x * o.y + 1.0F;
  check_group(tn::let(v, [&](auto h) { return tn::tie(h * h, tn::abs(h) + o.x); }), v * v,
              tn::abs(v) + o.x);
  check_group(tn::let(v, [](auto h) { return tn::tie(tn::sum<1>(h), tn::min<1>(h * h)); }),
              tn::sum<1>(v), tn::min<1>(v * v));
  const auto m = tn::matmul(o.x, tn::transpose(o.y));
  check_group(tn::let(m, [](auto h) { return tn::tie(tn::matmul(h, h), tn::relu(h)); }),
              tn::matmul(m, m), tn::relu(m));
}

TEST_CASE("Bounded extents: a plan for the bound, whichever way shapes turn out") {
  Operands<tn::Shape<tn::upto<16>, columns>> o;
  several::all_bytes_used = false;
  const auto v = o.x * o.y;
  check_group(tn::let(v, [](auto h) { return tn::tie(h * h, h - 1.0F); }), v * v, v - 1.0F);
  check_group(tn::let(v, [](auto h) { return tn::tie(tn::sum<0>(h), tn::max<0>(h)); }),
              tn::sum<0>(v), tn::max<0>(v));
  std::vector<float> row = values<float>(columns, 3);
  const auto other =
      tn::view(row.data(), tn::Shape<tn::upto<16>, columns>::from_extents({1, columns}));
  const auto w = other * o.y;  // as wide as y, which its type does not say
  check_group(tn::tie(w, other + 1.0F), w, other + 1.0F);
  check_group(tn::let(other, [&](auto h) { return tn::tie(h * o.y, h - 1.0F); }), w, other - 1.0F);
  check_group(tn::let(other + 2.0F, [&](auto h) { return tn::tie(h * o.y, h - 1.0F); }),
              (other + 2.0F) * o.y, (other + 2.0F) - 1.0F);
}

TEST_CASE("Shared work is done once") {
  Operands<tn::Shape<rows, columns>> o;
  tn::PoolAllocator pool;
  const auto count = [&](const auto& group) {
    functor_calls = 0;
    const auto all = tn::eval(group, pool);
    return functor_calls;
  };
  const auto v = tn::map(Counting{}, o.x);
  const int each = rows * columns;
  const auto shared = [&](const auto& group) {
    const int n = count(group);
    CHECK(n >= each);
    CHECK(n < 2 * each);
  };
  shared(tn::let(v, [](auto h) { return tn::tie(h + 1.0F, h * h); }));
  shared(tn::let(v, [](auto h) { return tn::tie(tn::mean(h), tn::mean(h * h)); }));
  shared(tn::let(v, [](auto h) { return tn::tie(tn::sum<0>(h), tn::max<0>(h)); }));
  shared(tn::let(v, [](auto h) { return tn::tie(tn::sum<0>(h), tn::transpose(h)); }));
  CHECK(count(tn::tie(v + 1.0F, v * v)) >= 2 * each);
}

TEST_CASE("What one pass makes has one stage and no temporary; the plan is a constant") {
  Operands<tn::Shape<rows, columns>> o;
  const auto v = o.x * o.y + 1.0F;
  const auto moments = tn::let(v, [](auto h) { return tn::tie(tn::mean(h), tn::mean(h * h)); });
  static_assert(tn::plan_of<decltype(moments)>.stages == 1);
  static_assert(tn::plan_of<decltype(moments)>.workspace_bytes == 0);
  static_assert(tn::plan_of<decltype(moments)>.result_bytes == 8);
  const auto loop = tn::let(v, [](auto h) { return tn::tie(h * h, h + 1.0F, h < 0.0F); });
  static_assert(tn::plan_of<decltype(loop)>.stages == 1);
  static_assert(tn::plan_of<decltype(loop)>.result_bytes == rows * columns * 9);
  const auto m = tn::matmul(o.x, tn::transpose(o.y));
  const auto outputs = tn::let(m, [](auto h) { return tn::tie(tn::relu(h), h > 0.0F); });
  static_assert(tn::plan_of<decltype(outputs)>.stages == 1);
  static_assert(tn::plan_of<decltype(outputs)>.temporaries == 0);
  static_assert(tn::plan_of<decltype(outputs)>.workspace_bytes ==
                tn::plan_of<decltype(m)>.workspace_bytes);

  const auto stored = tn::let(v, [](auto h) { return tn::tie(h, tn::sum<0>(h)); });
  static_assert(tn::plan_of<decltype(stored)>.stages == 3);
  static_assert(tn::plan_of<decltype(stored)>.temporaries == 1);
  static_assert(tn::plan_of<decltype(stored)>.workspace_bytes == rows * columns * 4);

  const auto p = tn::matmul(o.x + 1.0F, tn::transpose(o.y));
  const auto q = tn::matmul(p, p);
  const auto two = tn::tie(p, q);
  static_assert(
      tn::plan_of<decltype(two)>.workspace_bytes ==
      std::max(tn::plan_of<decltype(p)>.workspace_bytes, tn::plan_of<decltype(q)>.workspace_bytes));
}

TEST_CASE("The workspace is exact: one byte less is refused") {
  Operands<tn::Shape<rows, columns>> o;
  const auto group = tn::let(tn::matmul(o.x, tn::transpose(o.y)),
                             [](auto h) { return tn::tie(tn::matmul(h, h + 1.0F), tn::sum(h)); });
  constexpr std::size_t bytes = tn::plan_of<decltype(group)>.workspace_bytes;
  static_assert(bytes > 0);
  alignas(64) static std::byte raw[bytes];
  tn::Arena results;
  tn::FixedBufferAllocator exact(std::span(raw, bytes)), less(std::span(raw, bytes - 1));
  const auto all = tn::eval(group, results, tn::scratch(exact));
  CHECK(std::get<0>(all).extent(0) == rows);
  CHECK_THROWS_AS(tn::eval(group, results, tn::scratch(less)), tn::OutOfMemory);
}

TEST_CASE("Into destinations, without a heap call") {
  Operands<tn::Shape<tn::dyn, tn::dyn>> o;
  tn::PoolAllocator pool;
  auto r = tn::zeros<float>(tn::shape(rows, columns), pool);
  auto s = tn::zeros<float>(tn::shape(columns), pool);
  std::vector<float> t(rows * columns);
  const auto column_major =
      tn::view(t.data(), tn::shape(rows, columns), std::array<index_t, 2>{1, rows});
  const auto v = tn::exp(o.x) + o.y;
  const auto run = [&] {
    tn::eval_into(tn::tie(r, s, column_major),
                  tn::let(v, [&](auto h) { return tn::tie(h * o.y, tn::sum<0>(h), h - 1.0F); }),
                  tn::scratch(pool));
  };
  run();
  HeapTrap trap;
  run();
  const auto heap_calls = trap.stop();
  CHECK(heap_calls == 0);
  CHECK(same(r, tn::eval(v * o.y, pool)));
  CHECK(same(s, tn::eval(tn::sum<0>(v), pool)));
  const auto expected = tn::eval(v - 1.0F, pool);
  int wrong = 0;
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < columns; ++j) wrong += column_major(i, j) != expected(i, j);
  CHECK(wrong == 0);

  // Both in column-major order, and each in its own.
  std::vector<float> u(rows * columns);
  const auto other = tn::view(u.data(), tn::shape(rows, columns), std::array<index_t, 2>{1, rows});
  tn::eval_into(tn::tie(column_major, other), tn::tie(o.x + o.y, o.x - o.y));
  tn::eval_into(tn::tie(r, other), tn::tie(o.x * o.y, o.x - o.y));
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < columns; ++j)
      wrong += column_major(i, j) != o.x(i, j) + o.y(i, j) ||
               other(i, j) != o.x(i, j) - o.y(i, j) || r(i, j) != o.x(i, j) * o.y(i, j);
  CHECK(wrong == 0);
}

TEST_CASE("Destinations that are operands: as if all were computed first") {
  Operands<tn::Shape<tn::dyn, tn::dyn>> o;
  const auto a = o.a, b = o.b;
  Recorder resource;
  int wrong = 0;
  SECTION("a butterfly, in place") {
    tn::eval_into(tn::tie(o.x, o.y), tn::tie(o.x + o.y, o.x - o.y), tn::scratch(resource));
    CHECK(resource.requests.empty());
    for (std::size_t i = 0; i < a.size(); ++i)
      wrong += o.a[i] != a[i] + b[i] || o.b[i] != a[i] - b[i];
  }
  SECTION("swapped") {
    tn::eval_into(tn::tie(o.x, o.y), tn::tie(o.y, o.x), tn::scratch(resource));
    for (std::size_t i = 0; i < a.size(); ++i) wrong += o.a[i] != b[i] || o.b[i] != a[i];
  }
  SECTION("read by a later result only") {
    tn::eval_into(tn::tie(o.x, o.y), tn::tie(o.y * 2.0F, tn::softmax<1>(o.x) * 0.0F + o.x),
                  tn::scratch(resource));
    CHECK(resource.requests.size() == 1);
    for (std::size_t i = 0; i < a.size(); ++i) wrong += o.a[i] != b[i] * 2.0F || o.b[i] != a[i];
  }
  SECTION("read by an earlier result only") {
    auto s = values<float>(rows, 3);
    tn::eval_into(tn::tie(tn::view(s.data(), tn::shape(rows)), o.x),
                  tn::tie(tn::sum<1>(o.x * 0.0F) + 1.0F, o.y + 1.0F), tn::scratch(resource));
    CHECK(resource.requests.empty());
    for (std::size_t i = 0; i < a.size(); ++i) wrong += o.a[i] != b[i] + 1.0F;
    for (float one : s) wrong += one != 1.0F;
  }
  SECTION("a shared value of what is overwritten") {
    const auto flat = tn::view(o.a.data(), tn::shape(rows * columns));
    const auto other = tn::view(o.b.data(), tn::shape(rows * columns));
    tn::eval_into(
        tn::tie(flat, other),
        tn::let(tn::flip<0>(flat) + 1.0F, [](auto h) { return tn::tie(h * 2.0F, h * 3.0F); }),
        tn::scratch(resource));
    CHECK(resource.requests.size() == 1);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const float h = a[a.size() - 1 - i] + 1.0F;
      wrong += o.a[i] != h * 2.0F || o.b[i] != h * 3.0F;
    }
  }
  CHECK(wrong == 0);
  CHECK_FALSE(resource.overrun);
}

TEST_CASE("What does not fit is refused before anything is written") {
  Operands<tn::Shape<tn::dyn, tn::dyn>> o;
  const auto a = o.a, b = o.b;
  Recorder resource;
  const auto part = tn::slice(o.y, tn::range(0, 3));
  CHECK_THROWS_AS(tn::eval_into(tn::tie(o.x, part), tn::tie(o.x + 1.0F, o.x + 2.0F)),
                  tn::ShapeError);
  CHECK_THROWS_AS(tn::eval_into(tn::tie(o.x, o.x), tn::tie(o.y + 1.0F, o.y + 2.0F)),
                  tn::ContractError);
  CHECK_THROWS_AS(tn::eval_into(tn::tie(o.x, o.y), tn::tie(o.y + 1.0F, tn::softmax<1>(o.x))),
                  tn::ContractError);
  resource.fail_at = 1;
  CHECK_THROWS_AS(tn::eval(tn::tie(o.x + 1.0F, tn::sum<0>(o.x)), resource), std::bad_alloc);
  CHECK(resource.live == 0);
  CHECK(o.a == a);
  CHECK(o.b == b);
}

TEST_CASE("A tie owns what is moved into it") {
  tn::Arena arena;
  const auto make = [&](float v) { return tn::full(tn::shape(3), v, arena); };
  const auto group = tn::tie(make(1) + 1.0F, make(5));
  for (int i = 0; i < 2; ++i) {
    const auto [two, five] = tn::eval(group, arena);
    CHECK(two(1) == 2);
    CHECK(five(2) == 5);
  }
}

TEST_CASE("Long rows are folded in the same order jointly and alone") {
  std::vector<float> v = values<float>(20011, 1);
  const auto x = tn::view(v.data(), tn::shape(20011));
  check_group(tn::let(x * 1.5F, [](auto h) { return tn::tie(tn::sum(h), tn::sum(h * h)); }),
              tn::sum(x * 1.5F), tn::sum((x * 1.5F) * (x * 1.5F)));
  const auto wide = tn::cast<double>(x);
  check_group(tn::let(wide, [](auto h) { return tn::tie(tn::mean(h), tn::sum(h * h)); }),
              tn::mean(wide), tn::sum(wide * wide));
  check_group(tn::let(x > 0.0F, [](auto h) { return tn::tie(tn::sum(h), tn::max(h)); }),
              tn::sum(x > 0.0F), tn::max(x > 0.0F));
  const auto tall = tn::view(v.data(), tn::shape(6670, 3));
  check_group(tn::tie(tn::sum<0>(tall), tn::sum<0>(tall * tall)), tn::sum<0>(tall),
              tn::sum<0>(tall * tall));
  const auto empty = tn::view(v.data(), tn::shape(0, 3));
  check_group(tn::tie(tn::sum<0>(empty), tn::prod<0>(empty)), tn::sum<0>(empty),
              tn::prod<0>(empty));
  check_group(tn::tie(empty + 1.0F, empty * 2.0F), empty + 1.0F, empty * 2.0F);
}
