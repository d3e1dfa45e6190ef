// a * b + c in every form, what fails and how, and what a warm pool costs.

#include "catch.hpp"
#include "heap_trap.hpp"
#include "naive.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/tensor/factories.hpp>

#include <optional>
#include <string>

namespace tn = tenon;
using naive::Fenced;
using naive::index_t;
using naive::multiply_then_add;
using naive::Recorder;
using naive::same_bits;
using naive::values;
using tenon::support::HeapTrap;

TEMPLATE_TEST_CASE("a * b + c rounds each operation once, at every length and misalignment", "",
                   float, double) {
  using T = TestType;
  tn::PoolAllocator pool;
  const auto av = values<T>(200, 1), bv = values<T>(200, 2), cv = values<T>(200, 3);
  int wrong = 0, fences = 0;
  for (int offset = 0; offset < 16; ++offset)
    for (index_t n = 0; n <= 200; ++n) {
      Fenced<T> a(n, offset), b(n, (offset + 5) % 16), c(n, (offset + 11) % 16);
      Fenced<T> d(n, (offset * 7) % 16);
      a.fill(av), b.fill(bv), c.fill(cv);
      const auto x = tn::view(a.data(), tn::shape(n)), y = tn::view(b.data(), tn::shape(n)),
                 z = tn::view(c.data(), tn::shape(n));
      const auto r = tn::eval(x * y + z, pool);
      tn::eval_into(tn::view(d.data(), tn::shape(n)), x * y + z);
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        const T expected = multiply_then_add(av[i], bv[i], cv[i]);
        wrong += !same_bits(r.data()[i], expected) + !same_bits(d.data()[i], expected);
      }
      fences += !(a.fences_whole() && b.fences_whole() && c.fences_whole() && d.fences_whole());
    }
  CHECK(wrong == 0);
  CHECK(fences == 0);
}

