// Tensors whose type is known at run time.

#include "naive_tensors.hpp"

#include <tenon/memory/arena.hpp>
#include <tenon/tensor/factories.hpp>
#include <tenon/tensor/static_tensor.hpp>

namespace tn = tenon;
using namespace tenon::test;

TEST_CASE("an AnyTensor owns one aligned block and gives it back", "[engine]") {
  tn::TrackingAllocator memory;
  {
    tn::AnyTensor x({tn::DType::float64, {3, 5}}, &memory);
    CHECK(memory.stats().live_bytes == 120);
    CHECK(x.bytes() == 120);
    CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
    x.fill(2.5);
    x.at<double>({2, 4}) = 7;
    CHECK(x.elements<double>()[14] == 7);
    const tn::AnyTensor y = std::move(x);
    CHECK(x.type().size() == 0);
    CHECK(x.data() == nullptr);
    CHECK(y.at<double>({1, 1}) == 2.5);
    CHECK(memory.stats().allocations == 1);
    tn::AnyTensor z({tn::DType::int8, {4}}, &memory);
    z = {};
    CHECK(memory.stats().live_count == 1);
  }
  CHECK(memory.stats().live_bytes == 0);
}

TEST_CASE("an AnyTensor is a view of known type where type and shape fit", "[engine]") {
  auto x = some<float>({4, 3}, 1);
  const auto view = x.view<float, tn::Shape<tn::dyn, 3>>();
  view(3, 2) = 9;
  CHECK(x.at<float>({3, 2}) == 9);
  const auto& constant = x;
  CHECK(constant.view<float, tn::Shape<4, 3>>().data() == x.data());
  CHECK(message_of<tn::DTypeError>([&] { static_cast<void>(x.view<double, tn::Shape<4, 3>>()); }) ==
        "view: float32[4, 3] has no elements of float64");
  CHECK(message_of<tn::ShapeError>([&] {
          static_cast<void>(x.view<float, tn::Shape<tn::dyn>>());
        }) == "view: float32[4, 3] has rank 2, (dyn,) has 1");
  CHECK_THROWS_AS((x.view<float, tn::Shape<4, 4>>()), tn::ShapeError);
}

TEST_CASE("values go in and out with their number and type checked", "[engine]") {
  tn::AnyTensor x({tn::DType::float32, {2, 2}}, std::pmr::new_delete_resource());
  x.copy_from<float>({1, 2, 3, 4});
  std::vector<float> out(4);
  x.copy_to<float>(out);
  CHECK(out == std::vector<float>{1, 2, 3, 4});
  CHECK(message_of<tn::ShapeError>([&] { x.copy_from<float>({1, 2, 3}); }) ==
        "AnyTensor: float32[2, 2] has 4 elements, not 3");
  CHECK(message_of<tn::DTypeError>([&] { x.fill(1.0); }) ==
        "AnyTensor: float32[2, 2] has no elements of float64");
  CHECK(message_of<tn::ContractError>([&] { static_cast<void>(x.at<float>({1, 2})); }) ==
        "AnyTensor::at: index (1, 2) is outside the shape (2, 2)");
  CHECK_THROWS_AS(x.at<float>({1}), tn::ContractError);
  CHECK_THROWS_AS(x.at<float>({-1, 0}), tn::ContractError);
}

TEST_CASE("views of tensors of every kind have their type and place", "[engine]") {
  auto owned = tn::zeros<float>(tn::shape(2, 3), std::pmr::new_delete_resource());
  tn::StaticTensor<double, 4> fixed{1, 2, 3, 4};
  const tn::AnyView a = owned;
  CHECK(a.type() == tn::TensorType(tn::DType::float32, {2, 3}));
  CHECK(a.data() == owned.data());
  const tn::ConstAnyView b = fixed, c = a, d = std::as_const(owned), e = owned.view();
  CHECK(b.type() == tn::TensorType(tn::DType::float64, {4}));
  CHECK(c.data() == owned.data());
  CHECK(d.data() == e.data());
  CHECK(c.bytes().size() == 24);
  CHECK(b.view<double, tn::Shape<4>>()(2) == 3);
  static_assert(!std::is_convertible_v<const tn::Tensor<float, tn::Shape<3>>&, tn::AnyView>);
  static_assert(!std::is_convertible_v<tn::Tensor<float, tn::Shape<3>>, tn::ConstAnyView>);
  static_assert(!std::is_convertible_v<tn::AnyTensor, tn::ConstAnyView>);
  static_assert(!std::is_convertible_v<tn::ConstAnyView, tn::AnyView>);
}

TEST_CASE("memory becomes a view where its size and alignment fit", "[engine]") {
  alignas(8) std::byte memory[32] = {};
  const tn::TensorType type(tn::DType::float64, {3});
  const std::span<const std::byte> bytes(memory);
  CHECK(tn::ConstAnyView(type, bytes.first(24)).data() == memory);
  CHECK(message_of<tn::ShapeError>([&] { tn::ConstAnyView(type, bytes); }) ==
        "view: float64[3] needs 24 B; the memory has 32 B");
  CHECK_THROWS_AS(tn::ConstAnyView(type, bytes.subspan(4, 24)), tn::ContractError);
}

TEST_CASE("a stale AnyTensor of an arena leaves the arena alone", "[engine]") {
  tn::Arena arena;
  const tn::AnyTensor x({tn::DType::float32, {8}}, &arena);
  arena.reset();
  CHECK(x.type().size() == 8);  // its destructor finds that the block is gone
}
