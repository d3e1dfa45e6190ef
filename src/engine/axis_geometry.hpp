#pragma once
// Tensors of any rank as (outer, axis, inner): what work along one axis sees of the others.

#include <tenon/engine/attributes.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <tenon/core/config.hpp>

#include <array>
#include <span>

namespace tenon::detail {

// Axes first … last - 1 of a tensor as one, with what lies before and behind them.
struct AxisGeometry {
  index_t outer = 1, axis = 1, inner = 1;
};
[[nodiscard]] AxisGeometry axes_as_one(std::span<const index_t> extents, int first,
                                       int last) noexcept;

// Formula: axis + rank for a negative axis. Errors: ShapeError with the type where it has no such axis.
[[nodiscard]] int normalized_axis(const char* operation, index_t axis, const TensorType& type);

// Softmax of ONNX: attribute axis (-1).
[[nodiscard]] AxisGeometry softmax_geometry(const TensorType& x, const Attributes& attributes);

// LayerNormalization of ONNX with one output: attributes axis (-1), epsilon (1e-5); the axes from `axis` on are
// normalised, input 1 is the scale and input 2 the bias, both of the shape of those axes. Rows are outer, elements axis.
struct LayerNormGeometry {
  index_t rows = 1, elements = 1;
  double epsilon = 0;
  bool has_bias = false;
};
[[nodiscard]] LayerNormGeometry layer_norm_geometry(std::span<const TensorType> inputs,
                                                    const Attributes& attributes);

// Reductions of ONNX: attributes axes (all), keepdims (1). Neighbouring axes are reduced in one pass; passes run from
// the last axes to the first, each on what the one before left.
struct ReduceGeometry {
  int pass_count = 0;
  std::array<AxisGeometry, max_rank> passes{};
  index_t folded = 1;  // elements in one output
  TensorType output;
};
[[nodiscard]] ReduceGeometry reduce_geometry(const char* operation, const TensorType& x,
                                             const Attributes& attributes);

// ArgMax of ONNX: attributes axis (0), keepdims (1); indices are int64.
struct ArgGeometry {
  AxisGeometry axes;
  TensorType output;
};
[[nodiscard]] ArgGeometry arg_geometry(const char* operation, const TensorType& x,
                                       const Attributes& attributes);

}  // namespace tenon::detail
