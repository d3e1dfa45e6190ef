// Prepared programs: the values of eval_into, without its checks, its allocations or its planning.

#include "catch.hpp"
#include "heap_trap.hpp"
#include "naive.hpp"

#include <tenon/eval/prepare.hpp>
#include <tenon/memory/arena.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>
#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/factories.hpp>

#include <optional>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;
using namespace tenon::literals;
using tenon::support::HeapTrap;

namespace {

using Square = tn::Shape<tn::dyn, tn::dyn>;
constexpr index_t n = 19;

// Two blocks of n × n values as views of shape S, and what eval makes of an expression of them.
template <class S = Square>
struct Operands {
  S shape;
  std::vector<float> a = values<float>(n * n, 1), b = values<float>(n * n, 2),
                     c = std::vector<float>(n * n, -7.0F);
  tn::TensorView<float, S> x{a.data(), shape}, y{b.data(), shape}, z{c.data(), shape};
  explicit Operands(const S& s = S::from_extents({n, n})) : shape(s) {}
};

// A functor that may throw, one that does not, and one that takes numbers alone.
struct Loud {
  auto operator()(const auto& v) const { return v + v; }
};
struct Quiet {
  auto operator()(const auto& v) const noexcept { return v + v; }
};
struct OfNumbers {
  float operator()(float v) const noexcept { return v; }
};
struct LoudOfNumbers {
  float operator()(float v) const { return v; }
};

}  // namespace

TEMPLATE_TEST_CASE("A program runs as often as wanted, with the bits of eval_into", "", Square,
                   (tn::Shape<n, n>), (tn::Shape<tn::upto<n>, n>),
                   (tn::Shape<tn::upto<40>, tn::dyn>)) {
  Operands<TestType> o;
  std::vector<float> expected(n * n);
  const auto target = tn::view(expected.data(), o.shape);
  Recorder resource;
  const auto check = [&](const auto& e) {
    resource.requests.clear();
    const std::size_t bytes = tn::plan(e).workspace_bytes;
    {
      auto program = tn::prepare(o.z, e, tn::scratch(resource));
      CHECK(resource.requests.size() == (bytes > 0 ? 1 : 0));
      CHECK(program.workspace_bytes() == bytes);
      for (int round = 0; round < 3; ++round) {
        for (float& v : o.a) v += 0.5F;
        tn::eval_into(target, e, tn::scratch(resource));
        const auto requests = resource.requests.size();
        HeapTrap trap;
        program.run();
        const auto calls = trap.stop();
        CHECK(calls == 0);
        CHECK(resource.requests.size() == requests);
        CHECK(o.c == expected);
      }
      CHECK(resource.live == (bytes > 0 ? 1 : 0));
    }
    CHECK(resource.live == 0);
    CHECK_FALSE(resource.overrun);
    if (bytes > 0 && TestType::is_static) CHECK(resource.requests[0].last_byte_written);
  };
  check(o.x * o.y + o.x);
  check(tn::relu(tn::matmul(o.x, o.y) + o.y));
  check(tn::matmul(tn::matmul(o.x, o.y), tn::transpose(o.x) + 1.0F));
  check(tn::softmax<1>(tn::matmul(o.x, o.y)) + tn::sum<0>(o.x));
  check(tn::let(tn::matmul(o.x, o.y), [](auto h) { return tn::matmul(h, h) + h; }));
}

TEST_CASE("A program owns its workspace, wherever it moves") {
  Operands o;
  Recorder resource;
  auto program = tn::prepare(o.z, tn::matmul(tn::exp(o.x), o.y), tn::scratch(resource));
  using Program = decltype(program);
  static_assert(std::is_nothrow_move_constructible_v<Program>);
  static_assert(!std::is_copy_constructible_v<Program>);
  REQUIRE(resource.live == 1);
  {
    std::optional<Program> held(std::move(program));
    CHECK(resource.live == 1);
    held->run();
    const auto first = o.c;
    tn::eval_into(o.z, tn::matmul(tn::exp(o.x), o.y), tn::scratch(resource));
    CHECK(first == o.c);
  }
  CHECK(resource.live == 0);
}

TEST_CASE("A program holds the tensors that were moved into its expression") {
  tn::Arena arena;
  Operands o;
  auto make = [&] {
    auto owned = tn::full(tn::shape(n, n), 3.0F, arena);
    return tn::prepare(o.z, std::move(owned) * o.x, tn::scratch(arena));
  };
  auto program = make();
  program.run();
  CHECK(o.c[5] == 3.0F * o.a[5]);
  tn::StaticTensor<float, 2, 2> s{{1, 2}, {3, 4}};
  float r[4] = {};
  const auto target = tn::view(r, tn::shape<2, 2>());
  std::optional moved(tn::prepare(target, std::move(s) + 1.0F));
  auto again = std::move(*moved);
  moved.reset();
  again.run();
  CHECK(r[3] == 5);
}

TEST_CASE("run is noexcept where the functors are") {
  Operands<tn::Shape<n, n>> o;
  Recorder resource;
  const auto is_noexcept = [&](const auto& e) {
    auto program = tn::prepare(o.z, e, tn::scratch(resource));
    return noexcept(program.run());
  };
  CHECK(is_noexcept(tn::softmax<1>(tn::matmul(o.x, o.y)) / (1.0F + tn::exp(-o.x))));
  CHECK(is_noexcept(tn::where(o.x < o.y, tn::sqrt(o.x), tn::pow(o.x, o.y))));
  CHECK(is_noexcept(tn::map(Quiet{}, o.x)));
  CHECK(is_noexcept(tn::map(OfNumbers{}, o.x)));
  CHECK_FALSE(is_noexcept(tn::map(Loud{}, o.x)));
  CHECK_FALSE(is_noexcept(tn::map(LoudOfNumbers{}, o.x)));
  CHECK_FALSE(is_noexcept(tn::matmul(o.y, o.x + tn::map(Loud{}, o.x))));
}

