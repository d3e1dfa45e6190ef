#pragma once
// All operators that Tenon brings.

#include <tenon/engine/operator_registry.hpp>

#include "elementwise_operators.hpp"

namespace tenon::detail {

void register_contractions(OperatorRegistry& registry);
void register_convolution(OperatorRegistry& registry);
void register_axis_operators(OperatorRegistry& registry);
void register_movement_operators(OperatorRegistry& registry);

inline void register_built_in_operators(OperatorRegistry& registry) {
  for (const NamedOperator& named : elementwise_operators()) registry.add(named.name, named.op);
  register_contractions(registry);
  register_convolution(registry);
  register_axis_operators(registry);
  register_movement_operators(registry);
}

}  // namespace tenon::detail
