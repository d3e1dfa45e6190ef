#pragma once
// The elementwise operators, by name.

#include <tenon/engine/operator.hpp>

#include <span>

namespace tenon::detail {

struct NamedOperator {
  const char* name;
  const Operator* op;
};

// In static storage. Aliases ("Relu", "ReLU") are entries of their own.
[[nodiscard]] std::span<const NamedOperator> elementwise_operators() noexcept;

}  // namespace tenon::detail
