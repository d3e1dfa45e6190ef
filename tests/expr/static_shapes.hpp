#pragma once
// Operands that no memory is needed for, and what shapes come of them: for facts that the compiler checks.

#include <tenon/expr/node.hpp>
#include <tenon/tensor/view.hpp>

#include <concepts>

namespace static_shapes {

template <tenon::index_t... E>
using View = tenon::TensorView<const float, tenon::Shape<E...>>;
template <class E, tenon::index_t... X>
constexpr bool has_shape = std::same_as<tenon::shape_t<E>, tenon::Shape<X...>>;

}  // namespace static_shapes
