#include <tenon/engine/graph.hpp>

#include "closest_name.hpp"

#include <tenon/core/error.hpp>

#include <array>
#include <cstdio>
#include <utility>

namespace tenon {

namespace {

// A name in a message, cut where it is very long.
struct NameText {
  char text[68];
  explicit NameText(std::string_view name) noexcept {
    std::snprintf(text, sizeof(text), "%.*s%s",
                  static_cast<int>(std::min<std::size_t>(name.size(), 60)), name.data(),
                  name.size() > 60 ? "..." : "");
  }
};

struct TypesText {
  char text[400];
  explicit TypesText(std::span<const TensorType> types) noexcept : text{} {
    std::size_t used = 0;
    for (const TensorType& type : types) {
      if (used + 200 > sizeof(text)) break;
      used +=
          static_cast<std::size_t>(std::snprintf(text + used, sizeof(text) - used, "%s%s",
                                                 used == 0 ? "" : ", ", TensorTypeText(type).text));
    }
  }
};

// The operator's error, told of the node.
template <class E>
[[noreturn]] void tell(std::string_view op, std::string_view node,
                       std::span<const TensorType> types, const char* reason) {
  detail::raise<E>("Graph::node", "'%s' (%s of %s): %s", NameText(node).text, NameText(op).text,
                   TypesText(types).text, reason);
}

void infer(const Operator& op, std::string_view op_name, std::string_view node,
           std::span<const TensorType> types, const Attributes& attributes,
           std::span<TensorType> outputs) {
#ifdef TENON_NO_EXCEPTIONS
  static_cast<void>(op_name);
  static_cast<void>(node);
  op.infer(types, attributes, outputs);
#else
  try {
    op.infer(types, attributes, outputs);
  } catch (const ShapeError& error) {
    tell<ShapeError>(op_name, node, types, error.message());
  } catch (const DTypeError& error) {
    tell<DTypeError>(op_name, node, types, error.message());
  } catch (const ContractError& error) {
    tell<ContractError>(op_name, node, types, error.message());
  }
#endif
}

}  // namespace

int Graph::find(std::string_view name) const noexcept {
  for (std::size_t i = values_.size(); i-- > 0;)  // mostly a recent one
    if (values_[i].name == name) return static_cast<int>(i);
  return -1;
}

int Graph::at(const char* operation, std::string_view name) const {
  const int value = find(name);
  if (value >= 0) return value;
  std::string_view closest;
  std::size_t least = ~std::size_t{0};
  for (const auto& v : values_)
    if (const std::size_t changed = detail::edit_distance(name, v.name); changed < least) {
      least = changed;
      closest = v.name;
    }
  detail::raise<ContractError>(operation, "there is no tensor '%s'%s%s", NameText(name).text,
                               closest.empty() ? "" : "; the closest name is ",
                               NameText(closest).text);
}

void Graph::require_new(const char* operation, std::string_view name) const {
  if (name.empty()) detail::raise<ContractError>(operation, "a tensor needs a name");
  if (find(name) >= 0)
    detail::raise<ContractError>(operation, "there is a tensor '%s' already", NameText(name).text);
}

void Graph::add(std::string_view name, const TensorType& type, int input, const void* constant,
                bool is_constant) {
  values_.push_back(
      {std::pmr::string(name, values_.get_allocator()), type, -1, input, constant, is_constant});
}

void Graph::input(std::string_view name, const TensorType& type) {
  require_new("Graph::input", name);
  add(name, type, input_count_, nullptr, false);
  ++input_count_;
}

void Graph::constant(std::string_view name, const ConstAnyView& view) {
  require_new("Graph::constant", name);
  add(name, view.type(), -1, view.data(), true);
}

void Graph::node(std::string_view op_name, std::span<const std::string_view> inputs,
                 std::span<const std::string_view> outputs, const Attributes& attributes) {
  const Operator& op = registry_->at(op_name);
  const std::string_view name = outputs.empty() ? op_name : outputs[0];
  if (inputs.size() > Operator::max_inputs ||
      outputs.size() != static_cast<std::size_t>(op.output_count()))
    detail::raise<ContractError>("Graph::node",
                                 "'%s' (%s): %zu inputs, of at most %d; %zu outputs, not %d",
                                 NameText(name).text, NameText(op_name).text, inputs.size(),
                                 Operator::max_inputs, outputs.size(), op.output_count());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    require_new("Graph::node", outputs[i]);
    for (std::size_t j = 0; j < i; ++j)
      if (outputs[i] == outputs[j])
        detail::raise<ContractError>("Graph::node", "two outputs are called '%s'",
                                     NameText(outputs[i]).text);
  }
  detail::GraphNode made{&op, std::pmr::string(op_name, values_.get_allocator()),
                         std::pmr::vector<int>(values_.get_allocator()),
                         std::pmr::vector<int>(values_.get_allocator()), attributes};
  std::array<TensorType, Operator::max_inputs> input_types;
  std::array<TensorType, Operator::max_outputs> output_types;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    made.inputs.push_back(at("Graph::node", inputs[i]));
    input_types[i] = values_[static_cast<std::size_t>(made.inputs[i])].type;
  }
  infer(op, op_name, name, std::span(input_types).first(inputs.size()), attributes,
        std::span(output_types).first(outputs.size()));

  // All that may fail comes before the graph changes.
  const std::size_t first = values_.size();
  for (std::size_t i = 0; i < outputs.size(); ++i)
    made.outputs.push_back(static_cast<int>(first + i));
  std::pmr::vector<detail::GraphValue> results(values_.get_allocator());
  for (std::size_t i = 0; i < outputs.size(); ++i)
    results.push_back({std::pmr::string(outputs[i], values_.get_allocator()), output_types[i],
                       static_cast<int>(nodes_.size()), -1, nullptr, false});
  if (values_.capacity() < first + results.size()) values_.reserve(2 * first + results.size());
  nodes_.push_back(std::move(made));
  for (auto& result : results) values_.push_back(std::move(result));
}

void Graph::output(std::string_view name) { outputs_.push_back(at("Graph::output", name)); }

const TensorType& Graph::type(std::string_view name) const {
  return values_[static_cast<std::size_t>(at("Graph::type", name))].type;
}

}  // namespace tenon
