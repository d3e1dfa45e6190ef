#pragma once
// Elements that go to other places: transposes, slices, joins, reshapes.

#include <tenon/engine/attributes.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <tenon/core/config.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace tenon::detail {

// Formula: output(i0, i1, …) = input[first + i0 · strides[0] + i1 · strides[1] + …], in elements.
struct Movement {
  index_t first = 0;
  std::array<index_t, max_rank> strides{};  // one for each axis of the output
  TensorType output;
};

// Transpose of ONNX: attribute perm (all axes in reverse).
[[nodiscard]] Movement transpose_movement(const TensorType& x, const Attributes& attributes);
// Slice of ONNX, its first form: attributes starts, ends, axes (0, 1, …), steps (1, …) as in NumPy's x[start:end:step].
[[nodiscard]] Movement slice_movement(const TensorType& x, const Attributes& attributes);

// The same with axes of extent 1 left out and neighbours that lie together joined; at least two axes, the last ones.
struct MergedMovement {
  int rank = 2;
  index_t first = 0;
  std::array<index_t, max_rank> extents{};
  std::array<index_t, max_rank> strides{};
};
[[nodiscard]] MergedMovement merged(const Movement& movement) noexcept;

// Reshape of ONNX, its first form: attribute shape, in which 0 keeps the input's extent and one -1 is what is left.
[[nodiscard]] TensorType reshape_type(const TensorType& x, const Attributes& attributes);
// Flatten of ONNX: attribute axis (1): axes before it become rows, the others columns.
[[nodiscard]] TensorType flatten_type(const TensorType& x, const Attributes& attributes);
// Concat of ONNX: attribute axis, which has to be given.
[[nodiscard]] TensorType concat_type(std::span<const TensorType> inputs,
                                     const Attributes& attributes);
// Cast of ONNX, with attribute to: the DType as an integer.
[[nodiscard]] TensorType cast_type(const TensorType& x, const Attributes& attributes);

}  // namespace tenon::detail
