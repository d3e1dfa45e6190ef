// StaticTensor in constant expressions. Compiling this file is the test.

#include <tenon/tenon.hpp>

#include <type_traits>

namespace {

using namespace tenon;
using namespace tenon::literals;

constexpr StaticTensor<int, 2, 3> grid{{1, 2, 3}, {4, 5, 6}};
static_assert(grid(1, 2) == 6 && grid.size() == 6 && grid.extent(-1) == 3);
static_assert(grid.shape() == shape(2_c, 3_c));

constexpr int trace(StaticTensor<int, 2, 2> m) { return m(0, 0) + m(1, 1); }
static_assert(trace({{1, 2}, {3, 4}}) == 5);
static_assert(sizeof(grid) == 6 * sizeof(int));

// Evaluating small static shapes without a resource gives one.
using Sum = decltype(eval(std::declval<const StaticTensor<int, 2, 3>&>() + 1));
static_assert(std::is_same_v<Sum, StaticTensor<int, 2, 3>>);
using Total = decltype(eval(sum(std::declval<const StaticTensor<int, 2, 3>&>())));
static_assert(std::is_same_v<Total, StaticTensor<std::int64_t>>);

}  // namespace