TEST_CASE("A program in storage of its user's, and one that needs none") {
  Operands<tn::Shape<n, n>> o;
  const auto e = tn::matmul(o.x + o.y, o.y);
  using E = std::remove_cvref_t<decltype(e)>;
  static tn::Workspace<E> workspace;
  auto program = tn::prepare(o.z, e, workspace);
  static_assert(noexcept(program.run()));
  CHECK(program.workspace_bytes() == tn::plan_of<E>.workspace_bytes);
  program.run();
  const auto first = o.c;
  tn::eval_into(o.z, e, workspace);
  CHECK(first == o.c);

  auto plain = tn::prepare(o.z, o.x + o.y);
  plain.run();
  CHECK(o.c[7] == o.a[7] + o.b[7]);
  CHECK(plain.workspace_bytes() == 0);
  Operands d;
  CHECK_THROWS_AS(tn::prepare(d.z, tn::matmul(tn::matmul(d.x, d.y), d.y)), tn::ContractError);
}

TEST_CASE("A destination that overlaps gets the room of a copy, once") {
  Operands o;
  const auto before = o.a;
  Recorder resource;
  const auto e = tn::matmul(o.x, o.y) + o.x;
  auto program = tn::prepare(o.x, e, tn::scratch(resource));
  CHECK(program.is_aliased());
  CHECK(program.workspace_bytes() == tn::plan(e).workspace_bytes_if_aliased);
  program.run();
  const auto first = o.a;
  program.run();
  o.c = before;
  tn::eval_into(o.z, tn::matmul(o.z, o.y) + o.z, tn::scratch(resource));
  CHECK(first == o.c);
  tn::eval_into(o.z, tn::matmul(o.z, o.y) + o.z, tn::scratch(resource));
  CHECK(o.a == o.c);

  const auto vouched = tn::prepare(tn::noalias(o.x), o.y + tn::flip<0>(o.x) * 0.0F);
  CHECK_FALSE(vouched.is_aliased());
}

TEST_CASE("Workspace<E, aliased> has the room of a copy, Workspace<E> has not") {
  Operands<tn::Shape<n, n>> o;
  const auto e = tn::matmul(o.x, o.y) + o.x;
  using E = std::remove_cvref_t<decltype(e)>;
  static tn::Workspace<E> small;
  static tn::Workspace<E, tn::aliased> large;
  static_assert(large.size_bytes == tn::plan_of<E>.workspace_bytes_if_aliased);
  const auto before = o.a;
  CHECK_THROWS_AS(tn::prepare(o.x, e, small), tn::ContractError);
  CHECK(o.a == before);
  auto program = tn::prepare(o.x, e, large);
  CHECK(program.is_aliased());
  program.run();
  o.c = before;
  Recorder resource;
  tn::eval_into(o.z, tn::matmul(o.z, o.y) + o.z, tn::scratch(resource));
  CHECK(o.a == o.c);
}

TEST_CASE("What prepare cannot do it refuses, with everything as it was") {
  Operands o;
  Recorder resource;
  const auto before = o.c;
  const auto wide = tn::view(o.b.data(), tn::shape(n * n));
  CHECK_THROWS_AS(
      tn::prepare(tn::view(o.c.data(), tn::shape(n, 2)), o.x + o.y, tn::scratch(resource)),
      tn::ShapeError);
  CHECK_THROWS_AS(tn::prepare(tn::view(o.c.data(), tn::shape(n * n - 1)), wide * 2.0F),
                  tn::ShapeError);
  resource.fail_at = 0;
  CHECK_THROWS_AS(tn::prepare(o.z, tn::matmul(tn::matmul(o.x, o.y), o.y), tn::scratch(resource)),
                  std::bad_alloc);
  CHECK(o.c == before);
  CHECK(resource.live == 0);
}

TEST_CASE("A program whose resource was cleared gives nothing back twice") {
  Operands o;
  tn::PoolAllocator pool;
  {
    auto program = tn::prepare(o.z, tn::matmul(tn::matmul(o.x, o.y), o.y), tn::scratch(pool));
    program.run();
    pool.clear();
    if constexpr (tn::checked_build) CHECK_THROWS_AS(program.check(), tn::StaleTensorError);
  }
  CHECK(pool.stats().live_bytes == 0);
}

TEST_CASE("Operands and destinations that died are told by check (checked builds)") {
  if constexpr (tn::checked_build) {
    tn::PoolAllocator pool, other;
    auto x = tn::ones<float>(tn::shape(4), pool);
    auto y = tn::ones<float>(tn::shape(4), other);
    auto program = tn::prepare(y, x + 1.0F);
    program.check();
    other.clear();
    CHECK_THROWS_AS(program.check(), tn::StaleTensorError);
    auto z = tn::ones<float>(tn::shape(4), other);
    program.rebind(tn::destination(z));
    program.check();
    pool.clear();
    CHECK_THROWS_AS(program.check(), tn::StaleTensorError);
  }
}
