// Transpose, Slice, Reshape, Flatten, Concat, Cast: what they make of their inputs.

#include "built_in_operator.hpp"
#include "built_in_operators.hpp"
#include "movement_geometry.hpp"

namespace tenon::detail {

namespace {

using Types = std::span<const TensorType>;

constexpr std::string_view transpose_attributes[] = {"perm"};
constexpr std::string_view slice_attributes[] = {"starts", "ends", "axes", "steps"};
constexpr std::string_view reshape_attributes[] = {"shape"};
constexpr std::string_view axis_only[] = {"axis"};
constexpr std::string_view cast_attributes[] = {"to"};

TensorType infer_transpose(Types inputs, const Attributes& attributes) {
  return transpose_movement(inputs[0], attributes).output;
}
TensorType infer_slice(Types inputs, const Attributes& attributes) {
  return slice_movement(inputs[0], attributes).output;
}
TensorType infer_reshape(Types inputs, const Attributes& attributes) {
  return reshape_type(inputs[0], attributes);
}
TensorType infer_flatten(Types inputs, const Attributes& attributes) {
  return flatten_type(inputs[0], attributes);
}
TensorType infer_cast(Types inputs, const Attributes& attributes) {
  return cast_type(inputs[0], attributes);
}

constinit const BuiltInOperator operators[] = {
    BuiltInOperator(
        {"Transpose", 1, 1, transpose_attributes, infer_transpose, &KernelTable::transpose}),
    BuiltInOperator({"Slice", 1, 1, slice_attributes, infer_slice, &KernelTable::slice}),
    BuiltInOperator({"Reshape", 1, 1, reshape_attributes, infer_reshape, &KernelTable::copy}),
    BuiltInOperator({"Flatten", 1, 1, axis_only, infer_flatten, &KernelTable::copy}),
    BuiltInOperator(
        {"Concat", 1, Operator::max_inputs, axis_only, concat_type, &KernelTable::concat}),
    BuiltInOperator({"Cast", 1, 1, cast_attributes, infer_cast, &KernelTable::cast})};

}  // namespace

void register_movement_operators(OperatorRegistry& registry) {
  for (const BuiltInOperator& op : operators) registry.add(op.name(), &op);
}

}  // namespace tenon::detail
