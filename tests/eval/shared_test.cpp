// share(): computed once where all uses read the same, each by itself where not, the same result always.

#include "catch.hpp"
#include "heap_trap.hpp"
#include "naive.hpp"

#include <tenon/eval/prepare.hpp>
#include <tenon/expr/share.hpp>
#include <tenon/memory/arena.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <algorithm>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;
using tenon::support::HeapTrap;

namespace {

constexpr index_t n = 16;  // no partial packs of float, so calls are elements
using Fixed = tn::Shape<n, n>;

int calls = 0;
struct Counting {
  float operator()(float v) const noexcept {
    ++calls;
    return v * 0.5F + 1.0F;
  }
};

template <class S>
struct Operands {
  S shape = S::from_extents({n, n});
  std::vector<float> a = values<float>(n * n, 1), b = values<float>(n * n, 2);
  tn::TensorView<float, S> x{a.data(), shape}, y{b.data(), shape};
};

// The calls of Counting in eval(e), which has the values of `expected`.
template <class E, class Expected>
int calls_of(const E& e, const Expected& expected) {
  Recorder resource, scratch;
  const auto wanted = tn::eval(expected, resource);
  calls = 0;
  const auto r = tn::eval(e, resource, tn::scratch(scratch));
  const int count = calls;
  CHECK(std::ranges::equal(r.span(), wanted.span()));
  CHECK_FALSE(scratch.overrun);
  return count;
}

}  // namespace

TEMPLATE_TEST_CASE("Uses that read the same are computed once", "", Fixed,
                   (tn::Shape<tn::dyn, tn::dyn>)) {
  Operands<TestType> o;
  const auto v = tn::map(Counting{}, o.x + o.y);
  const auto h = tn::share(v);
  CHECK(calls_of(h * h, v * v) == n * n);                          // in registers
  CHECK(calls_of(h + tn::sum<0>(h), v + tn::sum<0>(v)) == n * n);  // in a slot
  CHECK(calls_of(tn::matmul(h, h) + tn::transpose(h), tn::matmul(v, v) + tn::transpose(v)) ==
        n * n);
  CHECK(calls_of(h, v) == n * n);
  const auto outer = tn::share(h * 2.0F);  // a share of a share
  CHECK(calls_of(tn::transpose(outer) * h + outer, tn::transpose(v * 2.0F) * v + v * 2.0F) ==
        n * n);
  const auto again = tn::share(tn::map(Counting{}, o.x + o.y));  // another handle on the same
  CHECK(calls_of(h * again, v * v) == n * n);
}

TEST_CASE("Equal types prove nothing: uses that read something else are computed by themselves") {
  Operands<Fixed> o;
  const auto v = tn::map(Counting{}, o.x), w = tn::map(Counting{}, o.y);
  static_assert(std::is_same_v<decltype(tn::share(v)), decltype(tn::share(w))>);
  CHECK(calls_of(tn::share(v) * tn::share(w), v * w) == 2 * n * n);
  CHECK(calls_of(tn::share(v) * tn::share(v), v * v) == n * n);
  // Numbers, offsets and functors with a state tell them apart.
  const auto scaled = [&](float f) { return tn::share(tn::map(Counting{}, o.x * f)); };
  CHECK(calls_of(scaled(2) + scaled(2), tn::map(Counting{}, o.x * 2.0F) * 2.0F) == n * n);
  CHECK(calls_of(scaled(2) + scaled(3),
                 tn::map(Counting{}, o.x * 2.0F) + tn::map(Counting{}, o.x * 3.0F)) == 2 * n * n);
  const auto row = [&](index_t i) { return tn::share(tn::map(Counting{}, tn::slice(o.x, i))); };
  CHECK(calls_of(row(1) + row(1), tn::map(Counting{}, tn::slice(o.x, 1)) * 2.0F) == n);
  CHECK(calls_of(row(1) + row(2), tn::map(Counting{}, tn::slice(o.x, 1)) +
                                      tn::map(Counting{}, tn::slice(o.x, 2))) == 2 * n);
  const auto inner = [&](index_t i) {
    return tn::share(tn::map(Counting{}, tn::slice(o.x + o.y, i)));
  };
  CHECK(calls_of(inner(1) * inner(2), tn::map(Counting{}, tn::slice(o.x + o.y, 1)) *
                                          tn::map(Counting{}, tn::slice(o.x + o.y, 2))) == 2 * n);
  CHECK(calls_of(inner(3) - inner(3), inner(3) * 0.0F) == n);
}

TEST_CASE("What reads the name of a let is not moved out of it") {
  Operands<Fixed> o;
  const auto e = tn::let(tn::map(Counting{}, o.x), [](auto v) {
    const auto h = tn::share(tn::square(v));
    return h * h + v;
  });
  const auto v = tn::map(Counting{}, o.x);
  CHECK(calls_of(e, tn::square(v) * tn::square(v) + v) == n * n);
}

