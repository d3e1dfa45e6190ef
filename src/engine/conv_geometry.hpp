#pragma once
// Convolutions along one axis as products of matrices.

#include <tenon/engine/attributes.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <tenon/core/config.hpp>

#include <span>

namespace tenon::detail {

// Conv of ONNX with one axis: input 0 (N, C, L), weights (O, C / group, K), bias (O) if there is one; attributes strides,
// dilations, pads (before and behind) and group. Output (N, O, J):
//   y(n, o, j) = bias(o) + sum over c, t of w(o, c, t) · x(n, first channel of the group + c, j · stride + t · dilation - before)
struct ConvGeometry {
  index_t batch = 0, channels = 0, length = 0;
  index_t outputs = 0, taps = 0, places = 0;  // O, K, J
  index_t group = 1, stride = 1, dilation = 1, before = 0;
  bool has_bias = false;
  TensorType output;

  [[nodiscard]] index_t group_channels() const noexcept { return channels / group; }
  [[nodiscard]] index_t group_outputs() const noexcept { return outputs / group; }
  // A window of one element at each place: the input is the matrix of windows.
  [[nodiscard]] bool reads_in_place() const noexcept {
    return taps == 1 && stride == 1 && before == 0 && places == length;
  }
};

// Errors: ShapeError, DTypeError or ContractError with the numbers.
[[nodiscard]] ConvGeometry conv_geometry(std::span<const TensorType> inputs,
                                         const Attributes& attributes);

}  // namespace tenon::detail
