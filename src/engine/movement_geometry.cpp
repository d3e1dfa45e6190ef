#include "movement_geometry.hpp"

#include <tenon/core/error.hpp>
#include <tenon/core/shape.hpp>

#include "axis_geometry.hpp"

#include <algorithm>

namespace tenon::detail {

namespace {

std::array<index_t, max_rank> strides_of(const TensorType& type) noexcept {
  std::array<index_t, max_rank> strides{};
  index_t step = 1;
  for (int axis = type.rank(); axis-- > 0;) {
    strides[static_cast<std::size_t>(axis)] = step;
    step *= type.extent(axis);
  }
  return strides;
}

TensorType with_extents(const TensorType& x, const std::array<index_t, max_rank>& extents,
                        std::size_t rank) {
  return TensorType(x.dtype(), std::span<const index_t>(extents.data(), rank));
}

// NumPy's slice.indices on one axis: where it begins, and how many there are.
struct Cut {
  index_t first, count;
};
Cut cut_of(index_t start, index_t end, index_t step, index_t extent) noexcept {
  const index_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
  const auto place = [&](index_t i) { return std::clamp(i < 0 ? i + extent : i, low, high); };
  const index_t first = place(start), last = place(end);
  const index_t distance = step > 0 ? last - first : first - last;
  if (distance <= 0) return {0, 0};
  // without a negation that the least integer does not have
  const index_t more = step > 0 ? (distance - 1) / step : -((distance - 1) / step);
  return {first, more + 1};
}

}  // namespace

Movement transpose_movement(const TensorType& x, const Attributes& attributes) {
  const auto perm = attributes.integers("perm");
  const auto rank = static_cast<std::size_t>(x.rank());
  const auto strides = strides_of(x);
  std::array<index_t, max_rank> extents{};
  Movement m;
  unsigned seen = 0;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const index_t from = perm.empty()         ? static_cast<index_t>(rank - 1 - axis)
                         : axis < perm.size() ? perm[axis]
                                              : -1;
    if (perm.size() > rank || from < 0 || from >= x.rank() || ((seen >> from) & 1U) != 0)
      raise<ShapeError>("Transpose", "perm %s does not have each axis of %s once",
                        ShapeText(perm).text, TensorTypeText(x).text);
    seen |= 1U << from;
    extents[axis] = x.extent(static_cast<int>(from));
    m.strides[axis] = strides[static_cast<std::size_t>(from)];
  }
  m.output = with_extents(x, extents, rank);
  return m;
}

Movement slice_movement(const TensorType& x, const Attributes& attributes) {
  const auto starts = attributes.integers("starts"), ends = attributes.integers("ends");
  const auto axes = attributes.integers("axes"), steps = attributes.integers("steps");
  if (starts.size() != ends.size() || (!axes.empty() && axes.size() != starts.size()) ||
      (!steps.empty() && steps.size() != starts.size()))
    raise<ShapeError>("Slice", "%zu starts, %zu ends, %zu axes and %zu steps", starts.size(),
                      ends.size(), axes.size(), steps.size());
  Movement m;
  m.strides = strides_of(x);
  std::array<index_t, max_rank> extents{};
  std::ranges::copy(x.shape(), extents.begin());
  unsigned seen = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto axis = static_cast<std::size_t>(
        normalized_axis("Slice", axes.empty() ? static_cast<index_t>(i) : axes[i], x));
    const index_t step = steps.empty() ? 1 : steps[i];
    if (step == 0) raise<ShapeError>("Slice", "the step on axis %zu is 0", axis);
    if (((seen >> axis) & 1U) != 0)
      raise<ShapeError>("Slice", "axis %zu of %s is named twice", axis, TensorTypeText(x).text);
    seen |= 1U << axis;
    const Cut cut = cut_of(starts[i], ends[i], step, extents[axis]);
    m.first += cut.first * m.strides[axis];
    // of a single element the next one is never asked for, and a step may be any number
    m.strides[axis] = cut.count > 1 ? m.strides[axis] * step : 0;
    extents[axis] = cut.count;
  }
  m.output = with_extents(x, extents, static_cast<std::size_t>(x.rank()));
  return m;
}

