#pragma once
// Graph: operators joined by the names of the tensors between them, with the shapes of all of them.

#include <tenon/engine/any_view.hpp>
#include <tenon/engine/attributes.hpp>
#include <tenon/engine/operator.hpp>
#include <tenon/engine/operator_registry.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <tenon/memory/page_resource.hpp>

#include <cstddef>
#include <initializer_list>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

namespace detail {

// A tensor of a graph.
struct GraphValue {
  std::pmr::string name;
  TensorType type;
  int producer = -1;               // the node; -1: input or constant
  int input = -1;                  // number of the input
  const void* constant = nullptr;  // elements
  bool is_constant = false;
};

struct GraphNode {
  const Operator* op;
  std::pmr::string op_name;
  std::pmr::vector<int> inputs, outputs;  // values
  Attributes attributes;
};

}  // namespace detail

//   Graph graph;
//   graph.input("x", {DType::float32, {1, 64}});
//   graph.constant("w", w);                             // a view: not copied
//   graph.node("MatMul", {"x", "w"}, "h");
//   graph.node("Relu", {"h"}, "y");
//   graph.output("y");
//
// A node reads what has been named before it, so no graph has a cycle. Where a call raises an error, the graph
// is as it was.
// Thread rules: those of a std::vector.
class Graph {
 public:
  // Contract: registry and resource outlive the graph.
  explicit Graph(const OperatorRegistry& registry = OperatorRegistry::built_in(),
                 std::pmr::memory_resource* resource = system_resource())
      : registry_(&registry), values_(resource), nodes_(resource), outputs_(resource) {}

  // A tensor that each run is given; inputs are numbered in the order of these calls.
  // Errors: ContractError for a name that is taken; what the resource raises.
  void input(std::string_view name, const TensorType& type);
  // A tensor that never changes. It is not copied: contract: its elements outlive the graph and its models.
  // Errors: as input.
  void constant(std::string_view name, const ConstAnyView& view);
  // `op` of the inputs; its outputs get these names.
  // Errors: ContractError for an operator or an input that is unknown (with the closest name), a name that is
  // taken, or another number of outputs than the operator has; ShapeError, DTypeError or ContractError with the
  // name of the node, its operator and the types of its inputs, where the operator refuses them.
  void node(std::string_view op, std::span<const std::string_view> inputs,
            std::span<const std::string_view> outputs, const Attributes& attributes = {});
  void node(std::string_view op, std::initializer_list<std::string_view> inputs,
            std::initializer_list<std::string_view> outputs, const Attributes& attributes = {}) {
    node(op, std::span(inputs.begin(), inputs.size()), std::span(outputs.begin(), outputs.size()),
         attributes);
  }
  void node(std::string_view op, std::initializer_list<std::string_view> inputs,
            std::string_view output, const Attributes& attributes = {}) {
    node(op, std::span(inputs.begin(), inputs.size()), std::span(&output, 1), attributes);
  }
  // A tensor that each run stores; outputs are numbered in the order of these calls.
  // Errors: ContractError for an unknown name (with the closest one).
  void output(std::string_view name);

  // The type of a tensor. Errors: ContractError for an unknown name (with the closest one).
  [[nodiscard]] const TensorType& type(std::string_view name) const;
  [[nodiscard]] std::size_t node_count() const noexcept { return nodes_.size(); }

  // What a model is made from.
  [[nodiscard]] std::span<const detail::GraphValue> values() const noexcept { return values_; }
  [[nodiscard]] std::span<const detail::GraphNode> nodes() const noexcept { return nodes_; }
  [[nodiscard]] std::span<const int> outputs() const noexcept { return outputs_; }

 private:
  [[nodiscard]] int find(std::string_view name) const noexcept;  // -1: none
  [[nodiscard]] int at(const char* operation, std::string_view name) const;
  void require_new(const char* operation, std::string_view name) const;
  void add(std::string_view name, const TensorType& type, int input, const void* constant,
           bool is_constant);

  const OperatorRegistry* registry_;
  std::pmr::vector<detail::GraphValue> values_;
  std::pmr::vector<detail::GraphNode> nodes_;
  std::pmr::vector<int> outputs_;
  int input_count_ = 0;
};

}  // namespace tenon