namespace {

template <class T, index_t... E>
int wrong_in_static_shape() {
  tn::PoolAllocator pool;
  constexpr tn::Shape<E...> shape;
  const auto n = static_cast<std::size_t>(shape.size());
  const auto av = values<T>(n, 1), bv = values<T>(n, 2), cv = values<T>(n, 3);
  int wrong = 0;
  for (int offset = 0; offset < 16; ++offset) {
    Fenced<T> a(shape.size(), offset), b(shape.size(), (offset + 5) % 16),
        c(shape.size(), (offset + 11) % 16), d(shape.size(), (offset * 7) % 16);
    a.fill(av), b.fill(bv), c.fill(cv);
    const auto r = tn::eval(
        tn::view(a.data(), shape) * tn::view(b.data(), shape) + tn::view(c.data(), shape), pool);
    tn::eval_into(tn::view(d.data(), shape), tn::view(a.data(), shape) * tn::view(b.data(), shape) +
                                                 tn::view(c.data(), shape));
    for (std::size_t i = 0; i < n; ++i) {
      const T expected = multiply_then_add(av[i], bv[i], cv[i]);
      wrong += !same_bits(r.data()[i], expected) + !same_bits(d.data()[i], expected);
    }
    wrong += !d.fences_whole();
  }
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("a * b + c of static shapes has the same bits", "", float, double) {
  using T = TestType;
  CHECK(wrong_in_static_shape<T>() == 0);
  CHECK(wrong_in_static_shape<T, 0>() == 0);
  CHECK(wrong_in_static_shape<T, 1>() == 0);
  CHECK(wrong_in_static_shape<T, 37>() == 0);
  CHECK(wrong_in_static_shape<T, 3, 67>() == 0);
}

TEMPLATE_TEST_CASE("Broadcast operands known at run time give the same bits", "", float, double) {
  using T = TestType;
  tn::PoolAllocator pool;
  const auto av = values<T>(6 * 70, 1), bv = values<T>(6 * 70, 2), cv = values<T>(6 * 70, 3);
  int wrong = 0;
  // Bit 0 of each operand's code: rows of extent 1, bit 1: columns of extent 1.
  for (unsigned code = 0; code < 64; ++code)
    for (index_t m : {0, 1, 2, 5})
      for (index_t n : {0, 1, 3, 15, 16, 17, 33, 70}) {
        const auto rows = [&](unsigned k) { return ((code >> (2 * k)) & 1U) != 0 ? 1 : m; };
        const auto columns = [&](unsigned k) { return ((code >> (2 * k + 1)) & 1U) != 0 ? 1 : n; };
        const auto a = tn::view(av.data(), tn::shape(rows(0), columns(0)));
        const auto b = tn::view(bv.data(), tn::shape(rows(1), columns(1)));
        const auto c = tn::view(cv.data(), tn::shape(rows(2), columns(2)));
        const auto r = tn::eval(a * b + c, pool);
        const auto stretch = [&](index_t x, index_t y, index_t z) {
          return x != 1 ? x : y != 1 ? y : z;
        };
        wrong += r.extent(0) != stretch(rows(0), rows(1), rows(2));
        wrong += r.extent(1) != stretch(columns(0), columns(1), columns(2));
        for (index_t i = 0; i < r.extent(0); ++i)
          for (index_t j = 0; j < r.extent(1); ++j) {
            const auto at = [&](const auto& x) {
              return x(x.extent(0) == 1 ? 0 : i, x.extent(1) == 1 ? 0 : j);
            };
            wrong += !same_bits(r(i, j), multiply_then_add(at(a), at(b), at(c)));
          }
      }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("Rows, columns, rank 0 and numbers broadcast with the same bits", "", float,
                   double) {
  using T = TestType;
  tn::PoolAllocator pool;
  const auto av = values<T>(4 * 37, 1), bv = values<T>(37, 2), cv = values<T>(4, 3);
  const auto a = tn::view(av.data(), tn::shape<4, 37>());
  const auto row = tn::view(bv.data(), tn::shape<37>());
  const auto column = tn::view(cv.data(), tn::shape<4, 1>());
  const auto zero_d = tn::view(cv.data() + 2, tn::Shape<>{});
  const auto dynamic = tn::view(av.data(), tn::shape(4, 37));
  const auto r1 = tn::eval(a * row + column, pool);
  const auto r2 = tn::eval(a * zero_d + row, pool);
  const auto r3 = tn::eval(column * row + a, pool);
  const auto r4 = tn::eval(dynamic * row + T{3}, pool);
  const auto r5 = tn::eval(zero_d * zero_d + T{0.1f}, pool);
  int wrong = 0;
  for (index_t i = 0; i < 4; ++i)
    for (index_t j = 0; j < 37; ++j) {
      wrong += !same_bits(r1(i, j), multiply_then_add(a(i, j), row(j), column(i, 0)));
      wrong += !same_bits(r2(i, j), multiply_then_add(a(i, j), zero_d(), row(j)));
      wrong += !same_bits(r3(i, j), multiply_then_add(column(i, 0), row(j), a(i, j)));
      wrong += !same_bits(r4(i, j), multiply_then_add(a(i, j), row(j), T{3}));
    }
  CHECK(wrong == 0);
  CHECK(same_bits(r5.item(), multiply_then_add(zero_d(), zero_d(), T{0.1f})));
  CHECK(r5.rank() == 0);
}

TEST_CASE("A warm pool evaluates without a heap call") {
  tn::PoolAllocator pool;
  const auto a = tn::ones<float>(tn::shape(40, 40), pool);
  float kept = 0;
  const auto batch = [&] {
    auto r = tn::eval(a * a + a, pool);
    tn::eval_into(r, tn::matmul(r, a) + r, tn::scratch(pool));
    const auto s = tn::eval(tn::softmax<-1>(tn::relu(tn::matmul(r, a) + a)), pool);
    const auto t = tn::eval(tn::sum<0>(tn::exp(s)), pool);
    return r.data()[0] + t.data()[0];
  };
  kept += batch();
  if (!HeapTrap::sees(tn::support::HeapCall::operator_new)) {
    WARN("operator new is not heard in this build: heap calls are not counted");
    return;
  }
  HeapTrap trap;
  for (int i = 0; i < 3; ++i) kept += batch();
  const auto calls = trap.stop();
  CHECK(calls == 0);
  CHECK(kept != 0);
}

TEST_CASE("Without room for the result nothing is leaked, and the message has numbers") {
  alignas(64) std::byte buffer[1024];
  tn::FixedBufferAllocator small{std::span(buffer)};
  const auto v = values<float>(400, 1);
  const auto x = tn::view(v.data(), tn::shape(400));
  try {
    (void)tn::eval(x + x, small);
    FAIL("nothing was raised");
  } catch (const tn::OutOfMemory& error) {
    const std::string text = error.what();
    CHECK(text.find("1600") != std::string::npos);
    CHECK(text.find("1024") != std::string::npos);
    CHECK(text.find("576") != std::string::npos);
  }
  CHECK(small.stats().live_count == 0);
  CHECK(small.stats().used_bytes == 0);
}

TEST_CASE("Without room for the workspace the result goes back too") {
  using M = tn::Shape<20, 20>;
  const auto v = values<float>(400, 1);
  const auto x = tn::view(v.data(), M{});
  const auto e = tn::matmul(x, x) + tn::matmul(x, x);
  constexpr auto plan = tn::plan_of<decltype(e)>;
  static_assert(plan.workspace_bytes >= 1600);
  alignas(64) static std::byte buffer[plan.peak_bytes];
  {
    tn::FixedBufferAllocator exact{std::span(buffer)};
    const auto r = tn::eval(e, exact);
    CHECK(exact.stats().peak_bytes == plan.result_bytes + plan.workspace_bytes);
    CHECK(exact.stats().live_count == 1);
  }
  tn::FixedBufferAllocator small{std::span(buffer).first(plan.peak_bytes - 1)};
  try {
    (void)tn::eval(e, small);
    FAIL("nothing was raised");
  } catch (const tn::OutOfMemory& error) {
    const std::string text = error.what();
    CHECK(text.find(std::to_string(plan.workspace_bytes)) != std::string::npos);
    CHECK(text.find(std::to_string(plan.workspace_bytes - 1)) != std::string::npos);
  }
  CHECK(small.stats().live_count == 0);
}

TEST_CASE("Whichever request fails, nothing is leaked and the destination stays") {
  auto v = values<float>(30 * 30, 1);
  const auto x = tn::view(v.data(), tn::shape(30, 30));
  const auto e = tn::matmul(tn::exp(x) * 0.01f, tn::matmul(x, x)) + x;
  std::size_t requests = 0;
  for (std::size_t n = 0;; ++n) {
    Recorder resource;
    resource.fail_at = n;
    try {
      const auto r = tn::eval(e, resource);
      requests = resource.requests.size();
      break;
    } catch (const std::bad_alloc&) {
      CHECK(resource.live == 0);
      CHECK_FALSE(resource.overrun);
    }
  }
  CHECK(requests == 2);  // the result, and one workspace
  Recorder failing;
  failing.fail_at = 0;
  const auto before = v;
  CHECK_THROWS_AS(tn::eval_into(x, e, tn::scratch(failing)), std::bad_alloc);
  CHECK(v == before);
}

TEST_CASE("Shapes that do not fit at run time raise ShapeError before anything is written") {
  const auto v = values<float>(12, 1);
  const auto a = tn::view(v.data(), tn::shape(2, 3)), b = tn::view(v.data(), tn::shape(2, 4));
  const auto text_of = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const tn::ShapeError& error) {
      return error.what();
    }
    return "";
  };
  const auto has = [](const std::string& text, std::initializer_list<const char*> parts) {
    for (const char* part : parts)
      if (text.find(part) == std::string::npos) return false;
    return true;
  };
  CHECK(has(text_of([&] { (void)(a + b); }), {"add", "(2, 3)", "(2, 4)"}));
  CHECK(has(text_of([&] { (void)tn::matmul(a, b); }), {"matmul", "(2, 3)", "(2, 4)"}));
  std::vector<float> out(6, 7.0f);
  const auto dst = tn::view(out.data(), tn::shape(3, 2));
  CHECK(has(text_of([&] { tn::eval_into(dst, a + a); }), {"eval_into", "(3, 2)", "(2, 3)"}));
  CHECK(has(text_of([&] { dst = a; }), {"assign", "(3, 2)", "(2, 3)"}));
  CHECK(has(text_of([&] { dst += b; }), {"add", "(3, 2)", "(2, 4)"}));
  CHECK(out == std::vector<float>(6, 7.0f));
  CHECK_FALSE(text_of([&] { (void)tn::max<0>(tn::view(v.data(), tn::shape(0, 3))); }).empty());
}

TEST_CASE("An expression over a tensor that died is refused in checked builds") {
  if (!tn::checked_build) {
    WARN("this build does not check handles");
    return;
  }
  tn::PoolAllocator pool, results;
  std::optional<tn::Tensor<float, tn::Shape<tn::dyn>>> t;
  t.emplace(tn::ones<float>(tn::shape(5), pool));
  auto e = *t * 2.0f + *t;
  CHECK(tn::eval(e, results)(4) == 3.0f);
  SECTION("cleared") {
    pool.clear();
    CHECK_THROWS_AS(tn::eval(e, results), tn::StaleTensorError);
  }
  SECTION("destroyed") {
    t.reset();
    CHECK_THROWS_AS(tn::eval(e, results), tn::StaleTensorError);
  }
  SECTION("destroyed, and its block issued again") {
    t.reset();
    const auto other = tn::ones<float>(tn::shape(5), pool);
    CHECK_THROWS_AS(tn::eval(e, results), tn::StaleTensorError);
  }
  SECTION("reassigned") {
    *t = tn::ones<float>(tn::shape(5), pool);
    CHECK_THROWS_AS(tn::eval(e, results), tn::StaleTensorError);
  }
  SECTION("as a destination") {
    auto d = tn::ones<float>(tn::shape(5), results);
    results.clear();
    const auto fresh = tn::ones<float>(tn::shape(5), pool);
    CHECK_THROWS_AS(tn::eval_into(d, fresh + fresh), tn::StaleTensorError);
  }
}

TEST_CASE("An owned operand lives as long as the expression") {
  tn::PoolAllocator pool;
  const auto b = tn::ones<float>(tn::shape<3, 4>(), pool);
  const auto e = tn::ones<float>(tn::shape<3, 4>(), pool) * 2.0f + b;
  const auto r = tn::eval(e, pool), again = tn::eval(e, pool);
  CHECK(r(2, 3) == 3.0f);
  CHECK(again(0, 0) == 3.0f);
}

TEST_CASE("Small static results need no resource") {
  const auto v = values<float>(6, 1);
  const auto x = tn::view(v.data(), tn::shape<2, 3>());
  const auto r = tn::eval(x * x + x);
  static_assert(std::same_as<std::remove_const_t<decltype(r)>, tn::StaticTensor<float, 2, 3>>);
  CHECK(same_bits(r(1, 2), multiply_then_add(v[5], v[5], v[5])));
  Recorder recorder;
  const auto s = tn::eval(tn::softmax<1>(x), tn::scratch(recorder));
  CHECK(s(0, 0) + s(0, 1) + s(0, 2) == Approx(1));
  REQUIRE(recorder.requests.size() == 1);
  CHECK(recorder.requests[0].bytes == tn::plan_of<decltype(tn::softmax<1>(x))>.workspace_bytes);
}

TEST_CASE("Results and workspace come from the resources that are named for them") {
  Recorder results, work;
  const auto v = values<float>(30 * 30, 1);
  const auto x = tn::view(v.data(), tn::shape(30, 30));
  const auto e = tn::matmul(x, x);
  {
    const auto r = tn::eval(e, results, tn::scratch(work));
    REQUIRE(results.requests.size() == 1);
    CHECK(results.requests[0].bytes == 3600);
    REQUIRE(work.requests.size() == 1);
    CHECK(work.requests[0].bytes == tn::plan(e).workspace_bytes);
    CHECK(work.live == 0);
    CHECK(results.live == 1);
  }
  CHECK(results.live == 0);
  CHECK_FALSE(results.overrun);
  CHECK_FALSE(work.overrun);
}
