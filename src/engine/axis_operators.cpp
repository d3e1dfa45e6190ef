// Softmax, LayerNorm, reductions: operators that work along axes.

#include "axis_geometry.hpp"
#include "built_in_operator.hpp"
#include "built_in_operators.hpp"

namespace tenon::detail {

namespace {

using Types = std::span<const TensorType>;

constexpr std::string_view axis_only[] = {"axis"};
constexpr std::string_view layer_norm_attributes[] = {"axis", "epsilon"};
constexpr std::string_view reduce_attributes[] = {"axes", "keepdims"};
constexpr std::string_view arg_attributes[] = {"axis", "keepdims"};

TensorType infer_softmax(Types inputs, const Attributes& attributes) {
  static_cast<void>(softmax_geometry(inputs[0], attributes));
  return inputs[0];
}
TensorType infer_layer_norm(Types inputs, const Attributes& attributes) {
  static_cast<void>(layer_norm_geometry(inputs, attributes));
  return inputs[0];
}
TensorType infer_arg_max(Types inputs, const Attributes& attributes) {
  return arg_geometry("ArgMax", inputs[0], attributes).output;
}

struct ReduceName {
  char text[16];
};
template <ReduceName Name>
TensorType infer_reduce(Types inputs, const Attributes& attributes) {
  return reduce_geometry(Name.text, inputs[0], attributes).output;
}

constinit const BuiltInOperator operators[] = {
    BuiltInOperator({"Softmax", 1, 1, axis_only, infer_softmax, &KernelTable::softmax}),
    BuiltInOperator(
        {"LayerNorm", 2, 3, layer_norm_attributes, infer_layer_norm, &KernelTable::layer_norm}),
    BuiltInOperator({"ArgMax", 1, 1, arg_attributes, infer_arg_max, &KernelTable::arg_max}),
    BuiltInOperator({"ReduceSum", 1, 1, reduce_attributes, infer_reduce<ReduceName{"ReduceSum"}>,
                     &KernelTable::reduce_sum}),
    BuiltInOperator({"ReduceMean", 1, 1, reduce_attributes, infer_reduce<ReduceName{"ReduceMean"}>,
                     &KernelTable::reduce_mean}),
    BuiltInOperator({"ReduceMax", 1, 1, reduce_attributes, infer_reduce<ReduceName{"ReduceMax"}>,
                     &KernelTable::reduce_max}),
    BuiltInOperator({"ReduceMin", 1, 1, reduce_attributes, infer_reduce<ReduceName{"ReduceMin"}>,
                     &KernelTable::reduce_min}),
    BuiltInOperator({"ReduceProd", 1, 1, reduce_attributes, infer_reduce<ReduceName{"ReduceProd"}>,
                     &KernelTable::reduce_prod})};

}  // namespace

void register_axis_operators(OperatorRegistry& registry) {
  for (const BuiltInOperator& op : operators) registry.add(op.name(), &op);
  registry.add("LayerNormalization", &operators[1]);  // its name in ONNX
}

}  // namespace tenon::detail
