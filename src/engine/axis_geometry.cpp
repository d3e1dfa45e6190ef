#include "axis_geometry.hpp"

#include <tenon/core/error.hpp>

#include "built_in_operator.hpp"

#include <algorithm>

namespace tenon::detail {

namespace {

constexpr DType floating[] = {DType::float32, DType::float64};
constexpr DType numbers[] = {DType::float32, DType::float64, DType::int32, DType::int64};

// The type of what is left where the axes in `reduced` go, or keep extent 1.
TensorType reduced_type(DType dtype, const TensorType& x, unsigned reduced, bool keepdims) {
  std::array<index_t, max_rank> extents{};
  std::size_t rank = 0;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool goes = ((reduced >> axis) & 1U) != 0;
    if (!goes || keepdims) extents[rank++] = goes ? 1 : x.extent(axis);
  }
  return TensorType(dtype, std::span<const index_t>(extents.data(), rank));
}

// The axes that attribute "axes" names, as bits; all where it is missing or empty.
unsigned axes_to_reduce(const char* operation, const TensorType& x, const Attributes& attributes) {
  const auto axes = attributes.integers("axes");
  if (axes.empty()) return (1U << x.rank()) - 1;
  unsigned reduced = 0;
  for (const index_t axis : axes) {
    const unsigned bit = 1U << normalized_axis(operation, axis, x);
    if ((reduced & bit) != 0)
      raise<ShapeError>(operation, "axis %td of %s is named twice", axis, TensorTypeText(x).text);
    reduced |= bit;
  }
  return reduced;
}

}  // namespace

AxisGeometry axes_as_one(std::span<const index_t> extents, int first, int last) noexcept {
  AxisGeometry g;
  for (int axis = 0; axis < static_cast<int>(extents.size()); ++axis) {
    index_t& part = axis < first ? g.outer : axis < last ? g.axis : g.inner;
    part *= extents[static_cast<std::size_t>(axis)];
  }
  return g;
}

int normalized_axis(const char* operation, index_t axis, const TensorType& type) {
  if (axis < -type.rank() || axis >= type.rank())
    raise<ShapeError>(operation, "%s has no axis %td", TensorTypeText(type).text, axis);
  return static_cast<int>(axis < 0 ? axis + type.rank() : axis);
}

AxisGeometry softmax_geometry(const TensorType& x, const Attributes& attributes) {
  require_dtype("Softmax", x, floating);
  const int axis = normalized_axis("Softmax", attributes.integer("axis", -1), x);
  return axes_as_one(x.shape(), axis, axis + 1);
}

LayerNormGeometry layer_norm_geometry(std::span<const TensorType> inputs,
                                      const Attributes& attributes) {
  const TensorType& x = inputs[0];
  require_dtype("LayerNorm", x, floating);
  const int first = normalized_axis("LayerNorm", attributes.integer("axis", -1), x);
  const TensorType needed(x.dtype(), x.shape().subspan(static_cast<std::size_t>(first)));
  for (std::size_t i = 1; i < inputs.size(); ++i)
    if (!(inputs[i] == needed))
      raise<ShapeError>("LayerNorm", "input %zu is %s; it has to be %s for %s", i,
                        TensorTypeText(inputs[i]).text, TensorTypeText(needed).text,
                        TensorTypeText(x).text);
  const AxisGeometry g = axes_as_one(x.shape(), first, x.rank());
  return {g.outer, g.axis, attributes.number("epsilon", 1e-5), inputs.size() == 3};
}

ReduceGeometry reduce_geometry(const char* operation, const TensorType& x,
                               const Attributes& attributes) {
  const bool is_mean = std::string_view(operation) == "ReduceMean";
  require_dtype(operation, x, is_mean ? std::span<const DType>(floating) : numbers);
  const unsigned reduced = axes_to_reduce(operation, x, attributes);
  ReduceGeometry g;
  g.output = reduced_type(x.dtype(), x, reduced, attributes.integer("keepdims", 1) != 0);

  std::array<index_t, max_rank> extents{};
  std::ranges::copy(x.shape(), extents.begin());
  const std::span<const index_t> left(extents.data(), static_cast<std::size_t>(x.rank()));
  for (int last = x.rank(); last > 0;) {
    int first = last;
    while (first > 0 && ((reduced >> (first - 1)) & 1U) != 0) --first;
    if (first == last) {
      --last;
      continue;
    }
    const AxisGeometry pass = axes_as_one(left, first, last);
    g.folded *= pass.axis;
    g.passes[static_cast<std::size_t>(g.pass_count++)] = pass;
    for (int axis = first; axis < last; ++axis) extents[static_cast<std::size_t>(axis)] = 1;
    last = first;
  }
  if (x.rank() == 0) g.pass_count = 1;  // of a scalar: the fold of one element
  const bool is_extreme =
      std::string_view(operation) == "ReduceMax" || std::string_view(operation) == "ReduceMin";
  if (is_extreme && g.folded == 0 && g.output.size() > 0)
    raise<ShapeError>(operation, "the axes to reduce of %s hold no element",
                      TensorTypeText(x).text);
  return g;
}

ArgGeometry arg_geometry(const char* operation, const TensorType& x, const Attributes& attributes) {
  require_dtype(operation, x, numbers);
  const int axis = normalized_axis(operation, attributes.integer("axis", 0), x);
  const AxisGeometry axes = axes_as_one(x.shape(), axis, axis + 1);
  if (axes.axis == 0 && axes.outer * axes.inner > 0)
    raise<ShapeError>(operation, "axis %d of %s holds no element", axis, TensorTypeText(x).text);
  return {axes, reduced_type(DType::int64, x, 1U << axis, attributes.integer("keepdims", 1) != 0)};
}

}  // namespace tenon::detail