MergedMovement merged(const Movement& movement) noexcept {
  MergedMovement m;
  m.first = movement.first;
  std::size_t rank = 0;
  for (int axis = 0; axis < movement.output.rank(); ++axis) {
    const index_t extent = movement.output.extent(axis);
    const index_t stride = movement.strides[static_cast<std::size_t>(axis)];
    if (extent == 1) continue;
    if (rank > 0 && m.strides[rank - 1] == stride * extent) {  // this axis continues the one before
      m.extents[rank - 1] *= extent;
      m.strides[rank - 1] = stride;
    } else {
      m.extents[rank] = extent;
      m.strides[rank++] = stride;
    }
  }
  while (rank < 2) {  // axes of one element in front
    for (std::size_t i = rank; i-- > 0;) {
      m.extents[i + 1] = m.extents[i];
      m.strides[i + 1] = m.strides[i];
    }
    m.extents[0] = 1;
    m.strides[0] = 0;
    if (rank == 0) m.strides[0] = 1;  // one element: a row of memory
    ++rank;
  }
  m.rank = static_cast<int>(rank);
  return m;
}

TensorType reshape_type(const TensorType& x, const Attributes& attributes) {
  const auto asked = attributes.integers("shape");
  const auto refuse = [&] {
    raise<ShapeError>("Reshape", "%s does not become %s", TensorTypeText(x).text,
                      ShapeText(asked).text);
  };
  std::array<index_t, max_rank> extents{};
  index_t known = 1;
  std::size_t rest = asked.size();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i] == -1 && rest == asked.size()) {
      rest = i;
      continue;
    }
    if (asked[i] < 0 || (asked[i] == 0 && static_cast<int>(i) >= x.rank())) refuse();
    extents[i] = asked[i] == 0 ? x.extent(static_cast<int>(i)) : asked[i];
    const auto product = checked_mul(known, extents[i]);
    if (!product) refuse();
    known = *product;
  }
  if (rest < asked.size()) {
    if (known == 0 || x.size() % known != 0) refuse();
    extents[rest] = x.size() / known;
    known = x.size();
  }
  if (known != x.size()) refuse();
  return with_extents(x, extents, asked.size());
}

TensorType flatten_type(const TensorType& x, const Attributes& attributes) {
  const index_t asked = attributes.integer("axis", 1);
  if (asked < -x.rank() || asked > x.rank())
    raise<ShapeError>("Flatten", "%s has no axis %td", TensorTypeText(x).text, asked);
  const int axis = static_cast<int>(asked < 0 ? asked + x.rank() : asked);
  const AxisGeometry g = axes_as_one(x.shape(), axis, x.rank());
  return TensorType(x.dtype(), {g.outer, g.axis});
}

TensorType concat_type(std::span<const TensorType> inputs, const Attributes& attributes) {
  const TensorType& first = inputs[0];
  const Attribute* const given = attributes.find("axis");
  if (given == nullptr || given->integers().empty())
    raise<ContractError>("Concat", "it needs an attribute axis");
  const int axis = normalized_axis("Concat", given->integers()[0], first);
  std::array<index_t, max_rank> extents{};
  std::ranges::copy(first.shape(), extents.begin());
  for (const TensorType& other : inputs.subspan(1)) {
    bool fits = other.dtype() == first.dtype() && other.rank() == first.rank();
    for (int i = 0; fits && i < first.rank(); ++i)
      fits = i == axis || other.extent(i) == first.extent(i);
    const auto sum = fits ? checked_add(extents[static_cast<std::size_t>(axis)], other.extent(axis))
                          : std::nullopt;
    if (!sum) {
      if (other.dtype() != first.dtype())
        raise<DTypeError>("Concat", "%s and %s have different elements", TensorTypeText(first).text,
                          TensorTypeText(other).text);
      raise<ShapeError>("Concat", "%s and %s do not join along axis %d", TensorTypeText(first).text,
                        TensorTypeText(other).text, axis);
    }
    extents[static_cast<std::size_t>(axis)] = *sum;
  }
  return with_extents(first, extents, static_cast<std::size_t>(first.rank()));
}

TensorType cast_type(const TensorType& x, const Attributes& attributes) {
  constexpr auto last = static_cast<index_t>(DType::bfloat16);
  const index_t to = attributes.integer("to", -1);
  if (to < 0 || to > last)
    raise<DTypeError>("Cast", "attribute to is %td; it has to be a DType, 0 to %td", to, last);
  return TensorType(static_cast<DType>(to), x.shape());
}

}  // namespace tenon::detail
