#include <tenon/tensor/tensor.hpp>

#include <tenon/memory/arena.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include "catch.hpp"
#include "models.hpp"
#include "probe.hpp"

#include <cstdint>
#include <limits>
#include <memory_resource>
#include <type_traits>
#include <utility>

using namespace tenon;
using namespace tenon::literals;

static_assert(!std::is_copy_constructible_v<Tensor<float, Shape<2>>>);
static_assert(!std::is_copy_assignable_v<Tensor<float, Shape<2>>>);
static_assert(std::is_nothrow_move_constructible_v<Tensor<float, Shape<2>>>);
static_assert(std::is_nothrow_move_assignable_v<Tensor<float, Shape<2>>>);
static_assert(std::is_nothrow_default_constructible_v<Tensor<float, Shape<2>>>);
static_assert(!ResourceArgument<PoolAllocator>, "a temporary resource would dangle");
static_assert(ResourceArgument<PoolAllocator&> && ResourceArgument<std::pmr::memory_resource*>);

namespace {

// A foreign resource that counts what it has given and fails when told.
class Counting final : public std::pmr::memory_resource {
 public:
  std::size_t live_bytes = 0;
  int allocations = 0;
  bool fails = false;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (fails) throw std::bad_alloc();
    ++allocations;
    live_bytes += bytes;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    live_bytes -= bytes;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

template <class S, class R>
Tensor<float, S> two_by_three(const S& shape, R& resource) {
  Tensor<float, S> x(shape, resource);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j) x(i, j) = static_cast<float>(10 * i + j);
  return x;
}

template <class S, class R>
void check_tensor(const S& shape, R& resource) {
  auto x = two_by_three(shape, resource);
  check_two_by_three(x);
  check_two_by_three(std::as_const(x));
  auto v = x.view();
  check_two_by_three(v);
  STATIC_REQUIRE(std::is_same_v<decltype(v), TensorView<float, S>>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::as_const(x).view()), TensorView<const float, S>>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::as_const(x)(0, 0)), const float&>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::as_const(x).data()), const float*>);
  CHECK(x.span().size() == 6);
  CHECK(std::as_const(x).span().data() == x.data());
  CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
  CHECK(x.resource() == &resource);
  CHECK(x.is_live());
  CHECK_THROWS_AS((Tensor<float, Shape<dyn>>(tenon::shape(4), resource).item()), ShapeError);
  auto copy = x.clone(resource);
  STATIC_REQUIRE(std::is_same_v<decltype(copy), Tensor<float, S>>);
  check_two_by_three(copy);
  CHECK(copy.data() != x.data());
}

template <class R>
void check_shapes(R& resource) {
  check_tensor(shape<2, 3>(), resource);
  check_tensor(shape(2, 3), resource);
  check_tensor(shape(2, 3_c), resource);
  check_tensor(Shape<upto<5>, 3>::from_extents({2, 3}), resource);
}

}  // namespace

TEST_CASE("a tensor keeps its promises in every resource and shape") {
  SECTION("pool") {
    PoolAllocator pool;
    check_shapes(pool);
  }
  SECTION("arena") {
    Arena arena;
    check_shapes(arena);
  }
  SECTION("foreign") {
    Counting foreign;
    check_shapes(foreign);
    CHECK(foreign.live_bytes == 0);
  }
  SECTION("behind the interface") {
    PoolAllocator pool;
    check_shapes(static_cast<std::pmr::memory_resource&>(pool));
  }
}

TEST_CASE("a tensor knows the stamp of its block, whatever it knew of its resource") {
  PoolAllocator pool;
  Counting foreign;
  const Tensor<float, Shape<dyn>> direct(shape(8), pool);
  const Tensor<float, Shape<dyn>> pointer(shape(8), static_cast<std::pmr::memory_resource*>(&pool));
  const Tensor<float, Shape<dyn>> pointer_to_pool(shape(8), &pool);
  const Tensor<float, Shape<dyn>> other(shape(8), foreign);
  for (const auto* x : {&direct, &pointer, &pointer_to_pool}) {
    CHECK(x->stamped_resource() == &pool);
    CHECK(x->stamp() == pool.stamp(x->data()));
    CHECK(x->stamp() != 0);
  }
  CHECK(other.stamped_resource() == nullptr);
  CHECK(other.stamp() == 0);
  CHECK(other.is_live());
}

TEST_CASE("destruction and move assignment give the block back") {
  Counting foreign;
  {
    Tensor<double, Shape<dyn>> a(shape(10), foreign);
    CHECK(foreign.live_bytes == 80);
    Tensor<double, Shape<dyn>> b(shape(3), foreign);
    CHECK(foreign.live_bytes == 104);
    const auto* block = b.data();
    a = std::move(b);
    CHECK(foreign.live_bytes == 24);
    CHECK(a.data() == block);
    CHECK(a.size() == 3);
    CHECK(b.size() == 0);
    CHECK(b.data() == nullptr);
    CHECK(b.shape() == shape(0));
    CHECK(b.resource() == nullptr);
    a = Tensor<double, Shape<dyn>>(shape(5), foreign);
    CHECK(foreign.live_bytes == 40);
    auto& self = a;
    a = std::move(self);
    CHECK(a.size() == 5);
    CHECK(foreign.live_bytes == 40);
  }
  CHECK(foreign.live_bytes == 0);
  CHECK(foreign.allocations == 3);
}

