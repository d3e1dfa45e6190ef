// Plans are constants: array bounds, static_assert, Workspace. Compiling this file is the test.

#include <tenon/tenon.hpp>

namespace {

using namespace tenon;

template <index_t... E>
using View = TensorView<const float, Shape<E...>>;

// Elementwise work needs nothing but its result.
using Fused = decltype(std::declval<View<10, 100>&>() * 2 + std::declval<View<100>&>());
constexpr auto fused = plan_of<Fused>;
static_assert(fused.workspace_bytes == 0 && fused.stages == 1 && fused.temporaries == 0);
static_assert(fused.result_bytes == 4000 && fused.peak_bytes == 4032);
static_assert(fused.workspace_bytes_if_aliased == 4000);

// The bytes of a plan as an array bound, and as storage.
using Products =
    decltype(matmul(matmul(std::declval<View<8, 16>&>(), std::declval<View<16, 16>&>()),
                    std::declval<View<16, 4>&>()));
alignas(workspace_alignment) std::byte buffer[plan_of<Products>.workspace_bytes];
static_assert(sizeof(Workspace<Products>) == sizeof buffer);
static_assert(alignof(Workspace<Products>) == workspace_alignment);
static_assert(plan_of<Products>.stages == 2 && plan_of<Products>.temporaries == 1);
static_assert(plan_of<Products>.workspace_bytes >= 8 * 16 * sizeof(float));

// Epilogues and producers cost no stage.
using Layer = decltype(relu(matmul(std::declval<View<8, 16>&>(), std::declval<View<16, 4>&>()) +
                            std::declval<View<4>&>()));
static_assert(plan_of<Layer>.stages == 1);
static_assert(
    plan_of<Layer>.workspace_bytes ==
    plan_of<decltype(matmul(std::declval<View<8, 16>&>(), std::declval<View<16, 4>&>()))>.workspace_bytes);
using Norm = decltype(sum<1>(square(std::declval<View<8, 16>&>())));
static_assert(plan_of<Norm>.stages == 1 && plan_of<Norm>.workspace_bytes == 0);

// Bounded extents count at their bound.
using Ragged = decltype(softmax<-1>(std::declval<TensorView<const float, Shape<upto<100>>>&>()));
using Full = decltype(softmax<-1>(std::declval<View<100>&>()));
static_assert(plan_of<Ragged>.workspace_bytes == plan_of<Full>.workspace_bytes);
static_assert(plan_of<Ragged>.result_bytes == 400);

// A plan is data: every node has its record, and every stage its reason.
static_assert(plan_of<Layer>.records[0].kind == Kind::map);
static_assert(plan_of<Layer>.structure.reason[0] == Reason::result);
static_assert(plan_of<Layer>.records[0].threads == 1);

[[maybe_unused]] std::byte* use = buffer;

}  // namespace
