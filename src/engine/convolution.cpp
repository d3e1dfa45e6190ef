// Conv1D: what it takes, and what comes out.

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include "built_in_operator.hpp"
#include "built_in_operators.hpp"
#include "conv_geometry.hpp"

namespace tenon::detail {

namespace {

constexpr const char* operation = "Conv1D";
constexpr DType floating[] = {DType::float32, DType::float64};
constexpr std::string_view conv_attributes[] = {"strides", "dilations", "pads", "group"};

index_t positive(const Attributes& attributes, std::string_view name) {
  const auto values = attributes.integers(name);
  if (attributes.find(name) == nullptr) return 1;
  if (values.size() != 1 || values[0] < 1)
    raise<ContractError>(operation, "attribute %.*s has to be one integer above 0",
                         static_cast<int>(name.size()), name.data());
  return values[0];
}

}  // namespace

ConvGeometry conv_geometry(std::span<const TensorType> inputs, const Attributes& attributes) {
  const TensorType& x = inputs[0];
  const TensorType& w = inputs[1];
  require_dtype(operation, x, floating);
  const auto refuse = [&](const char* reason) {
    raise<ShapeError>(operation, "%s and weights %s: %s", TensorTypeText(x).text,
                      TensorTypeText(w).text, reason);
  };
  if (w.dtype() != x.dtype())
    raise<DTypeError>(operation, "%s and weights %s have different elements",
                      TensorTypeText(x).text, TensorTypeText(w).text);
  if (x.rank() != 3 || w.rank() != 3) refuse("both need three axes");
  ConvGeometry g;
  g.batch = x.extent(0);
  g.channels = x.extent(1);
  g.length = x.extent(2);
  g.outputs = w.extent(0);
  g.taps = w.extent(2);
  g.group = positive(attributes, "group");
  g.stride = positive(attributes, "strides");
  g.dilation = positive(attributes, "dilations");
  if (g.channels % g.group != 0 || g.outputs % g.group != 0)
    refuse("the groups do not divide channels and outputs");
  if (w.extent(1) != g.group_channels())
    refuse("the second extent of the weights has to be the channels of a group");
  if (g.taps == 0) refuse("a window needs an element");

  const auto pads = attributes.integers("pads");
  if (attributes.find("pads") != nullptr && (pads.size() != 2 || pads[0] < 0 || pads[1] < 0))
    raise<ContractError>(operation, "attribute pads has to be two integers, none below 0");
  g.before = pads.empty() ? 0 : pads[0];
  const auto padded = checked_add(g.length, g.before);
  const auto whole = padded ? checked_add(*padded, pads.empty() ? 0 : pads[1]) : padded;
  const auto reach = checked_mul(g.taps - 1, g.dilation);
  if (!whole || !reach || *reach >= *whole) refuse("a window is longer than the padded input");
  g.places = (*whole - *reach - 1) / g.stride + 1;
  g.output = TensorType(x.dtype(), {g.batch, g.outputs, g.places});
  // The matrix of windows of a group, which is a workspace.
  static_cast<void>(TensorType(x.dtype(), {g.group_channels(), g.taps, g.places}));

  g.has_bias = inputs.size() == 3;
  if (g.has_bias && !(inputs[2] == TensorType(x.dtype(), {g.outputs})))
    raise<ShapeError>(operation, "the bias is %s; it has to be %s", TensorTypeText(inputs[2]).text,
                      TensorTypeText(TensorType(x.dtype(), {g.outputs})).text);
  return g;
}

void register_convolution(OperatorRegistry& registry) {
  static const BuiltInOperator conv(
      {operation, 2, 3, conv_attributes,
       [](std::span<const TensorType> inputs, const Attributes& attributes) {
         return conv_geometry(inputs, attributes).output;
       },
       &KernelTable::conv1d});
  registry.add(conv.name(), &conv);
}

}  // namespace tenon::detail
