// Transpose, Slice, Concat, Reshape: elements are moved by their size, whatever they mean.

#include "axis_geometry.hpp"
#include "expression_kernel.hpp"
#include "factories.hpp"
#include "movement_geometry.hpp"
#include "strided_copy.hpp"

#include <cstdint>
#include <cstring>

namespace tenon::detail::inline TENON_MODE {

namespace {

// Planes of the last two axes, one after the other. Of Words, to which elements were joined where they lie together.
template <class Word>
class MovementKernel final : public Kernel {
 public:
  explicit MovementKernel(const MergedMovement& movement) : m_(movement) {}

  void run(const KernelCall& call) const noexcept override {
    const auto* const from = static_cast<const Word*>(call.inputs[0]) + m_.first;
    auto* to = static_cast<Word*>(call.outputs[0]);
    const auto last = static_cast<std::size_t>(m_.rank) - 1;
    const index_t rows = m_.extents[last - 1], columns = m_.extents[last];
    index_t planes = 1;
    for (std::size_t axis = 0; axis + 1 < last; ++axis) planes *= m_.extents[axis];
    if (rows == 0 || columns == 0) return;
    for (index_t plane = 0; plane < planes; ++plane, to += rows * columns)
      copy_rows(to, columns, from + offset(plane, last - 1), m_.strides[last - 1], m_.strides[last],
                rows, columns);
  }

 private:
  [[nodiscard]] index_t offset(index_t plane, std::size_t axes) const noexcept {
    index_t words = 0;
    for (std::size_t axis = axes; axis-- > 0;) {
      words += plane % m_.extents[axis] * m_.strides[axis];
      plane /= m_.extents[axis];
    }
    return words;
  }

  MergedMovement m_;
};

KernelPtr make_movement(const Movement& movement, const KernelOptions& options) {
  const MergedMovement m = merged(movement);
  switch (size_bytes(movement.output.dtype())) {
    case 1:
      return make_kernel<MovementKernel<std::uint8_t>>(options.resource, m);
    case 2:
      return make_kernel<MovementKernel<std::uint16_t>>(options.resource, m);
    case 4:
      return make_kernel<MovementKernel<std::uint32_t>>(options.resource, m);
    default:
      return make_kernel<MovementKernel<std::uint64_t>>(options.resource, m);
  }
}

// All bytes as they are.
class CopyKernel final : public Kernel {
 public:
  explicit CopyKernel(std::size_t bytes) : bytes_(bytes) {}
  [[nodiscard]] bool in_place(int) const noexcept override { return true; }
  void run(const KernelCall& call) const noexcept override {
    if (bytes_ > 0 && call.outputs[0] != call.inputs[0])
      std::memcpy(call.outputs[0], call.inputs[0], bytes_);
  }

 private:
  std::size_t bytes_;
};

// Runs of bytes of each input in turn.
class ConcatKernel final : public Kernel {
 public:
  ConcatKernel(std::span<const TensorType> inputs, int axis) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const AxisGeometry g = axes_as_one(inputs[i].shape(), axis, inputs[i].rank());
      rows_ = g.outer;
      run_bytes_[i] = static_cast<std::size_t>(g.axis) *
                      static_cast<std::size_t>(size_bytes(inputs[i].dtype()));
    }
  }
  void run(const KernelCall& call) const noexcept override {
    auto* to = static_cast<std::byte*>(call.outputs[0]);
    for (index_t row = 0; row < rows_; ++row)
      for (std::size_t i = 0; i < call.inputs.size(); ++i) {
        const std::size_t bytes = run_bytes_[i];
        if (bytes == 0) continue;
        const auto* const from = static_cast<const std::byte*>(call.inputs[i]);
        std::memcpy(to, from + static_cast<std::size_t>(row) * bytes, bytes);
        to += bytes;
      }
  }

 private:
  index_t rows_ = 0;
  std::array<std::size_t, Operator::max_inputs> run_bytes_{};
};

}  // namespace

KernelPtr make_transpose_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                const KernelOptions& options) {
  return make_movement(transpose_movement(inputs[0], attributes), options);
}
KernelPtr make_slice_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                            const KernelOptions& options) {
  return make_movement(slice_movement(inputs[0], attributes), options);
}
KernelPtr make_copy_kernel(std::span<const TensorType> inputs, const Attributes&,
                           const KernelOptions& options) {
  return make_kernel<CopyKernel>(options.resource, inputs[0].bytes());
}
KernelPtr make_concat_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                             const KernelOptions& options) {
  const int axis = normalized_axis("Concat", attributes.integer("axis", 0), inputs[0]);
  return make_kernel<ConcatKernel>(options.resource, inputs, axis);
}

}  // namespace tenon::detail::inline TENON_MODE