TEST_CASE("an empty tensor has size 0 and no live elements that its type promises") {
  Tensor<float, Shape<2, 3>> fixed;
  const Tensor<float, Shape<dyn, 3>> dynamic;
  CHECK(fixed.size() == 0);
  CHECK(fixed.data() == nullptr);
  CHECK(fixed.resource() == nullptr);
  CHECK_FALSE(fixed.is_live());
  CHECK(dynamic.size() == 0);
  CHECK(dynamic.is_live());
  CHECK_THROWS_WITH(fixed.at(0, 0),
                    "at: the tensor of shape (2, 3) is empty: default-constructed or moved from");
  CHECK_THROWS_AS(fixed.view<true>(), StaleTensorError);
  CHECK(dynamic.view<true>().size() == 0);
}

TEST_CASE("tensors of size 0 allocate nothing, rank 0 holds one element") {
  Counting foreign;
  {
    const Tensor<float, Shape<0, 3>> fixed({}, foreign);
    const Tensor<float, Shape<dyn, dyn>> dynamic(shape(4, 0), foreign);
    CHECK(foreign.allocations == 0);
    CHECK(fixed.size() == 0);
    CHECK(dynamic.shape() == shape(4, 0));
    CHECK(dynamic.resource() == &foreign);
    CHECK(dynamic.span().empty());
    CHECK(dynamic.is_live());
    CHECK(dynamic.clone(foreign).shape() == shape(4, 0));
    CHECK_THROWS_AS(dynamic.at(0, 0), ContractError);
    Tensor<int, Shape<>> scalar({}, foreign);
    scalar() = 5;
    CHECK(scalar.item() == 5);
    CHECK(foreign.live_bytes == sizeof(int));
  }
  CHECK(foreign.live_bytes == 0);
}

TEST_CASE("a failing allocation leaves nothing behind") {
  Counting foreign;
  foreign.fails = true;
  CHECK_THROWS_AS((Tensor<float, Shape<dyn>>(shape(4), foreign)), std::bad_alloc);
  CHECK(foreign.live_bytes == 0);

  alignas(64) std::byte buffer[256];
  FixedBufferAllocator fixed{std::span<std::byte>(buffer)};
  CHECK_THROWS_AS((Tensor<double, Shape<dyn>>(shape(1000), fixed)), OutOfMemory);
  const Tensor<double, Shape<dyn>> fits(shape(8), fixed);
  CHECK(fits.is_live());

  constexpr auto huge = std::numeric_limits<index_t>::max();
  CHECK_THROWS_WITH((Tensor<double, Shape<dyn>>(shape(huge), foreign)),
                    "Tensor: 9223372036854775807 elements of 8 B do not fit the address space");
}

TEST_CASE("a tensor whose pool was cleared is stale: harmless to destroy, refused when read") {
  PoolAllocator pool;
  {
    auto x = two_by_three(shape(2, 3), pool);
    const auto& read_only = x;
    pool.clear();
    CHECK_FALSE(x.is_live());
    const auto stale =
        "operator(): the tensor of shape (2, 3) is stale: its memory resource was cleared or "
        "reset, or its block given back, since it was made";
    CHECK_THROWS_WITH(x.operator()<true>(0, 0), stale);
    CHECK_THROWS_WITH(read_only.operator()<true>(0, 0), stale);
    CHECK_THROWS_AS(x.at(0, 0), StaleTensorError);
    CHECK_THROWS_AS(read_only.at(0, 0), StaleTensorError);
    CHECK_THROWS_AS(x.view<true>(), StaleTensorError);
    CHECK_THROWS_AS(read_only.view<true>(), StaleTensorError);
    CHECK_THROWS_AS(x.span<true>(), StaleTensorError);
    CHECK_THROWS_AS(read_only.span<true>(), StaleTensorError);
    CHECK_THROWS_AS((x.clone<PoolAllocator&, true>(pool)), StaleTensorError);
    CHECK_THROWS_AS(x.item<true>(), StaleTensorError);
    const auto reused = two_by_three(shape(2, 3), pool);
    CHECK(reused.is_live());
    CHECK_FALSE(x.is_live());
  }
  const auto after = two_by_three(shape(2, 3), pool);
  CHECK(after(1, 2) == 12);
}

TEST_CASE("a tensor whose arena was reset is stale") {
  Arena arena;
  auto x = two_by_three(shape<2, 3>(), arena);
  arena.reset();
  CHECK_FALSE(x.is_live());
  CHECK_THROWS_AS(x.at(0, 0), StaleTensorError);
  x = two_by_three(shape<2, 3>(), arena);
  check_two_by_three(x);
}

TEST_CASE("implicit conversion of a stale tensor is access") {
  if constexpr (checked_build) {
    Arena arena;
    auto x = two_by_three(shape<2, 3>(), arena);
    arena.reset();
    const auto convert = [](TensorView<const float, Shape<2, 3>> v) { return v.size(); };
    CHECK_THROWS_AS(convert(x), StaleTensorError);
    CHECK_THROWS_AS(x(0, 0), StaleTensorError);
  }
}

namespace {
struct Sample {
  int channel = 7;
  float level = 0.5F;
};
}  // namespace

TEST_CASE("elements that are not trivial to make are made") {
  Counting foreign;
  const Tensor<Sample, Shape<dyn>> x(shape(3), foreign);
  for (const auto& sample : x.span()) {
    CHECK(sample.channel == 7);
    CHECK(sample.level == 0.5F);
  }
}

TEST_CASE("compound assignment goes through the view") {
  PoolAllocator pool;
  Tensor<short, Shape<dyn>> x(shape(3), pool);
  CHECK(&(x += probe::Expression{}) == &x);
  CHECK(x(2) == 1);
  CHECK((x -= probe::Expression{})(2) == 2);
  CHECK((x *= probe::Expression{})(2) == 3);
  CHECK((x /= probe::Expression{})(2) == 4);
}