TEST_CASE("Both plans are constants") {
  Operands<Fixed> o;
  const auto h = tn::share(tn::map(Counting{}, o.x + o.y));
  const auto registers = h * h;
  static_assert(tn::plan_of<decltype(registers)>.workspace_bytes == 0);
  static_assert(tn::shared_plan_of<decltype(registers)>.workspace_bytes == 0);
  const auto slot = h + tn::transpose(h);
  static_assert(tn::plan_of<decltype(slot)>.stages == 1);
  static_assert(tn::plan_of<decltype(slot)>.workspace_bytes == n * n * 4);  // whichever runs
  static_assert(tn::plan_of<decltype(slot)>.peak_bytes == 2 * n * n * 4);
  static_assert(tn::plan_of<decltype(slot)>.workspace_bytes_if_aliased == 2 * n * n * 4);
  static_assert(tn::shared_plan_of<decltype(slot)>.workspace_bytes == n * n * 4);

  // The workspace taken is that of the plan that runs.
  Recorder results, scratch;
  {
    const auto shared = tn::eval(slot, results, tn::scratch(scratch));
    REQUIRE(scratch.requests.size() == 1);
    CHECK(scratch.requests[0].bytes == n * n * 4);
    const auto apart = tn::share(tn::map(Counting{}, o.x + o.y)) +
                       tn::transpose(tn::share(tn::map(Counting{}, o.y + o.x)));
    const auto other = tn::eval(apart, results, tn::scratch(scratch));
    CHECK(scratch.requests.size() == 1);
  }
}

TEST_CASE("Into a destination, with the workspace that is there") {
  Operands<Fixed> o;
  const auto h = tn::share(tn::map(Counting{}, o.x + 1.0F));
  std::vector<float> r(n * n), expected(n * n);
  const auto z = tn::view(r.data(), Fixed{}), w = tn::view(expected.data(), Fixed{});
  tn::PoolAllocator pool;
  const auto count = [&](const auto& f) {
    calls = 0;
    f();
    return calls;
  };
  const auto slot = h - tn::transpose(h);
  tn::eval_into(z, slot, tn::scratch(pool));
  HeapTrap trap;
  CHECK(count([&] { tn::eval_into(z, slot, tn::scratch(pool)); }) == n * n);
  const auto heap_calls = trap.stop();
  CHECK(heap_calls == 0);
  static tn::Workspace<std::remove_cvref_t<decltype(slot)>> workspace;  // for either plan
  CHECK(count([&] { tn::eval_into(w, slot, workspace); }) == n * n);
  CHECK(r == expected);
  CHECK(count([&] { tn::eval_into(w, slot); }) == 2 * n * n);
  CHECK(r == expected);
  CHECK(count([&] { tn::eval_into(z, h * h); }) == n * n);  // registers need none
  auto program = tn::prepare(w, h * h);
  CHECK(count([&] { program.run(); }) == 2 * n * n);
  CHECK(r == expected);
  tn::eval_into(o.x, h - tn::transpose(h), tn::scratch(pool));  // into its own operand
  tn::eval_into(z, slot * 0.0F, tn::scratch(pool));
}

namespace {

// True where eval(e) does with a workspace of so many bytes.
template <class E>
bool fits(const E& e, std::size_t bytes) {
  alignas(tn::workspace_alignment) static std::byte memory[16 * 1024];
  REQUIRE(bytes <= sizeof memory);
  tn::Arena results;
  tn::FixedBufferAllocator exactly(std::span(memory, bytes));
  try {
    static_cast<void>(tn::eval(e, results, tn::scratch(exactly)));
  } catch (const tn::OutOfMemory&) {
    return false;
  }
  return true;
}

}  // namespace

TEMPLATE_TEST_CASE("The workspace of the plan suffices whatever is shared", "", Fixed,
                   (tn::Shape<tn::dyn, tn::dyn>)) {
  Operands<TestType> o;
  const auto h = [](const auto& x) { return tn::share(tn::exp(x) + 1.0F); };
  const auto g = [](const auto& x) { return tn::share(tn::sqrt(x * x)); };
  const auto of = [&](const auto& p, const auto& q, const auto& r, const auto& s) {
    return tn::matmul(h(p), tn::transpose(h(q))) + tn::transpose(g(r)) * g(s);
  };
  // Which of the two shares agree: neither, one, the other, both. All have one type.
  const auto check = [](const auto& e) {
    const std::size_t bytes = tn::plan(e).workspace_bytes;
    CHECK(fits(e, bytes));
    if constexpr (TestType::is_static) {
      using E = decltype(e);
      static_assert(tn::plan_of<E>.workspace_bytes >= tn::shared_plan_of<E>.workspace_bytes);
      static_assert(tn::Workspace<E>::size_bytes == tn::plan_of<E>.workspace_bytes);
    } else {
      CHECK((bytes == 0 || !fits(e, bytes - 1)));  // what this one takes
    }
  };
  check(of(o.x, o.y, o.x, o.y));
  check(of(o.x, o.x, o.x, o.y));
  check(of(o.x, o.y, o.x, o.x));
  check(of(o.x, o.x, o.y, o.y));
}
