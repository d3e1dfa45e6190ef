#include "elementwise_operators.hpp"

#include "tile_program.hpp"

#include <array>
#include <limits>

namespace tenon::detail {

namespace {

struct Parameter {
  const char* name = nullptr;  // null: none
  double otherwise = 0;
};

class ElementwiseOperator final : public Operator {
 public:
  constexpr ElementwiseOperator(const char* name, ElementwiseCode code, Parameter p = {},
                                Parameter q = {}) noexcept
      : name_(name), code_(code), parameters_{p, q} {}

  void infer(std::span<const TensorType> inputs, const Attributes&,
             std::span<TensorType> outputs) const override {
    outputs[0] = elementwise_type(name_, code_, inputs);
  }

  [[nodiscard]] KernelPtr compile(std::span<const TensorType> inputs, const Attributes& attributes,
                                  const KernelOptions& options) const override {
    const int last = operand_count(code_) - 1;
    const TileNode node{elementwise(attributes), {0, last}};
    constexpr int output = 0;
    return make_kernel<TileKernel>(options.resource,
                                   TileGraph{inputs, std::span(&node, 1), std::span(&output, 1)},
                                   options.resource);
  }

  [[nodiscard]] Elementwise elementwise(const Attributes& attributes) const noexcept override {
    Elementwise result{code_, {}};
    if (code_ == ElementwiseCode::gelu && attributes.number("approximate", 0) != 0)
      result.code = ElementwiseCode::gelu_tanh;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (parameters_[i].name != nullptr)
        result.parameters[i] = attributes.number(parameters_[i].name, parameters_[i].otherwise);
    return result;
  }

  [[nodiscard]] constexpr const char* name() const noexcept { return name_; }

 private:
  const char* name_;
  ElementwiseCode code_;
  std::array<Parameter, 2> parameters_;
};

constexpr double infinity = std::numeric_limits<double>::infinity();

using enum ElementwiseCode;
constinit const ElementwiseOperator operators[] = {
    {"Add", add},
    {"Sub", subtract},
    {"Mul", multiply},
    {"Div", divide},
    {"Max", maximum},
    {"Min", minimum},
    {"Pow", power},
    {"PRelu", parametric_relu},
    {"Neg", negate},
    {"Abs", abs},
    {"Relu", relu},
    {"ReLU", relu},
    {"Square", square},
    {"LeakyRelu", leaky_relu, {"alpha", 0.01}},
    {"Elu", elu, {"alpha", 1}},
    {"Clip", clip, {"min", -infinity}, {"max", infinity}},
    {"HardSigmoid", hard_sigmoid, {"alpha", 0.2}, {"beta", 0.5}},
    {"HardSwish", hard_swish},
    {"Reciprocal", reciprocal},
    {"Sqrt", sqrt},
    {"Exp", exp},
    {"Log", log},
    {"Sin", sin},
    {"Cos", cos},
    {"Tanh", tanh},
    {"Sigmoid", sigmoid},
    {"Silu", silu},
    {"SiLU", silu},
    {"Gelu", gelu},
    {"GELU", gelu},
    {"Erf", erf},
    {"Softplus", softplus},
    {"Sign", sign},
    {"Floor", floor},
    {"Ceil", ceil},
    {"Round", round}};

}  // namespace

std::span<const NamedOperator> elementwise_operators() noexcept {
  static const auto named = [] {
    std::array<NamedOperator, std::size(operators)> result{};
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = {operators[i].name(), &operators[i]};
    return result;
  }();
  return named;
}

}  // namespace tenon::detail
